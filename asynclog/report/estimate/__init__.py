"""The result of `asynclog estimate`, and its text."""
