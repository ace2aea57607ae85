"""Paths as people, files and the environment write them: only such as a file system can have."""

import os

from asynclog.errors import ConfigurationError

_LONGEST, _LONGEST_NAME = 4095, 255  # bytes, of a whole path and of each name in it
_SHOWN = 80  # characters


def usable(path: str, source: str) -> str:
    """Return the path. Raise ConfigurationError, naming the path's `source`, if no file can have it."""
    problem = _problem(path)
    if problem:
        shown = path if len(path) <= _SHOWN else path[:_SHOWN] + "..."
        raise ConfigurationError(f"{source}: {shown!a} can't be a path: {problem}")
    return path


def absolute(path: str, source: str) -> str:
    """Return the path from the working folder, not normalised: `x/../y` means what the file system says."""
    return usable(path if os.path.isabs(path) else os.path.join(working_folder(), path), source)


def identity(log: str) -> str:
    """Return the path that a log has whatever links lead to its folder."""
    folder, base = os.path.split(log)
    return os.path.join(os.path.realpath(folder), base)


def working_folder() -> str:
    """Return its path. Raise ConfigurationError if it has been removed."""
    try:
        return os.getcwd()
    except OSError as error:
        raise ConfigurationError(f"the working folder can't be used: {error.strerror}") from None


def _problem(path: str) -> str:
    if "\0" in path:
        return "it has a NUL character"
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        return "it has half of a surrogate pair, which is no character"
    if len(encoded) > _LONGEST:
        return f"it has {len(encoded):,} bytes, and the system takes {_LONGEST:,} at the most"
    longest = max(map(len, encoded.split(b"/")))
    return f"a name in it has {longest} bytes, and may have {_LONGEST_NAME}" if longest > _LONGEST_NAME else ""
