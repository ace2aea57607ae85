"""Paths of many logs: `*` in a folder's name stands for any characters, `**` for any folders, one below another.

Neither stands for a folder whose name begins with a dot, or for a symbolic link, behind which the same log may be found
again. `[*]` is the character itself.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

_STAR = "[*]"
_ANY_FOLDERS = "**"

# Says of the names of a folder's files whether the log is there.
HasLog = Callable[[Sequence[str]], bool]


class Found(msgspec.Struct, frozen=True):
    """Folders, in order, and a sentence for each folder that could not be listed, or that a named link leads to."""

    folders: list[str]
    unlisted: list[str]


# A part of a path: this name, one of this pattern, or, for None, any folders.
Part = str | re.Pattern[str] | None


class _Pattern(msgspec.Struct, frozen=True):
    """The folder above the first wildcard, and what has to stand below that."""

    top: str
    parts: tuple[Part, ...]

    def after(self, places: frozenset[int], name: str) -> frozenset[int]:
        """Return the numbers of parts that may come next in a folder of this name, where these might in the one above.

        The number of all parts means that nothing has to come.
        """
        found = set()
        for place in places:
            if place < len(self.parts) and _fits(self.parts[place], name):
                found.add(place if self.parts[place] is None else place + 1)
        return self.opened(found)

    def opened(self, places: set[int]) -> frozenset[int]:
        """Return these numbers, and those behind a `**`, which may stand for no folder."""
        found = set()
        for place in places:
            found.add(place)
            while place < len(self.parts) and self.parts[place] is None:
                place += 1  # noqa: PLW2901
                found.add(place)
        return frozenset(found)

    def literals(self, places: frozenset[int]) -> list[str] | None:
        """Return the only names that may come next, in order; None if others may, too, or the log may be here."""
        names = [self.parts[place] for place in places if place < len(self.parts)]
        if len(names) < len(places) or not all(isinstance(name, str) for name in names):
            return None
        return sorted({str(name) for name in names})


def has_wildcard(log: str) -> bool:
    """Return whether a path is of many logs."""
    return "*" in os.path.dirname(log).replace(_STAR, "")


def literal(log: str) -> str:
    """Return the path of one log as the file system has it."""
    folder, base = os.path.split(log)
    return os.path.join(folder.replace(_STAR, "*"), base)


def escaped(folder: str) -> str:
    """Return a pattern for just this folder."""
    return folder.replace("*", _STAR)


def wildcard_problem(log: str) -> str:
    """Say what is wrong with the wildcards in a path of many logs; empty if nothing is."""
    folder, base = os.path.split(log)
    parts = folder.split("/")
    if any(_ANY_FOLDERS in part.replace(_STAR, "") and part != _ANY_FOLDERS for part in parts):
        return f"** stands for whole folders: write it between two slashes, as in /var/log/**/{base}"
    if ".." in folder[folder.index("*") :].split("/"):
        return "behind a * there can be no ..: name the folder that is meant"
    if "*" in base:
        return (
            "the last name is that of the log, and can have no *: write one such as logs.jsonl, which need not be "
            "there, and patterns for the names of files into audit.segments"
        )
    return ""


def covers(folder: str, other: str) -> bool:
    """Return whether a pattern of folders stands for this other one, whatever path leads there."""
    pattern = _pattern(folder)
    top, other = os.path.realpath(pattern.top), os.path.realpath(other)
    below = os.path.relpath(other, top)
    if below.split("/")[0] == "..":
        return False
    places = pattern.opened({0})
    for name in below.split("/") if below != "." else ():
        places = pattern.after(places, name)
    return len(pattern.parts) in places


def find_folders(folder: str, has_log: HasLog) -> Found:
    """Return the folders that a pattern stands for, and that have the log. Each folder on the way is listed once."""
    pattern, unlisted = _pattern(folder), list[str]()
    found = list(_below(pattern, pattern.top, pattern.opened({0}), has_log, unlisted))
    return Found(found, unlisted)


def _below(pattern: _Pattern, top: str, begun: frozenset[int], has_log: HasLog, unlisted: list[str]) -> Iterator[str]:
    """Yield those folders from `top` on that have the log, each before those in it, in the order of their names."""
    waiting = [(top, begun)]
    while waiting:
        folder, places = waiting.pop()
        names = pattern.literals(places)
        try:
            files, folders = _listed(folder) if names is None else ([], names)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            unlisted.append(f"{folder}: this folder can't be listed, and logs may be there: {error.strerror}")
            continue
        if len(pattern.parts) in places and has_log(files):
            yield folder
        for name in sorted(folders, reverse=True):
            below, following = os.path.join(folder, name), pattern.after(places, name)
            if following and not (names and _is_link(below, unlisted)):
                waiting.append((below, following))


def _is_link(folder: str, unlisted: list[str]) -> bool:
    """Return whether a folder that is named behind a wildcard is a link; note if a folder is behind it."""
    is_link = os.path.islink(folder)
    if is_link and os.path.isdir(folder):
        unlisted.append(
            f"{folder}: this is a symbolic link, which is not followed behind a *, and logs may be there: name the "
            "folder that it leads to"
        )
    return is_link


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Return the names of a folder's files, links among them, and of its folders. Raise OSError."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    return files, folders


def _fits(part: Part, name: str) -> bool:
    """Return whether a folder may have this name."""
    if isinstance(part, str):
        return part == name
    if part is None:
        return not name.startswith(".")
    return part.fullmatch(name) is not None and (not name.startswith(".") or part.pattern.startswith("\\."))


def _pattern(folder: str) -> _Pattern:
    names = folder.split("/")
    first = next(number for number, name in enumerate(names) if "*" in name.replace(_STAR, ""))
    top = "/".join(names[:first]).replace(_STAR, "*") or "/"
    return _Pattern(top, tuple(_part(name) for name in names[first:] if name not in {"", "."}))


def _part(name: str) -> Part:
    if name == _ANY_FOLDERS:
        return None
    texts = [[re.escape(text) for text in between.split("*")] for between in name.split(_STAR)]
    if all(len(each) == 1 for each in texts):
        return name.replace(_STAR, "*")
    return re.compile(re.escape("*").join(".*".join(each) for each in texts), re.DOTALL)
