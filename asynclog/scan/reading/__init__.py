"""Read a segment: its bytes, its lines, packed or not."""
