"""Colours for text that people read: what needs a look stands out, and what is always there recedes.

Only the words before a colon are coloured, so that no name from a log can look like one of them.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TextIO

_RESET = "\x1b[0m"
_BOLD, _DIM, _ERROR, _WARNING = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[33m"
_LABELS = {
    _ERROR: ("Refused",),
    _WARNING: (
        "Warning",
        "Overdue",
        "Unjudged",
        "Not read",
        "Stopped",
        "Skipped",
        "Would be skipped",
        "Late",
        "Pending",
    ),
    _DIM: ("Log", "Run by"),
}


def choice_in(words: Sequence[str]) -> str:
    """Return the value of --color on a command line that may not be valid; `auto` without one."""
    chosen = "auto"
    for word, following in pairwise([*words, ""]):
        if word == "--color":
            chosen = following
        elif word.startswith("--color="):
            chosen = word.removeprefix("--color=")
    return chosen


def is_wanted(choice: str, environ: Mapping[str, str], stream: TextIO) -> bool:
    """Return whether text for this stream is to have colours.

    The option decides; else NO_COLOR, FORCE_COLOR and TERM=dumb, in this order, as in Python's own tools; else whether
    it is a terminal.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def color_report(text: str) -> str:
    """Return a report with its first line, the heads of its tables and the beginnings of its lines in colours."""
    first, newline, rest = text.partition("\n")
    return f"{_BOLD}{first}{_RESET}{newline}" + "\n".join(map(_color_line, rest.split("\n")))


def color_error(text: str) -> str:
    """Return a sentence for stderr with the program's name in red."""
    name, colon, sentence = text.partition(":")
    return f"{_ERROR}{name}{colon}{_RESET}{sentence}"


def _color_line(line: str) -> str:
    if line.startswith("schema  "):
        return f"{_BOLD}{line}{_RESET}"
    for color, labels in _LABELS.items():
        for label in labels:
            if line.startswith(label):
                return _color_label(line, label, color)
    return line


def _color_label(line: str, label: str, color: str) -> str:
    if color == _DIM:
        return f"{_DIM}{line}{_RESET}"
    end = line.find(":", len(label)) + 1 or len(label)
    return f"{color}{line[:end]}{_RESET}{line[end:]}"
