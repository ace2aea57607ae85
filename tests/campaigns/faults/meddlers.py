"""Bystanders who do more than append: they truncate, overwrite, copy, keep the file, or don't wait.

Like all of them they tell the ledger what they have written once they have; and what they are about to remove before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packing import padding

from faults.archive import Line
from faults.bystanders import Appender, Bystander, Latecomer, Logrotate
from faults.oracle import Finding, split

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.archive import Archive, Ledger
    from faults.oracle import Oracle
    from faults.victim import Ended

_ALL = 1 << 20  # bytes, more than any of these files has
_NIGHTS = 2  # later jobs beside which a daemon goes on


class Truncater(Appender):
    """Begins the segment anew, as `open(path, "w")` and `> file` do; later writes less than was there."""

    ordered = False
    lines = 1

    def begin(self) -> None:
        self.archive.ledger.begin_anew()
        super().begin()

    def open(self) -> int:
        return os.open(self.archive.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def work(self, descriptor: int) -> None:
        _add_all(self.archive, descriptor, [self.archive.fresh() for _ in range(self.lines)])
        os.close(descriptor)


class Refiller(Truncater):
    """Begins the segment anew, too; and writes more than was there, so that no length gives it away."""

    lines = 12


class LateTruncater(Latecomer):
    """Begins an old file anew, which a killed job has left."""

    ordered = False
    flags = os.O_TRUNC

    def begin(self) -> None:
        self.archive.ledger.begin_anew()
        super().begin()


class Overwriter(Appender):
    """Writes another line over the first one of the segment, in place, and puts its times back."""

    ordered = False

    def open(self) -> int:
        return os.open(self.archive.log, os.O_RDWR | os.O_CLOEXEC)

    def work(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        over = next(iter(split(os.pread(descriptor, _ALL, 0))), b"")
        if len(over) > 1:
            line = replacing(self.archive, over)
            self.archive.ledger.add(line)
            os.pwrite(descriptor, line.data, 0)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.close(descriptor)


class Repacker(Overwriter):
    """Writes another packed file of the same size over the segment, in place, and puts its times back."""

    def work(self, descriptor: int) -> None:
        status, ledger, line = os.fstat(descriptor), self.archive.ledger, self.archive.fresh()
        data = self.archive.written(line)
        ledger.begin_anew()
        ledger.add(line)
        os.pwrite(descriptor, data + padding(self.archive.log.name, status.st_size - len(data)), 0)
        os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.close(descriptor)


class WaitingCopytruncate(Appender):
    """Opens the segment however long it takes; then copies it and empties it; and a writer who waited, too, appends."""

    ordered = False

    def open(self) -> int:
        return os.open(self.archive.log, os.O_RDWR | os.O_CLOEXEC)

    def work(self, descriptor: int) -> None:
        data, ledger = os.pread(descriptor, _ALL, 0), self.archive.ledger
        ledger.moved = True
        ledger.copied |= set(split(data)) & ledger.lines.keys()
        ledger.names.add(Logrotate.NAME)
        (self.archive.folder / Logrotate.NAME).write_bytes(data)
        os.ftruncate(descriptor, 0)
        super().work(descriptor)


class Nonblocking(Appender):
    """Does not wait for a lease: where its open() fails with EAGAIN it tries again later, and then gives up.

    `refused` counts how often that was.
    """

    refused = 0

    def begin(self) -> None:
        self._descriptor = self._tried()

    def finish(self) -> None:
        if self._descriptor < 0:
            self._descriptor = self._tried()
        if self._descriptor >= 0:
            self.work(self._descriptor)

    def end(self) -> list[Finding]:
        return Bystander.end(self)

    def _tried(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(self.archive.log, flags, 0o644)
        except BlockingIOError:
            type(self).refused += 1
            return -1


class Daemon(Appender):
    """Opens the segment once and never again; whatever it appends has to be seen after each later job."""

    def work(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines = [self.archive.fresh()]
        _add_all(self.archive, descriptor, self._lines)

    def stay(self, oracle: Oracle, run: Callable[[], Ended]) -> list[Finding]:
        """Goes on while the jobs of the next nights run."""
        found: list[Finding] = []
        for _ in range(_NIGHTS):
            before = oracle.expired()
            ended = run()
            found += [*oracle.at_any_time(), *oracle.honest(ended, before)]
            if ended.status:
                found.append(Finding("misreported", f"beside a daemon a job ended with {ended.status}"))
            seen = oracle.read().lines()
            if not all(seen[line.data] for line in self._lines):
                found.append(Finding("unfinished", "what a daemon appends is not seen after a whole job"))
            self._lines.append(self.archive.fresh())
            _add_all(self.archive, self._descriptor, self._lines[-1:])
        os.close(self._descriptor)
        return found


def replacing(archive: Archive, over: bytes) -> Line:
    """Return a fresh line as long as the one that it is to overwrite, and tell the ledger of it."""
    ledger: Ledger = archive.ledger
    ledger.moved = True
    ledger.cut.add(over)
    data = archive.fresh().data
    head, tail = data.rsplit(b'"text": "', 1)
    text = tail.removesuffix(b'"}\n') + b"x" * len(over)
    room = len(over) - len(head) - len(b'"text": ""}\n')
    return Line(head + b'"text": "' + text[:room] + b'"}\n', "stays")


def _add_all(archive: Archive, descriptor: int, lines: list[Line]) -> None:
    """Write these lines in one call, and then tell the ledger."""
    os.write(descriptor, b"".join(line.data for line in lines))
    for line in lines:
        archive.ledger.add(line)
