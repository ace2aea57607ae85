"""The command line: parse, call, print, exit. Only the result goes to stdout, everything else to stderr."""

from asynclog.cli.main import main

__all__ = ["main"]
