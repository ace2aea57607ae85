"""The result of `asynclog explain`, and its text."""
