"""Prepare `asynclog init`: where it may begin, and the files that it writes."""
