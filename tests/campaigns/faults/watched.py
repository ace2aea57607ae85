"""Disks that tell what they do; they lie beneath the disk that is put to the test, so that its faults show, too."""

from __future__ import annotations

import os
import time

import asynclog.runner.cleanup  # noqa: F401 - else each child would import it
from asynclog.executors.rate_limit import RateLimiter
from asynclog.storage.hidden_names import StagedFile
from asynclog.storage.local.directory import LogDirectory


class Notebook:
    """Lines that a child writes and its parent reads, even where the child was killed. For `with`."""

    def __enter__(self) -> Notebook:
        self._file = os.memfd_create("notebook")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def note(self, line: bytes) -> None:
        """Write a line, given without its newline."""
        os.write(self._file, line + b"\n")

    def lines(self) -> list[bytes]:
        """All that was written."""
        return os.pread(self._file, os.fstat(self._file).st_size, 0).split(b"\n")[:-1]


class Refused(LogDirectory):
    """Notes each file that could not be given a second name, because there was no room for it."""

    notebook: Notebook

    def link(self, name: str, new: str) -> None:
        try:
            super().link(name, new)
        except OSError:
            self.notebook.note(os.fsencode(name))
            raise


class Hesitant(LogDirectory):
    """Takes its time before a segment and its replacement change places: rotations come in that very moment.

    It does not before they change back.
    """

    PAUSE = 0.02  # seconds

    def rename_noreplace(self, name: str, new: str) -> None:
        if not name.startswith("."):
            time.sleep(self.PAUSE)
        super().rename_noreplace(name, new)

    def rename_exchange(self, name: str, other: str) -> None:
        staged = StagedFile.parse(name)
        if staged and self.status(name).st_ino == staged.inode:
            time.sleep(self.PAUSE)
        super().rename_exchange(name, other)


class Timed(LogDirectory):
    """Notes, in nanoseconds, how long each lease on a segment was held: so long a writer's open() had to wait."""

    notebook: Notebook

    def __init__(
        self, folder: int, weak: str = "", rate_limit: RateLimiter | None = None, *, times_tell: bool = True
    ) -> None:
        super().__init__(folder, weak, rate_limit, times_tell=times_tell)
        self._since: dict[int, int] = {}
        self._segments: set[int] = set()

    def open(self, name: str) -> int:
        descriptor = super().open(name)
        if not name.startswith("."):
            self._segments.add(descriptor)
        return descriptor

    def lease(self, descriptor: int) -> bool:
        taken = super().lease(descriptor)
        self._since[descriptor] = time.monotonic_ns()
        return taken

    def release(self, descriptor: int) -> bool:
        released = super().release(descriptor)
        self._ended(descriptor)
        return released

    def close(self, descriptor: int) -> None:
        self._ended(descriptor)
        self._segments.discard(descriptor)
        super().close(descriptor)

    def _ended(self, descriptor: int) -> None:
        since = self._since.pop(descriptor, None)
        if since is not None and descriptor in self._segments:
            self.notebook.note(b"%d" % (time.monotonic_ns() - since))
