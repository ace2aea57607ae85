"""Writers in processes of their own, who write all the time, and tell what they have written once they have."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from itertools import count
from random import Random
from typing import IO, TYPE_CHECKING

from faults.archive import CURRENT, Archive, Line
from faults.watched import Notebook

if TYPE_CHECKING:
    from pathlib import Path

_PAUSES = (0.0, 0.001, 0.01, 0.03, 0.05, 0.1)  # seconds between two batches: now a burst, now none for a while
_BATCH, _BATCHES = 40, 40  # lines in a batch, and batches in a segment, at the most
_DEADLINE = 60  # seconds for a writer to come to its end
_FORK = multiprocessing.get_context("fork")


class Writer:
    """Opens the current segment for each batch, appends that, and closes it; for as long as a `with` block lasts.

    `number`, of one digit, tells its lines from those of others. Behind the block the ledger knows what was written,
    and `waits` for how many nanoseconds each open() took.
    """

    def __init__(self, archive: Archive, number: int) -> None:
        self.archive = archive
        self.number = number
        self.waits: list[int] = []
        self.random = Random(number)  # noqa: S311 - any lines will do
        self.stopped = _FORK.Event()
        self._notebook = Notebook()
        self._parent = os.getpid()
        self._process = _FORK.Process(target=self._work, daemon=True)

    def __enter__(self) -> Writer:
        self._notebook.__enter__()
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._process.join(_DEADLINE)
        self._process.kill()
        for entry in self._notebook.lines():
            self._tell(*entry.split(b" ", 2))
        self._notebook.__exit__()

    def _tell(self, what: bytes, which: bytes, data: bytes = b"") -> None:
        match what:
            case b"segment":
                self.archive.ledger.names.add(which.decode())
            case b"wait":
                self.waits.append(int(which))
            case b"stays":
                self.archive.ledger.add(Line(data + b"\n", "stays"))
            case b"goes":
                self.archive.ledger.add(Line(data + b"\n", "goes", which.decode()))

    def _work(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is stopped in another way
        while self.goes_on():
            self.turn()

    def goes_on(self) -> bool:
        """Wait a little; return whether it may still write: nobody has stopped it, and somebody is there to do so."""
        return not self.stopped.wait(self.random.choice(_PAUSES)) and os.getppid() == self._parent

    def turn(self) -> None:
        """Do what it does again and again."""
        self.append(self.archive.log)

    def append(self, path: Path) -> None:
        """Write one batch to a segment."""
        lines = [self._line() for _ in range(self.random.randrange(1, _BATCH))]
        begun = time.monotonic_ns()
        with path.open("ab", buffering=0) as file:
            self._notebook.note(b"wait %d" % (time.monotonic_ns() - begun))
            self.write(file, [line.data for line in lines])
        for line in lines:
            self._notebook.note(b"%b %b %b" % (line.fate.encode(), line.schema.encode(), line.data[:-1]))

    def write(self, file: IO[bytes], lines: list[bytes]) -> None:
        """In one call, so that lines of several writers don't mix."""
        file.write(b"".join(lines))

    def _line(self) -> Line:
        make = self.random.choice((self.archive.fresh, self.archive.old))
        line = make(self.random.choice(("api", "debug_logs")))
        return line._replace(data=line.data.replace(b"x", b"%d" % self.number, 1))

    def made(self, name: str) -> None:
        """Tells of a segment, before it is made."""
        self._notebook.note(b"segment " + name.encode())


class Quiet(Writer):
    """Appends now and then to one of some old segments, and puts its times back: nobody seems to write to it."""

    SEGMENTS = 6
    AGE = 7_200  # seconds: longer than the hour after which a segment without leases counts as quiet

    def turn(self) -> None:
        name = f"logs-20251001T{self.random.randrange(self.SEGMENTS):06}.jsonl"
        self.made(name)
        self.append(self.archive.folder / name)
        then = time.time() - self.AGE
        with contextlib.suppress(FileNotFoundError):  # where it has just been dropped
            os.utime(self.archive.folder / name, (then, then))


class Rotator(Writer):
    """Writes to segments of its own, one after the other, as MXCP does: records and newlines apart.

    Between two of them it rotates the current one, as logrotate does: renames it, and makes a new one.
    """

    _turns = count()

    def turn(self) -> None:
        turn = next(self._turns)
        name = f"logs-20261124T{turn:06}.jsonl"
        self.made(name)
        for _ in range(self.random.randrange(_BATCHES)):
            if self.goes_on():
                self.append(self.archive.folder / name)
        self._rotate(f"{CURRENT}-20261124-{turn:06}")

    def write(self, file: IO[bytes], lines: list[bytes]) -> None:
        for line in lines:
            file.write(line[:-1])
            file.write(b"\n")

    def _rotate(self, name: str) -> None:
        self.made(name)
        with contextlib.suppress(FileNotFoundError):  # where it has just been dropped
            self.archive.log.rename(self.archive.folder / name)
        self.archive.log.open("ab").close()
