"""The version of this package: the one place that says it. Pure."""

VERSION = "0.1.0"  # read by pyproject.toml: importlib.metadata would take 40 ms
