"""The result of `asynclog init`, and the files that it writes."""
