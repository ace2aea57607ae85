"""Who else is at work in the folder while a job is: writers, rotations, readers, another job.

Each acts at a first call of the job and at a later one; whoever has not had its turn when the job ends has it then.
They tell the ledger what they have written once they have.
"""

from __future__ import annotations

import contextlib
import os
import threading
from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING

from faults.archive import CURRENT
from faults.oracle import Finding, read

if TYPE_CHECKING:
    from faults.archive import Archive, Line
    from faults.oracle import Oracle
    from faults.victim import Ended, Victim

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Bystander(ABC):
    """Somebody with two steps, to be made at the calls `first` and `second` of a job, `first` <= `second`.

    `ordered` is whether the lines of each file stay in the order in which they are told.
    """

    ordered = True

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        self.archive = archive
        self.turns = [(first, self.begin), (second, self.finish)]

    def at(self, number: int) -> None:
        """Act while the job stands still, about to make this call."""
        while self.turns and self.turns[0][0] <= number:
            self.turns.pop(0)[1]()

    def end(self) -> list[Finding]:
        """Return what this bystander found wrong with what it saw; the job has ended."""
        while self.turns:
            self.turns.pop(0)[1]()
        return []

    @abstractmethod
    def begin(self) -> None:
        """Take the first step."""

    @abstractmethod
    def finish(self) -> None:
        """Take the second step."""


class Appender(Bystander):
    """Opens the current segment, as every open-append-close writer does; later writes a line and closes it.

    It has a thread of its own, for a lease may park it in open().
    """

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        super().__init__(archive, first, second)
        self._line = archive.fresh()
        self._opened, self._may_write = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._append, daemon=True)

    def begin(self) -> None:
        self._thread.start()
        while not self._opened.wait(0.0002) and not _sleeps_in_open(self._thread):
            pass

    def finish(self) -> None:
        self._may_write.set()
        if self._opened.is_set():
            self._thread.join()

    def end(self) -> list[Finding]:
        super().end()
        self._thread.join()
        return []

    def open(self) -> int:
        """Return a descriptor of the file that the line goes to."""
        return os.open(self.archive.log, _APPEND, 0o644)

    def wait(self) -> None:
        """Until the file is open, however long a lease keeps it from that."""
        self._opened.wait()

    def work(self, descriptor: int) -> None:
        """Do its work with the file, and close it."""
        write(self.archive, descriptor, self._line)

    def _append(self) -> None:
        try:
            descriptor = self.open()
        except FileNotFoundError:  # it has been dropped, and is not made anew
            descriptor = -1
        self._opened.set()
        self._may_write.wait()
        if descriptor >= 0:
            self.work(descriptor)


class Latecomer(Appender):
    """A writer who looked a segment up before it was replaced, and opens the file only now, if it is still there."""

    flags = os.O_APPEND

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        super().__init__(archive, first, second)
        (path,) = archive.folder.glob(".*.al-old-00000002-*")
        self._found = os.open(path, os.O_PATH | os.O_CLOEXEC)

    def begin(self) -> None:
        if os.fstat(self._found).st_nlink:
            super().begin()

    def end(self) -> list[Finding]:
        while self.turns:
            self.turns.pop(0)[1]()
        if self._thread.native_id is not None:
            self._thread.join()
        os.close(self._found)
        return []

    def open(self) -> int:
        return os.open(f"/proc/self/fd/{self._found}", os.O_WRONLY | os.O_CLOEXEC | self.flags)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _sleeps_in_open(thread: threading.Thread) -> bool:
    with open(f"/proc/self/task/{thread.native_id}/syscall", encoding="ascii") as file:
        return file.read().startswith("257 ")  # openat; a thread that is not asleep is said to be running


def write(archive: Archive, descriptor: int, line: Line) -> None:
    """Write a line, close the file, and tell the ledger."""
    os.write(descriptor, archive.written(line))
    os.close(descriptor)
    archive.ledger.add(line)


class Rotation(Bystander):
    """MXCP's: a new segment is begun, a line written to it, later a second one. The old segment stays what it is."""

    NAME = "logs-20261124T000000.jsonl"

    def begin(self) -> None:
        self.archive.ledger.names.add(self.NAME)
        self._append()

    def finish(self) -> None:
        self._append()

    def _append(self) -> None:
        write(self.archive, os.open(self.archive.folder / self.NAME, _APPEND, 0o644), self.archive.fresh())


