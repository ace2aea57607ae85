"""Bystanders who hold something that a job has to do with: a mapping, a write lease, its folder's lock."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import signal
from typing import TYPE_CHECKING

from faults.archive import QUIET
from faults.bystanders import Bystander
from faults.meddlers import replacing
from faults.oracle import split

if TYPE_CHECKING:
    from faults.archive import Archive

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_ALL = 1 << 20  # bytes, more than any of these files has


class Mapping(Bystander):
    """Stores a line over an expired one through a shared mapping, which moves no time; later unmaps and closes.

    The page has been written to before, so that Linux has no reason to look at the clock again.
    """

    ordered = False

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        super().__init__(archive, first, second)
        self._over = split(archive.log.read_bytes())[0]
        with archive.log.open("r+b") as file:
            self._address = _libc.mmap(None, _ALL, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file.fileno(), 0)
        _libc.madvise(self._address, _ALL, mmap.MADV_DONTFORK)  # or else the job itself had it
        self._store(self._over)
        os.utime(archive.log, (QUIET, QUIET))

    def begin(self) -> None:
        line = replacing(self.archive, self._over)
        self.archive.ledger.add(line)
        self._store(line.data)

    def finish(self) -> None:
        _libc.munmap(self._address, _ALL)

    def _store(self, data: bytes) -> None:
        ctypes.memmove(self._address, data, len(data))


class Leaseholder(Bystander):
    """Holds a write lease on the segment, as a file server does for its clients, if it is to be had."""

    _descriptor = -1

    def begin(self) -> None:
        try:
            self._descriptor = os.open(self.archive.log, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.fcntl(self._descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except (FileNotFoundError, BlockingIOError):
            self.finish()

    def finish(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FolderLock(Bystander):
    """Holds a lock on the folder itself, as everybody may who can list it."""

    def begin(self) -> None:
        self._folder = os.open(self.archive.folder, os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def finish(self) -> None:
        os.close(self._folder)
