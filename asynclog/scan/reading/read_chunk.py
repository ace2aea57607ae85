"""Read a chunk: count its lines under each of its views. What is in the way is a value."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import TypeVar

from asynclog.executors.rate_limit import RateLimiter
from asynclog.executors.read_ahead import read_ahead
from asynclog.records.kernel import choose_digest
from asynclog.scan.chunks import Chunk, ChunkResult, Seen
from asynclog.scan.context import ScanContext
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges, LineRange
from asynclog.scan.reading.line_blocks import whole_lines
from asynclog.scan.reading.read_segment import ReadFailure, with_segment
from asynclog.scan.reading.unpacked_lines import unpack, unpacked_lines
from asynclog.segments import Fingerprint, Range
from asynclog.storage.codecs import HEAD, MISNAMED, is_packed, looks_packed
from asynclog.storage.proof import Digest, Proof
from asynclog.storage.segment_reader import Hole, Part, SegmentReader

T = TypeVar("T")

_SMALL = 1 << 16  # bytes of a packed segment that is read sooner than another thread begins


def read_chunks(
    context: ScanContext, rate_limit: RateLimiter, chunks: Iterable[Chunk]
) -> list[tuple[Chunk, ChunkResult | ReadFailure]]:
    """Return what each of them holds."""
    return [(chunk, read_chunk(context, rate_limit, chunk)) for chunk in chunks]


def read_chunk(context: ScanContext, rate_limit: RateLimiter, chunk: Chunk) -> ChunkResult | ReadFailure:
    """Count the lines of one chunk. No cache has more of it afterwards than it had before."""
    return with_segment(
        context.store, chunk.segment, chunk.end, partial(_read, context, rate_limit, chunk), start=chunk.start
    )


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
    if is_packed(chunk.segment.name):
        return _read_packed(context, rate_limit, chunk, reader, fingerprint)
    if chunk.start == 0 and looks_packed(reader.read(0, HEAD)):
        return ReadFailure(MISNAMED, "packed")
    classifier, *others = [context.classifier(fingerprint, cutoffs) for cutoffs in chunk.views or (context.cutoffs,)]
    digested = _Digested(choose_digest(context.kind))
    before, written = reader.current(), reader.may_be_written()
    expired = ExpiredRanges() if chunk.mark else None
    first, done, end = None, chunk.start, min(chunk.end, fingerprint.size)
    for offset, block in whole_lines(reader, chunk.start, end, fingerprint.size, context.options.sizes):
        first = offset if first is None else first
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
    builders = tuple(each.builder() for each in (classifier, *others))
    return ChunkResult(builders, expired, seen, lines=0 if first is None else done - first)


def _read_packed(
    context: ScanContext, rate_limit: RateLimiter, chunk: Chunk, reader: SegmentReader, fingerprint: Fingerprint
) -> ChunkResult:
    """Count the lines that are packed in a segment. Where some of them have expired is not remembered.

    The commit finds them again, because it has to unpack them anyway.
    """
    name, size = chunk.segment.name, fingerprint.size
    classifiers = [context.classifier(fingerprint, cutoffs) for cutoffs in chunk.views or (context.cutoffs,)]
    before, written = reader.current(), reader.may_be_written()
    proof, unpacked = Proof(choose_digest(context.kind)), 0
    parts = proof.follow(_limited(reader.parts(0, size), rate_limit))
    lines = unpacked_lines(unpack(name, parts), size)
    with read_ahead(lines) if context.unpacks_ahead and size > _SMALL else nullcontext(lines) as blocks:
        for offset, data, judged in blocks:
            for classifier in classifiers if judged else ():
                classifier.add_block(offset, judged, None)
            unpacked = offset + len(data)
    for _ in parts:  # what a library need not have asked for
        pass
    written = written or reader.current() != before or reader.may_be_written()
    builders = tuple(each.builder() for each in classifiers)
    seen = Seen(fingerprint, not written and before == fingerprint, None)
    return ChunkResult(builders, _if_all_expired(builders[0], proof) if chunk.mark else None, seen, unpacked, size)


def _limited(parts: Iterable[Part], rate_limit: RateLimiter) -> Iterator[Part]:
    for part in parts:
        rate_limit.acquire(0 if isinstance(part, Hole) else len(part))
        yield part


def _if_all_expired(builder: StatsBuilder, proof: Proof) -> ExpiredRanges | None:
    """Return the bytes of a file as a range that has expired, if all of its lines have."""
    rows = builder.rows.values()
    if not rows or builder.unreadable or any(row.expired < row.records for row in rows):
        return None
    return ExpiredRanges(LineRange(each.start, each.end, digest=each.digest) for each in proof.ranges)
