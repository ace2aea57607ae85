"""The two readers behind one seam: the exact one in Python, and the kernel, which is fast and leaves to it what it
can't prove.

Both count the same and find the same; the kernel is an accelerator that may be missing.
"""

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.document_fragments import Part
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.records.kernel import Kind, crc32, kernel
from asynclog.records.kernel_fields import kernel_fields
from asynclog.records.parser import LONG
from asynclog.records.strict_json import Line
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges, pack
from asynclog.scan.reading.line_blocks import BLOCK

_NEWLINE = re.compile(rb"\n")


class Classifier(Protocol):
    """Count blocks of whole lines, one after the other; only the segment's last line may lack its newline."""

    def add_block(self, offset: int, block: memoryview, expired: ExpiredRanges | None) -> None:
        """Count the lines of a block that starts at this offset of the segment, and note which have expired."""

    @property
    def has_fragment(self) -> bool:
        """Whether a line was a fragment: then nothing more need be read."""

    def builder(self) -> StatsBuilder:
        """Return all counts, once every block has been added."""


ClassifierFactory = Callable[[Kind, Cutoffs, Fields], Classifier]


def make_classifier(kind: Kind, cutoffs: Cutoffs, fields: Fields) -> Classifier:
    """Return a classifier for one piece of work, with nothing counted yet."""
    return NativeClassifier(cutoffs, fields) if kind == "native" else PythonClassifier(cutoffs, fields)


class PythonClassifier:
    """Every line on its own, exactly."""

    def __init__(self, cutoffs: Cutoffs, fields: Fields = MXCP_FIELDS) -> None:
        self._builder = StatsBuilder(cutoffs, fields)
        self._start: int | None = None
        self._lines = 0

    def add_block(self, offset: int, block: memoryview, expired: ExpiredRanges | None) -> None:
        self._start = offset if self._start is None else self._start
        flags = self.classify(block)
        if expired is not None:
            expired.add_block(offset, block, len(flags), pack(flags), crc32)

    def classify(self, block: memoryview) -> bytes:
        """Count the lines of a block. Return for each of them 1 if it has expired, else 0."""
        *lines, unfinished = _lines(block)
        add_line = self._builder.add_line
        flags = bytearray(add_line(line, len(line) + 1, number) for number, line in enumerate(lines, self._lines + 1))
        self._lines += len(lines)
        if unfinished:
            self._lines += 1
            flags.append(add_line(unfinished, len(unfinished), self._lines))
        return bytes(flags)

    @property
    def has_fragment(self) -> bool:
        return self._builder.fragment is not None

    def builder(self) -> StatsBuilder:
        self._builder.parts = [Part(self._start or 0, self._lines, self._builder.fragment)]
        return self._builder


class NativeClassifier:
    """The kernel, and the exact reader for the lines on which it is not certain."""

    def __init__(self, cutoffs: Cutoffs, fields: Fields = MXCP_FIELDS) -> None:
        self._builder = StatsBuilder(cutoffs, fields)
        known = kernel_fields(fields)
        if known is None:
            raise ValueError("the kernel does not know such fields")
        self._scanner = kernel.Scanner(known, self._builder.cutoff, cutoffs.future)
        self._start: int | None = None
        self._lines = 0

    def add_block(self, offset: int, block: memoryview, expired: ExpiredRanges | None) -> None:
        self._start = offset if self._start is None else self._start
        while block and not self.has_fragment:
            uncertain, marks, lines, done = self._scanner.scan(block, expired is not None)
            if not done:  # the segment's last line, without a newline
                uncertain, lines, done = array("q", (0, len(block), 0)).tobytes(), 1, len(block)
            judged = [line for start, end, line in _triples(uncertain) if self._add_line(block[start:end], line)]
            self._lines += lines
            if expired is not None:
                all_marks = _with(marks, judged, lines) if judged else marks
                expired.add_block(offset, block[:done], lines, all_marks, kernel.digest)
            block, offset = block[done:], offset + done

    def _add_line(self, line: memoryview, number: int) -> bool:
        content = line if len(line) > LONG else bytes(line)
        return self._builder.add_line(content, len(line), self._lines + number + 1)

    @property
    def has_fragment(self) -> bool:
        return self._builder.fragment is not None

    def builder(self) -> StatsBuilder:
        self._builder.parts = [Part(self._start or 0, self._lines, self._builder.fragment)]
        rows, blank = self._scanner.counts()
        self._builder.blank += blank
        for name, version, records, size, oldest, newest, expired, expired_bytes, future, *spans, days in rows:
            row = self._builder.counter_for(name, version)
            row.records += records
            row.bytes += size
            row.expired += expired
            row.expired_bytes += expired_bytes
            row.future += future
            row.extend_range(oldest, newest, *spans)
            numbers = iter(array("q", days))
            self._builder.add_days(row, zip(numbers, numbers, numbers, strict=True))
        return self._builder


def _lines(block: memoryview) -> Sequence[Line]:
    """Return what stands between newlines. No huge line is copied."""
    if len(block) <= BLOCK:
        return bytes(block).split(b"\n")
    ends = [newline.start() for newline in _NEWLINE.finditer(block)]
    starts = [0, *(end + 1 for end in ends)]
    lines = [block[start:end] for start, end in zip(starts, [*ends, len(block)], strict=True)]
    return [line if len(line) > LONG else bytes(line) for line in lines]


def _with(marks: bytes, judged: list[int], lines: int) -> bytes:
    """Return these marks and some more."""
    all_marks = bytearray(marks.ljust((lines + 7) // 8, b"\0"))
    for line in judged:
        all_marks[line // 8] |= 1 << line % 8
    return bytes(all_marks)


def _triples(packed: bytes) -> Iterator[tuple[int, int, int]]:
    numbers = iter(array("q", packed))
    return zip(numbers, numbers, numbers, strict=True)
