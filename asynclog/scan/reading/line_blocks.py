"""A segment's bytes as blocks of whole lines, in memory that does not grow with the segment."""

import errno
import re
from collections.abc import Iterator
from typing import NamedTuple

from asynclog.errors import ChangedError
from asynclog.storage.segment_reader import SegmentReader

BLOCK = 1 << 20  # bytes; larger ones measured no faster
_PIECES = frozenset(bytes([byte]) for byte in b'[]},"-0123456789tfn')  # what a piece of a document may begin with
_LONGEST_PIECE = 16 << 20  # bytes; of a longer line only the first byte is looked at
_VISIBLE = re.compile(rb"[^ \t\r\n]")


class Sizes(NamedTuple):
    """How many bytes are read at once: a block of lines, and a look at where a line ends."""

    block: int = BLOCK
    look: int = 1 << 16


SIZES = Sizes()


def whole_lines(
    reader: SegmentReader, start: int, end: int, size: int, sizes: Sizes = SIZES
) -> Iterator[tuple[int, memoryview]]:
    """Yield (offset, bytes) for the lines that start in [start, end) of a segment of `size` bytes, in order.

    Each block ends with a line's newline, or where the segment ends. A block is only good until the next one is
    asked for. A line longer than a block gets a buffer of its own size, unless it shows that it is neither a record nor
    a piece of a document: then one byte stands for all of it, for a run of NUL bytes can be as long as a file may be.
    Holes are not read. Raise ChangedError where the segment ends before `size`.
    """
    base = start if start == 0 else _after_newline(reader, start - 1, end, size, sizes.look)
    buffer = bytearray(min(sizes.block, max(size - base, 1)))
    fill = 0
    while base < end:
        fill += _read(reader, buffer, fill, base + fill, min(max(end, base + 2 * fill) + sizes.look, size))
        cut = _cut(buffer, fill, end - base, at_the_end=base + fill == size)
        if cut:
            yield base, memoryview(buffer)[:cut]
            base, fill = base + cut, fill - cut
            buffer[:fill] = buffer[cut : cut + fill]
        elif fill == len(buffer):
            after, block = _long_line(reader, base, end, size, sizes.look)
            yield base, block
            base, fill = after, 0


def is_no_record(first: bytes, length: int) -> bool:
    """Return whether a line that begins with this byte, and is at least so long, is not read any further.

    It is neither a record nor a piece of a document. `first` is empty if the line is blank so far.
    """
    return first not in {b"", b"{"} and (first not in _PIECES or length > _LONGEST_PIECE)


def _cut(buffer: bytearray, fill: int, limit: int, *, at_the_end: bool) -> int:
    """Return how many bytes are whole lines that start before `limit`; 0 if the first one is not whole yet."""
    if fill > limit:
        cut = buffer.find(b"\n", limit - 1, fill) + 1
        if cut:
            return cut
    return fill if at_the_end else buffer.rfind(b"\n", 0, fill) + 1


def _long_line(reader: SegmentReader, base: int, end: int, size: int, at_once: int) -> tuple[int, memoryview]:
    """Return where the lines after the one at `base` begin, at most `end` if that is no record; and its bytes.

    One byte stands for a line that is blank, can neither be an object nor a piece of a document, or has a NUL byte,
    which no JSON text may have. It does for what may be a piece and is longer than 16 MiB, too: a bracket or comma is
    then taken for one, which keeps the segment. A record alone on a line of a document is followed by one of them.
    """
    look = bytearray(at_once)
    first = b""
    position, found = base, -1
    while found < 0 and position < size:
        got = _read(reader, look, 0, position, size)
        found = look.find(b"\n", 0, got)
        stop = found if found >= 0 else got
        if not first and (visible := _VISIBLE.search(look, 0, stop)):
            first = visible[0]
        if look.find(b"\0", 0, stop) >= 0:
            return _after_newline(reader, position, end, size, at_once), memoryview(b"\0")
        position += stop
        if is_no_record(first, position - base):
            return _after_newline(reader, position, end, size, at_once), memoryview(first)
    after = position + (found >= 0)
    return after, _whole(reader, base, after) if first else memoryview(b" ")


def _whole(reader: SegmentReader, start: int, end: int) -> memoryview:
    """Read one line."""
    try:
        line = bytearray(end - start)
    except MemoryError:
        raise OSError(errno.ENOMEM, f"it has a line of {end - start:,} bytes, for which there is no memory") from None
    fill = 0
    while fill < len(line):
        fill += _read(reader, line, fill, start + fill, end)
    return memoryview(line)


def _after_newline(reader: SegmentReader, start: int, end: int, size: int, at_once: int) -> int:
    """Return the offset after the first newline at or after `start`; `end` if there is none before that."""
    buffer = bytearray(at_once)
    start = reader.next_data(start, size)
    while start < end:
        got = _read(reader, buffer, 0, start, size)
        found = buffer.find(b"\n", 0, got)
        if found >= 0:
            return min(start + found + 1, end)
        start = reader.next_data(start + got, size)
    return end


def _read(reader: SegmentReader, buffer: bytearray, fill: int, offset: int, end: int) -> int:
    """Fill the buffer from `fill` on with the segment's bytes from `offset` on, up to `end`; return how many."""
    wanted = min(len(buffer) - fill, end - offset)
    with memoryview(buffer) as view, view[fill : fill + wanted] as target:
        got = reader.read_into(target, offset)
    if got == 0 and wanted:
        raise ChangedError
    return got
