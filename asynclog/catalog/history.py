"""The history of a log: a line of JSON for each run, in two files of the state folder, of which the newer one grows.

Once that is full it takes the place of the older one. A torn or damaged line costs that line and no other.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from asynclog.catalog.state_folder import log_name, must_be_ours
from asynclog.storage.local.access.trusted_open import open_folder

FULL = 1 << 20  # bytes, after which the files are turned

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def append_line(state: str, folder: str, base: str, line: bytes) -> None:
    """Add a line, without its newline, to the history of the log with this base name in that folder. Raise OSError.

    The state folder is made if there is none.
    """
    name = _name(folder, base)
    with ExitStack() as resources:
        place = open_folder(state)
        resources.callback(os.close, place)
        must_be_ours(place, stat.S_ISDIR)
        file = os.open(name, _APPEND, 0o600, dir_fd=place)
        resources.callback(os.close, file)
        must_be_ours(file, stat.S_ISREG)
        before = b"\n" if _is_torn(file) else b""
        content = before + line + b"\n"
        if os.write(file, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _turn_if_full(place, name, file)


def read_lines(state: str, folder: str, base: str) -> Iterator[bytes]:
    """Yield the lines of the history of this log, the oldest first; none without a history. Raise OSError."""
    name = _name(folder, base)
    for each in (f"{name}.1", name):
        with suppress(FileNotFoundError):
            yield from _content(os.path.join(state, each)).split(b"\n")


def _name(folder: str, base: str) -> str:
    return f"{log_name(folder, base)}.history.jsonl"


def _is_torn(file: int) -> bool:
    """Return whether the last line has no newline: a job was killed, or the disk was full, while it was written."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _turn_if_full(place: int, name: str, file: int) -> None:
    """Make a full file the older one, unless another job does: then this file is not the one of that name any more."""
    with suppress(BlockingIOError):
        if os.fstat(file).st_size >= FULL:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file), os.stat(name, dir_fd=place, follow_symlinks=False)):
                os.rename(name, f"{name}.1", src_dir_fd=place, dst_dir_fd=place)


def _content(path: str) -> bytes:
    descriptor = os.open(path, _READ)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EPERM, f"{path}: there is something other than a file")
        return file.read(4 * FULL)
