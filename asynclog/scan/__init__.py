"""Segments -> censuses. Reads only: nothing below this folder changes a byte of the log."""
