"""Copies the byte ranges that stay, unchanged, with few calls: read a window, write the pieces of it that stay."""

import os
from collections.abc import Iterable, Iterator

from asynclog.apply.disk import Disk
from asynclog.errors import ChangedError

WINDOW = 1 << 20  # bytes
_MOST_PARTS = 1024  # IOV_MAX on Linux


def kept_ranges(gone: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The ranges of [0, size) that lie between these, which are in order and apart."""
    position = 0
    for start, end in gone:
        if start > position:
            yield position, start
        position = end
    if position < size:
        yield position, size


def copy_ranges(disk: Disk, source: int, target: int, ranges: Iterable[tuple[int, int]]) -> int:
    """Appends these ranges of `source`, which are in order, to `target`; how many bytes that was.

    Raises OSError, and ChangedError where the source ends before a range does.
    """
    window = memoryview(bytearray(WINDOW))
    base = fill = copied = 0
    parts: list[memoryview] = []
    for start, end in ranges:
        position = start
        while position < end:
            if position >= base + fill:
                copied += _write_all(disk, target, parts)
                base, fill = position, os.preadv(source, [window], position)
                disk.pace.spend(fill)
                if not fill:
                    raise ChangedError
            stop = min(end, base + fill)
            parts.append(window[position - base : stop - base])
            position = stop
            if len(parts) == _MOST_PARTS:
                copied += _write_all(disk, target, parts)
    return copied + _write_all(disk, target, parts)


def _write_all(disk: Disk, target: int, parts: list[memoryview]) -> int:
    """Writes all of these parts and empties the list; how many bytes that was. A short write is gone on with."""
    total = sum(map(len, parts))
    while parts:
        written = disk.write(target, parts)
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if written:
            parts[0] = parts[0][written:]
    return total
