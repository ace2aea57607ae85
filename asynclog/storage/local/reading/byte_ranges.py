"""Read byte ranges of a file part by part, in constant memory, with holes as holes."""

import errno
import os
from collections.abc import Iterator
from itertools import chain

from asynclog.errors import ChangedError
from asynclog.storage.segment_reader import LONGEST_PART, Hole, Part

_LOOK = 1 << 16  # bytes read at once to find the end of a line
_FAR = 64 << 20  # bytes that are searched for it: a hole has none
_LEAST_HOLE = 1 << 16  # bytes; smaller ones are read as zeros


def parts_of(descriptor: int, start: int, end: int, buffer: memoryview | None = None) -> Iterator[Part]:
    """Yield the bytes [start, end) in order; each part is writable, and valid until the next one is requested.

    They are read into the buffer, or a new one. Raise OSError, and ChangedError if the file ends before that.
    """
    buffer = buffer or new_buffer(start, end)
    for hole, data in chain(holes(descriptor, start, end), [(end, end)]):
        while start < hole:
            got = os.preadv(descriptor, [buffer[: hole - start]], start)
            if not got:
                raise ChangedError
            yield buffer[:got]
            start += got
        if data > hole:
            yield Hole(data - hole)
        start = data


def new_buffer(start: int, end: int) -> memoryview:
    """Return a buffer for the parts of [start, end), which is as large as they may get."""
    return memoryview(bytearray(min(LONGEST_PART, end - start)))


def holes(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of [start, end) that are holes, in order, except small ones. Raise as `parts_of` does."""
    while start < end:
        hole = _seek(descriptor, start, os.SEEK_HOLE, end, unknown=end)
        start = next_data(descriptor, hole, end)
        if start - hole >= _LEAST_HOLE:
            yield hole, start


def data_bytes(descriptor: int, start: int, end: int) -> int:
    """Return how many bytes of [start, end) lie outside holes; small holes count as data. Raise as `parts_of` does."""
    return max(0, end - start) - sum(data - hole for hole, data in holes(descriptor, start, end))


def next_data(descriptor: int, start: int, end: int) -> int:
    """Return the offset of the first byte from `start` on outside a hole; `end` if none. Raise as `parts_of` does."""
    return _seek(descriptor, start, os.SEEK_DATA, end, unknown=start)


def _seek(descriptor: int, start: int, whence: int, end: int, *, unknown: int) -> int:
    """Seek for a hole or for data; return `unknown` if the file system does not report holes."""
    try:
        return min(os.lseek(descriptor, start, whence), end)
    except OSError as error:
        if error.errno != errno.ENXIO:
            return unknown
    if os.fstat(descriptor).st_size < end:
        raise ChangedError
    return end


def end_of_lines(descriptor: int, start: int, end: int) -> int:
    """Return the end of the last whole line of the bytes [start, end); `start` if there is none, or only far back.

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
