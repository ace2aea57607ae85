"""Segments -> statistics. Reads only: nothing in this package changes a byte of the log."""
