"""Reading a segment, wherever it is stored: by byte ranges, in memory that does not grow, holes as holes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from asynclog.segments import Fingerprint, Segment

LONGEST_PART = 1 << 20  # bytes that a part has at most, unless it is a hole


class Hole:
    """So many bytes that read as zeros and take no space on the disk."""

    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size


Part = memoryview | Hole


class SegmentReader(Protocol):
    """One open segment. Its methods raise OSError."""

    def as_listed(self, listed: Fingerprint) -> Fingerprint | None:
        """Return the segment's fingerprint now, with the size that its whole lines had when it was listed.

        None if it is another one, has become shorter, or has not one whole line.
        """

    def current(self) -> Fingerprint:
        """Return the segment's fingerprint, looked up anew."""

    def may_be_written(self) -> bool:
        """Return whether somebody may be writing to it now, as far as can be told."""

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end), fewer if the segment ends before that."""

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Read bytes from `offset` on into the buffer; return how many, 0 where the segment ends."""

    def parts(self, start: int, end: int) -> Iterator[Part]:
        """Yield the bytes [start, end) in order; each part is writable, and good until the next one is asked for.

        Raise ChangedError if the segment ends before that.
        """

    def next_data(self, start: int, end: int) -> int:
        """Return where the first byte from `start` on is that lies in no hole; `end` if there is none before that."""

    def data_bytes(self, start: int, end: int) -> int:
        """Return how many bytes of [start, end) lie in no hole, but for small ones."""

    def preserving_cache(self, start: int, end: int) -> AbstractContextManager[None]:
        """Read [start, end) inside of the block: what had to be fetched for that is in no cache afterwards."""


class ReadStore(Protocol):
    """A log whose segments can be read. It can be pickled: in another process it reads the same log."""

    def open(self, segment: Segment) -> AbstractContextManager[SegmentReader]:
        """Open a segment for reading, until the `with` block around it is left.

        The call itself, not the block, raises FileNotFoundError if it has vanished, BlockingIOError if somebody else
        keeps it to himself, OSError.
        """

    def current(self, name: str) -> Fingerprint:
        """Return the fingerprint that the segment of this name has now. Raise OSError."""
