"""The JSON of `asynclog --version`."""
