"""The command line: parse, call, print, exit. stdout carries the result only, everything else goes to stderr."""

from asynclog.cli.main import main

__all__ = ["main"]
