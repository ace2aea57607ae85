"""The result of `asynclog history`, and its text."""
