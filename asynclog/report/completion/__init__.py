"""The result of `completion`."""
