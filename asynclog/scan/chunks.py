"""The scan's unit of work: one byte range of one segment, read by one worker."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec

from asynclog.errors import ChangedError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.kernel import choose_digest
from asynclog.scan.context import ScanContext, ScanOptions
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges
from asynclog.scan.line_blocks import whole_lines
from asynclog.segments import Fingerprint, Range, Segment, WhyUnjudged
from asynclog.storage.codecs import HEAD, LEFT_ALONE, codec_for, is_packed
from asynclog.storage.proof import Digest
from asynclog.storage.segment_reader import ReadStore, SegmentReader

T = TypeVar("T")


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

    `expired` is None if that is too much to carry, or is not to be remembered.
    """

    builders: tuple[StatsBuilder, ...]
    expired: ExpiredRanges | None
    seen: Seen


class ReadFailure(msgspec.Struct, frozen=True):
    """Why a chunk could not be read, in words and in a word; `failed` where that is an error, not a change."""

    reason: str
    unjudged: WhyUnjudged
    failed: bool = False


def chunk_size(total: int, workers: int, options: ScanOptions) -> int:
    """Return how large the chunks of so many bytes should be: each worker should get as many as the others."""
    largest = max(options.max_chunk, math.ceil(total / options.max_chunks))
    rounds = max(1, math.ceil(total / (workers * largest)))
    return min(largest, max(options.min_chunk, math.ceil(total / (workers * rounds))))


def split(segment: Segment, size: int, start: int = 0, *, mark: bool = True, digest: bool = False) -> list[Chunk]:
    """Return the chunks of at most this size that a segment is read in, from byte `start` on; a small one is one chunk.

    They are equal, because all of a short last one would have been read ahead: see `LocalReader.preserving_cache`.
    """
    end = segment.fingerprint.size
    codec = codec_for(segment.name)
    count = max(1, math.ceil((end - start) / size)) if codec and codec.is_splittable else 1
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


def read_chunks(
    context: ScanContext, rate_limit: RateLimiter, chunks: Iterable[Chunk]
) -> list[tuple[Chunk, ChunkResult | ReadFailure]]:
    """Return what each of them holds."""
    return [(chunk, read_chunk(context, rate_limit, chunk)) for chunk in chunks]


def read_chunk(context: ScanContext, rate_limit: RateLimiter, chunk: Chunk) -> ChunkResult | ReadFailure:
    """Count the lines of one chunk. No cache has more of it afterwards than it had before."""
    return with_segment(context.store, chunk, partial(_read, context, rate_limit, chunk))


def with_segment(store: ReadStore, chunk: Chunk, read: Callable[[SegmentReader, Fingerprint], T]) -> T | ReadFailure:
    """Return what `read` makes of the chunk, given its open segment and that one's fingerprint; or what was in the way.

    Of a segment that has grown since it was listed, the whole lines are read that it had then.
    """
    codec = codec_for(chunk.segment.name)
    if codec is None:
        return ReadFailure(LEFT_ALONE, "packed")
    try:
        opened = store.open(chunk.segment)
    except FileNotFoundError:
        return ReadFailure("it has vanished", "changed")
    except BlockingIOError:
        return ReadFailure("it is busy: somebody else holds a lease on it", "not_reached")
    except OSError as error:
        return ReadFailure(f"it can't be opened: {error.strerror}", "not_reached", failed=True)
    try:
        with opened as reader:
            fingerprint = reader.as_listed(chunk.segment.fingerprint)
            if fingerprint is None:
                return ReadFailure("it changed before it was read", "changed")
            with reader.preserving_cache(chunk.start, chunk.end):
                return read(codec.decode(reader), fingerprint)
    except ChangedError:
        return ReadFailure("it became shorter while it was read", "changed")
    except OSError as error:
        return ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)


class _Digested:
    """The bytes of a chunk, known by their digest if each of them was seen: of a very long line that is no record only
    one is."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._range: Range | None = None
        self._whole = True

    def add(self, offset: int, block: memoryview) -> None:
        start, end, state = self._range or Range(offset, offset, b"")
        self._whole = self._whole and end == offset and not block.readonly
        self._range = Range(start, offset + len(block), self._digest(state, block))

    def range(self) -> Range | None:
        return self._range if self._whole else None


def _read(
    context: ScanContext, rate_limit: RateLimiter, chunk: Chunk, reader: SegmentReader, fingerprint: Fingerprint
) -> ChunkResult | ReadFailure:
    if chunk.start == 0 and is_packed(reader.read(0, HEAD)):
        return ReadFailure("it is compressed, whatever its name says, and compressed segments are left alone", "packed")
    classifier, *others = [context.classifier(fingerprint, cutoffs) for cutoffs in chunk.views or (context.cutoffs,)]
    digested = _Digested(choose_digest(context.kind))
    before, written = reader.current(), reader.may_be_written()
    expired = ExpiredRanges() if chunk.mark else None
    done, end = chunk.start, min(chunk.end, fingerprint.size)
    for offset, block in whole_lines(reader, chunk.start, end, fingerprint.size):
        classifier.add_block(offset, block, expired)
        for other in others:
            other.add_block(offset, block, None)
        if chunk.digest:
            digested.add(offset, block)
        skipped = reader.data_bytes(done, offset) if done < offset else 0  # of long lines that are no records
        rate_limit.acquire(skipped + len(block))
        done = offset + len(block)
        if expired is not None and expired.size > context.options.marks:
            expired = None
        if classifier.has_fragment:
            break
    written = written or reader.current() != before or reader.may_be_written()
    seen = Seen(fingerprint, not written and before == fingerprint, digested.range())
    return ChunkResult(tuple(each.builder() for each in (classifier, *others)), expired, seen)
