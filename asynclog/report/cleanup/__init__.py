"""The result of `asynclog cleanup` and `asynclog apply`, and its text."""
