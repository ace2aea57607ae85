"""Segments where they live: their names, their bytes, and who claims them."""
