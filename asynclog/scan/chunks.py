"""The scan's unit of work, one byte range of one segment, and its result; how segments are divided into such ranges."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from asynclog.policy.cutoffs import Cutoffs
from asynclog.scan.context import ScanOptions
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges
from asynclog.segments import Fingerprint, Range, Segment
from asynclog.storage.codecs import is_packed


class Chunk(msgspec.Struct, frozen=True):
    """The lines of `segment` that start in its bytes [start, end).

    `mark` is whether expired ones are remembered, `digest` whether the bytes are to be known again. The lines are
    counted once under each of the `views`, under the scan's own cutoffs if there are none.
    """

    segment: Segment
    start: int
    end: int
    mark: bool
    digest: bool = False
    views: tuple[Cutoffs, ...] = ()


class Seen(NamedTuple):
    """The state of a chunk's segment while that was read.

    The size in its fingerprint is what could be read, if it grows. `quiet` is whether nobody can have written to it
    meanwhile. `digested` are the bytes with their digest, None if that was not wanted or could not be had.
    """

    fingerprint: Fingerprint
    quiet: bool
    digested: Range | None


class ChunkResult(NamedTuple):
    """The content of a chunk under each of its views, and where lines have expired under the first of them.

    `expired` is None if that is too much to carry, or is not to be remembered. `unpacked` is the number of bytes that a
    packed segment has unpacked, None of any other. `lines` is how many bytes of the file all of its lines take.
    """

    builders: tuple[StatsBuilder, ...]
    expired: ExpiredRanges | None
    seen: Seen
    unpacked: int | None = None
    lines: int = 0


def chunk_size(total: int, workers: int, options: ScanOptions) -> int:
    """Return how large the chunks of so many bytes should be: each worker should get as many as the others."""
    largest = max(options.max_chunk, math.ceil(total / options.max_chunks))
    rounds = max(1, math.ceil(total / (workers * largest)))
    return min(largest, max(options.min_chunk, math.ceil(total / (workers * rounds))))


def split(segment: Segment, size: int, start: int = 0, *, mark: bool = True, digest: bool = False) -> list[Chunk]:
    """Return the chunks of at most this size that a segment is read in, from byte `start` on; a small one is one chunk.

    They are equal, because all of a short last one would have been read ahead: see `LocalReader.preserving_cache`. A
    packed segment is one chunk: it can only be read from its beginning.
    """
    end = segment.fingerprint.size
    count = 1 if is_packed(segment.name) else max(1, math.ceil((end - start) / size))
    size = max(1, math.ceil((end - start) / count))
    return [Chunk(segment, at, min(at + size, end), mark, digest) for at in range(start, end, size)]


def batch(chunks: Iterable[Chunk], options: ScanOptions) -> Iterator[list[Chunk]]:
    """Yield the chunks in their order, small ones together: to hand one over takes longer than to read it."""
    unit: list[Chunk] = []
    size = 0
    for chunk in chunks:
        size += chunk.end - chunk.start
        if unit and (size > options.batch_bytes or len(unit) == options.batch_chunks):
            yield unit
            unit, size = [], chunk.end - chunk.start
        unit.append(chunk)
    if unit:
        yield unit
