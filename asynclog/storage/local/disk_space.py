"""Reserve disk space before a file is built, so that none is begun that does not fit."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from asynclog.storage.local.reading.byte_ranges import holes

_EDGES = 2 << 12  # bytes that a hole may lose to the data around it: a copy does not begin at a block boundary


class Reservation:
    """A number of bytes that are still to be written."""

    def __init__(self, size: int) -> None:
        self.left = size

    def spend(self, size: int) -> None:
        """Note that `size` of them were written: the file system counts these itself."""
        self.left = max(0, self.left - size)


class Room:
    """The free space on the disk of this folder, less what is reserved by other threads."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._promised: list[Reservation] = []
        self._turn = threading.Lock()

    @contextmanager
    def reserved(self, size: int) -> Iterator[Reservation]:
        """Reserve so many bytes inside the `with`. Raise OSError if fewer are free."""
        mine = Reservation(size)
        with self._turn:
            self._must_have(size)
            self._promised.append(mine)
        try:
            yield mine
        finally:
            with self._turn:
                self._promised.remove(mine)

    def _must_have(self, size: int) -> None:
        status = os.statvfs(self._folder)
        free = max(0, status.f_bavail * status.f_frsize - sum(each.left for each in self._promised))
        if size > free and status.f_blocks:  # a file system with no blocks does not count them
            raise OSError(
                errno.ENOSPC,
                f"There is no room on the disk for what stays of it: {size:,} bytes, and {free:,} are free",
            )


def space_for(source: int, size: int) -> int:
    """Return how many bytes of disk a copy of `size` bytes of this file takes at most: holes stay holes."""
    status = os.fstat(source)
    if status.st_blocks * 512 >= status.st_size:
        return size
    hollow = sum(data - hole - _EDGES for hole, data in holes(source, 0, status.st_size))
    return min(size, status.st_size - hollow)
