"""A folder as it is read: what is in it, its segments, and ranges of their bytes."""
