"""The result of `asynclog check`, and its text."""
