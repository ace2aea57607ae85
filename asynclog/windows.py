"""Byte ranges of a file as they are, window by window: in memory that does not grow with them."""

import os
from collections.abc import Iterator

from asynclog.errors import ChangedError

WINDOW = 1 << 20  # bytes
_LOOK = 1 << 16  # bytes read at once to find the end of a line


def windows(descriptor: int, start: int, end: int) -> Iterator[memoryview]:
    """Yields the bytes [start, end) in order; each part is writable, and good until the next one is asked for.

    Raises OSError, and ChangedError where the file ends before that.
    """
    window = memoryview(bytearray(min(WINDOW, end - start)))
    while start < end:
        got = os.preadv(descriptor, [window[: end - start]], start)
        if not got:
            raise ChangedError
        yield window[:got]
        start += got


def end_of_lines(descriptor: int, start: int, end: int) -> int:
    """Return where the last whole line of the bytes [start, end) ends; `start` if there is none. Raise OSError."""
    while end > start:
        size = min(_LOOK, end - start)
        newline = os.pread(descriptor, size, end - size).rfind(b"\n")
        if newline >= 0:
            return end - size + newline + 1
        end -= size
    return start
