"""Byte ranges of a file as they are, window by window: in memory that does not grow with them, and holes as holes."""

import errno
import os
from collections.abc import Iterator
from itertools import chain

from asynclog.errors import ChangedError
from asynclog.storage.segment_reader import WINDOW, Hole, Part

_LOOK = 1 << 16  # bytes read at once to find the end of a line
_FAR = 64 << 20  # bytes that are searched for it; in a hole there is none
_LEAST_HOLE = 1 << 16  # bytes; smaller ones are told as the zeros that they read as


def windows(descriptor: int, start: int, end: int) -> Iterator[Part]:
    """Yield the bytes [start, end) in order; each part is writable, and good until the next one is asked for.

    Raise OSError, and ChangedError if the file ends before that.
    """
    window = memoryview(bytearray(min(WINDOW, end - start)))
    for hole, data in chain(holes(descriptor, start, end), [(end, end)]):
        while start < hole:
            got = os.preadv(descriptor, [window[: hole - start]], start)
            if not got:
                raise ChangedError
            yield window[:got]
            start += got
        if data > hole:
            yield Hole(data - hole)
        start = data


def holes(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of [start, end) that are holes, in order, but for small ones. Raise as above."""
    while start < end:
        hole = _seek(descriptor, start, os.SEEK_HOLE, end, unknown=end)
        start = next_data(descriptor, hole, end)
        if start - hole >= _LEAST_HOLE:
            yield hole, start


def data_bytes(descriptor: int, start: int, end: int) -> int:
    """Return how many bytes of [start, end) lie in no hole, but for small ones. Raise as above."""
    return max(0, end - start) - sum(data - hole for hole, data in holes(descriptor, start, end))


def next_data(descriptor: int, start: int, end: int) -> int:
    """Return where the first byte from `start` on is that lies in no hole; `end` if there is none. Raise as above."""
    return _seek(descriptor, start, os.SEEK_DATA, end, unknown=start)


def _seek(descriptor: int, start: int, whence: int, end: int, *, unknown: int) -> int:
    """`unknown` where the file system can't tell holes."""
    try:
        return min(os.lseek(descriptor, start, whence), end)
    except OSError as error:
        if error.errno != errno.ENXIO:
            return unknown
    if os.fstat(descriptor).st_size < end:
        raise ChangedError
    return end


def end_of_lines(descriptor: int, start: int, end: int) -> int:
    """Return where the last whole line of the bytes [start, end) ends; `start` if there is none, or only far back.

    Raise OSError.
    """
    least = max(start, end - _FAR)
    while end > least:
        size = min(_LOOK, end - start)
        newline = os.pread(descriptor, size, end - size).rfind(b"\n")
        if newline >= 0:
            return end - size + newline + 1
        end -= size
    return start
