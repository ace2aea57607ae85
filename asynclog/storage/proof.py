"""The proof of what was judged: digests of a segment's byte ranges, to be compared with it at the commit."""

from collections.abc import Callable, Iterable, Iterator

from asynclog.errors import ChangedError
from asynclog.segments import Range
from asynclog.statistics import SegmentStats
from asynclog.storage.segment_reader import LONGEST_PART, Hole, Part, SegmentReader

_ZEROS = memoryview(bytes(LONGEST_PART))

# Goes on with a digest, which begins with no bytes; equal for the same bytes, however those are divided.
Digest = Callable[[bytes, memoryview], bytes]


class Proof:
    """The ranges that were judged or copied, in order, without a gap, from the segment's first byte on.

    A mapping, times that were put back, or a clock that stands still can hide a change from every stat call. Digests
    of what was read show it, when they are compared while nobody can write. `reread` is what the segment was found to
    hold if its lines were judged again. `mtime_ns` is the mtime that was judged, None if that does not matter.
    """

    def __init__(self, digest: Digest, ranges: Iterable[Range] = ()) -> None:
        self._digest = digest
        self.ranges = list(ranges)
        self.reread: SegmentStats | None = None
        self.mtime_ns: int | None = None

    @property
    def size(self) -> int:
        """The number of bytes that are proven, from the first one on."""
        return self.ranges[-1].end if self.ranges else 0

    def of_nothing(self) -> "Proof":
        """Return the proof of an empty file."""
        return Proof(self._digest)

    def follow(self, parts: Iterable[Part], expected: bytes | None = None) -> Iterator[Part]:
        """Yield these parts, which come next in the segment, and note them.

        Raise ChangedError at the end if their digest is not the one that was expected.
        """
        start = end = self.size
        digest = b""
        for part in parts:
            digest = self._with(digest, part)
            end += len(part)
            yield part
        if expected is not None and digest != expected:
            raise ChangedError
        if end > start:
            self.ranges.append(Range(start, end, digest))

    def check(self, reader: SegmentReader, look: Callable[[], None]) -> bytes:
        """Return the one digest of all these bytes, or none; raise ChangedError unless the segment holds them.

        `look` is called between blocks, and may raise. There is none of a file with holes: where they are may change
        with what is in memory.
        """
        if self.mtime_ns is not None and reader.current().mtime_ns != self.mtime_ns:
            raise ChangedError
        digest = whole = b""
        sparse, several = False, len(self.ranges) > 1
        for start, end, expected in self.ranges:
            digest = b""
            for part in reader.parts(start, end):
                digest = self._with(digest, part)
                sparse |= isinstance(part, Hole)
                if several and not sparse:
                    whole = self._with(whole, part)
                look()
            if digest != expected:
                raise ChangedError
        if sparse:
            return b""
        return whole if several else digest

    def digest(self, reader: SegmentReader, size: int) -> bytes:
        """Return the digest of the file's first bytes; none if there is a hole.

        Raise OSError, and ChangedError where it has fewer.
        """
        return self.extended(b"", reader, size)

    def extended(self, digest: bytes, reader: SegmentReader, size: int) -> bytes:
        """Go on with a digest by a file's first bytes; none if there is a hole. Raise as above."""
        for part in reader.parts(0, size):
            if isinstance(part, Hole):
                return b""
            digest = self._with(digest, part)
        return digest

    def _with(self, digest: bytes, part: Part) -> bytes:
        """Go on with a digest. A hole that a line may have is the zeros that it reads as, of a larger one its size."""
        if not isinstance(part, Hole):
            return self._digest(digest, part)
        size = len(part)
        return self._digest(digest, _ZEROS[:size] if size <= len(_ZEROS) else memoryview(b"a hole: %d" % size))
