"""A segment's bytes as blocks of whole lines, in memory that does not grow with the segment."""

import os
import re
from collections.abc import Iterator

from asynclog.errors import ChangedError

BLOCK = 1 << 20  # bytes; larger ones measured no faster
_LOOK = 1 << 16  # bytes read at once to find the end of a line
_VISIBLE = re.compile(rb"[^ \t\r\n]")


def whole_lines(descriptor: int, start: int, end: int, size: int) -> Iterator[tuple[int, memoryview]]:
    """Yields (offset, bytes) for the lines that start in [start, end) of a segment of `size` bytes, in order.

    Each block ends with a line's newline, or where the segment ends. A block is only good until the next one is
    asked for. A line longer than a block gets a buffer of its own size, unless its first byte shows that it is
    no object: then that byte stands for all of it, for a head of NUL bytes can be a gigabyte long. Raises
    ChangedError where the segment ends before `size`.
    """
    base = start if start == 0 else _after_newline(descriptor, start - 1, end, size)
    buffer = bytearray(min(BLOCK, max(size - base, 1)))
    fill = 0
    while base < end:
        fill += _read(descriptor, buffer, fill, base + fill, min(max(end, base + 2 * fill) + _LOOK, size))
        cut = _cut(buffer, fill, end - base, at_the_end=base + fill == size)
        if cut:
            yield base, memoryview(buffer)[:cut]
            base, fill = base + cut, fill - cut
            rest = buffer[cut : cut + fill]
            buffer = bytearray(BLOCK) if len(buffer) > BLOCK >= fill else buffer
            buffer[:fill] = rest
        elif fill == len(buffer):
            first = _VISIBLE.search(buffer, 0, fill)
            if first and first[0] != b"{":
                yield base, memoryview(first[0])
                base, fill = _after_newline(descriptor, base + fill, end, size), 0
            else:
                # Not resized in place: whoever has the last block may still look at this buffer.
                buffer, short = bytearray(2 * len(buffer)), buffer
                buffer[:fill] = short
                del short


def _cut(buffer: bytearray, fill: int, limit: int, *, at_the_end: bool) -> int:
    """How many bytes of the buffer are whole lines that start before `limit`; 0 where the first is not whole yet."""
    if fill > limit:
        cut = buffer.find(b"\n", limit - 1, fill) + 1
        if cut:
            return cut
    return fill if at_the_end else buffer.rfind(b"\n", 0, fill) + 1


def _after_newline(descriptor: int, start: int, end: int, size: int) -> int:
    """The offset after the first newline at or after `start`; `end` where there is none before that."""
    buffer = bytearray(_LOOK)
    while start < end:
        got = _read(descriptor, buffer, 0, start, size)
        found = buffer.find(b"\n", 0, got)
        if found >= 0:
            return min(start + found + 1, end)
        start += got
    return end


def _read(descriptor: int, buffer: bytearray, fill: int, offset: int, end: int) -> int:
    """Fills the buffer from `fill` on with the segment's bytes from `offset` on, up to `end`; how many that were."""
    wanted = min(len(buffer) - fill, end - offset)
    with memoryview(buffer) as view, view[fill : fill + wanted] as target:
        got = os.preadv(descriptor, [target], offset)
    if got == 0 and wanted:
        raise ChangedError
    return got