class Logrotate(Bystander):
    """Renames the current segment; a little later it makes a new one in its place, to which a line is written."""

    NAME = f"{CURRENT}.2"

    def begin(self) -> None:
        name = self.archive.rotated(2)
        self.archive.ledger.names.add(name)
        if self.archive.log.exists():
            self.archive.log.rename(self.archive.folder / name)
            self.archive.ledger.moved = True

    def finish(self) -> None:
        write(self.archive, os.open(self.archive.log, _APPEND, 0o644), self.archive.fresh())


class Twice(Logrotate):
    """Rotates once more when the job has ended, or was killed, and before the next one begins."""

    AGAIN = f"{CURRENT}.3"

    def end(self) -> list[Finding]:
        super().end()
        if self.archive.log.exists():
            self.archive.ledger.names.add(self.AGAIN)
            self.archive.log.rename(self.archive.folder / self.AGAIN)
        return []


class Follower(Appender):
    """Rotates in one go; later a writer appends to whatever the segment's name means by then."""

    def begin(self) -> None:
        rotation = Logrotate(self.archive, 0, 0)
        rotation.begin()
        rotation.finish()

    def finish(self) -> None:
        super().begin()
        super().finish()


class Copytruncate(Follower):
    """Copies the current segment and empties it, unless a lease keeps it from that; later a writer appends to it."""

    def begin(self) -> None:
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            with open(self.archive.log, "r+b", opener=_at_once) as file:
                (self.archive.folder / Logrotate.NAME).write_bytes(file.read())
                file.truncate(0)
            self.archive.ledger.names.add(Logrotate.NAME)
            self.archive.ledger.moved = True


class Reader(Bystander):
    """Opens every segment, and sees every line that stays; what it has open then is the same to the end."""

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        super().__init__(archive, first, second)
        self._opened: dict[int, bytes] = {}
        self._findings: list[Finding] = []

    def begin(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            try:
                os.close(_at_once(str(self.archive.log), os.O_RDONLY))
            except BlockingIOError:  # while it is emptied, a reader waits
                return
        reading = read(self.archive.folder)
        lines = reading.lines()
        for line in self.archive.ledger.lines.values():
            if line.fate == "stays" and lines[line.data] != 1:
                self._findings.append(Finding("lost", f"a reader saw a line {lines[line.data]} times"))
        for name in reading.visible:
            descriptor = os.open(self.archive.folder / name, os.O_RDONLY)
            self._opened[descriptor] = os.pread(descriptor, 1 << 20, 0)

    def finish(self) -> None:
        for descriptor, data in self._opened.items():
            if os.pread(descriptor, 1 << 20, 0) != data:
                self._findings.append(Finding("altered", "a file changed under a reader who had it open"))
            os.close(descriptor)

    def end(self) -> list[Finding]:
        super().end()
        return self._findings


class Planter(Bystander):
    """Puts a link in the place of a replacement that is about to be made, to a file that is none of our business."""

    def __init__(self, archive: Archive, first: int, second: int) -> None:
        super().__init__(archive, first, second)
        self._precious = archive.root / "precious"
        self._precious.write_bytes(b"precious")

    def begin(self) -> None:
        with contextlib.suppress(FileExistsError):
            (self.archive.folder / f".{CURRENT}.al-new").symlink_to(self._precious)

    def finish(self) -> None:
        """Leave the link where it is."""

    def end(self) -> list[Finding]:
        super().end()
        return [] if self._precious.read_bytes() == b"precious" else [Finding("altered", "a link was followed")]


class SecondJob(Bystander):
    """Runs a whole job while the first one stands still."""

    def __init__(self, victim: Victim, oracle: Oracle, first: int) -> None:
        super().__init__(victim.archive, first, first)
        self._victim, self._oracle = victim, oracle
        self._findings: list[Finding] = []
        self.gone: Counter[str] = Counter()
        self.ended: Ended

    def begin(self) -> None:
        before = self._oracle.expired()
        self.ended = self._victim.run()
        self._findings += self._oracle.honest(self.ended, before)
        self.gone = before - self._oracle.expired()

    def finish(self) -> None:
        """Do nothing: it has run to its end."""

    def end(self) -> list[Finding]:
        super().end()
        return self._findings
