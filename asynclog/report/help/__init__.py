"""The result of `help`."""
