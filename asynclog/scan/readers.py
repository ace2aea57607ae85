"""The two readers behind one seam: the exact one in Python, and the kernel, which is fast and leaves to it what it
can't prove.

Both count the same and find the same; the kernel is an accelerator that may be missing.
"""

import heapq
import re
from array import array
from collections.abc import Iterator
from typing import Literal, Protocol

from asynclog.errors import ConfigurationError
from asynclog.instant import FUTURE_TOLERANCE
from asynclog.model import Policy
from asynclog.scan.blocks import BLOCK
from asynclog.scan.line import FIELDS
from asynclog.scan.tally import Row, Tally

try:
    from asynclog.scan._kernel import Scanner
except ImportError:  # built without a compiler
    Scanner = None  # type: ignore[assignment,misc]

_NEWLINE = re.compile(rb"\n")

Kind = Literal["native", "python"]


class Reader(Protocol):
    """Reads blocks of whole lines, one after the other; only the segment's last line may lack its newline."""

    def read(self, offset: int, block: memoryview, gone: "array[int] | None") -> None:
        """Counts the lines of a block that starts at this offset of the segment.

        Appends the byte ranges of the expired ones to `gone`, as start, end, start, end …, in order.
        """

    def tally(self) -> Tally:
        """All counts, once everything has been read."""


def choose_reader(wanted: str | None) -> Kind:
    """The reader of that name, else the fastest that is there. Raises ConfigurationError where it is not there."""
    if wanted not in {None, "", "native", "python"}:
        raise ConfigurationError(f"ASYNCLOG_READER={wanted!r} in the environment: write native or python")
    if wanted == "native" and Scanner is None:
        raise ConfigurationError(
            "ASYNCLOG_READER=native: asynclog was built without its kernel (was there a compiler?)"
        )
    return "python" if wanted == "python" or Scanner is None else "native"


def make_reader(kind: Kind, policy: Policy, now: int) -> Reader:
    """A reader for one piece of work, with nothing counted yet."""
    return NativeReader(policy, now) if kind == "native" else PythonReader(policy, now)


class PythonReader:
    """Every line on its own, exactly."""

    def __init__(self, policy: Policy, now: int) -> None:
        self._tally = Tally(policy, now)

    def read(self, offset: int, block: memoryview, gone: "array[int] | None") -> None:
        lines = _lines(block)
        unfinished = lines.pop()
        for line in lines:
            end = offset + len(line) + 1
            if self._tally.take(line, end - offset) and gone is not None:
                _append(gone, offset, end)
            offset = end
        if unfinished and self._tally.take(unfinished, len(unfinished)) and gone is not None:
            _append(gone, offset, offset + len(unfinished))

    def tally(self) -> Tally:
        return self._tally


class NativeReader:
    """The kernel, and the exact reader for the lines on which it is not certain."""

    def __init__(self, policy: Policy, now: int) -> None:
        self._tally = Tally(policy, now)
        self._scanner = Scanner(FIELDS, self._tally.cutoff, now + FUTURE_TOLERANCE)

    def read(self, offset: int, block: memoryview, gone: "array[int] | None") -> None:
        while block:
            uncertain, expired, done = self._scanner.scan(block, offset, gone is not None)
            if not done:  # the segment's last line, without a newline
                uncertain, done = array("q", (offset, offset + len(block))).tobytes(), len(block)
            judged = [pair for pair in _pairs(uncertain) if self._take(block, offset, *pair)]
            if gone is not None:
                if judged:
                    for start, end in heapq.merge(_pairs(expired), judged):
                        _append(gone, start, end)
                else:
                    gone.frombytes(expired)
            block, offset = block[done:], offset + done

    def _take(self, block: memoryview, offset: int, start: int, end: int) -> bool:
        return self._tally.take(bytes(block[start - offset : end - offset]), end - start)

    def tally(self) -> Tally:
        rows, blank = self._scanner.census()
        self._tally.blank += blank
        for name, version, records, size, oldest, newest, expired, expired_bytes, future, oldest_kept, days in rows:
            row = Row(None)
            row.records, row.bytes, row.expired, row.expired_bytes = records, size, expired, expired_bytes
            row.future = future
            row.cover(oldest, newest, oldest_kept)
            numbers = iter(array("q", days))
            row.days = {day: [many, large] for day, many, large in zip(numbers, numbers, numbers, strict=True)}
            self._tally.add_row(name, version, row)
        return self._tally


def _lines(block: memoryview) -> list[bytes]:
    """What stands between newlines. In a block with a huge line each is copied on its own, and so only once."""
    if len(block) <= BLOCK:
        return bytes(block).split(b"\n")
    ends = [newline.start() for newline in _NEWLINE.finditer(block)]
    starts = [0, *(end + 1 for end in ends)]
    return [bytes(block[start:end]) for start, end in zip(starts, [*ends, len(block)], strict=True)]


def _append(gone: "array[int]", start: int, end: int) -> None:
    """Adjacent ranges become one."""
    if gone and gone[-1] == start:
        gone[-1] = end
    else:
        gone.extend((start, end))


def _pairs(packed: bytes) -> Iterator[tuple[int, int]]:
    numbers = iter(array("q", packed))
    return zip(numbers, numbers, strict=True)
