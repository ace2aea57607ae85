"""Segments judged under several policies and at several times, in one reading of each."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from asynclog.errors import TooManyKeysError
from asynclog.executors.pool import WorkerPool
from asynclog.executors.rate_limit import RateLimiter
from asynclog.scan.chunks import Chunk, ReadFailure, ScanContext, chunk_size, split, with_segment
from asynclog.scan.classifiers import make_classifier
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.line_blocks import whole_lines
from asynclog.scan.scanner import Scanner, executor_for
from asynclog.storage.segment_reader import SegmentReader
from asynclog.types import Fingerprint, Segment, SegmentStats, UnreadSegment


class MultiPolicyChunk(msgspec.Struct, frozen=True):
    """A piece, and the views of it that are asked for."""

    piece: Chunk
    views: tuple[ScanContext, ...]


async def judge(
    scanners: Sequence[Scanner], wanted: Mapping[Segment, Sequence[int]], crew: WorkerPool
) -> tuple[list[dict[str, SegmentStats]], list[UnreadSegment]]:
    """For each scanner, which differ in their cutoffs only, the censuses of the segments that are wanted of it.

    `wanted` has the scanners' numbers for each segment; those that could not be read come besides.
    """
    first = scanners[0]
    total = sum(segment.fingerprint.size for segment in wanted)
    executor = executor_for(first.kind, crew.jobs, total)
    views = [each.context() for each in scanners]
    size = chunk_size(total, crew.jobs)
    tasks = [
        MultiPolicyChunk(piece, tuple(views[number] for number in numbers))
        for segment, numbers in wanted.items()
        for piece in split(segment, size, mark=False)
    ]
    missing = Counter(task.piece.segment for task in tasks)
    read: defaultdict[Segment, list[list[StatsBuilder]]] = defaultdict(list)
    refused: dict[Segment, ReadFailure] = {}
    work = partial(scan_chunk, executor.rate_share(first.pace, crew.jobs))
    async with crew.map_unordered(work, tasks, executor=executor) as results:
        async for task, result in results:
            if isinstance(result, ReadFailure):
                refused[task.piece.segment] = result
            else:
                read[task.piece.segment].append(result)
    censuses: list[dict[str, SegmentStats]] = [{} for _ in scanners]
    for segment in wanted.keys() - refused.keys():
        if len(read[segment]) < missing[segment]:
            refused[segment] = ReadFailure("the job was stopped before it was read", "not_reached")
            continue
        try:
            found = [_census(segment, tallies) for tallies in zip(*read[segment], strict=True)]
        except TooManyKeysError as error:
            refused[segment] = ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)
            continue
        for number, census in zip(wanted[segment], found, strict=True):
            censuses[number][segment.name] = census
    return censuses, [
        UnreadSegment(segment.name, segment.fingerprint, why.reason, why.unjudged, why.failed)
        for segment, why in refused.items()
    ]


def scan_chunk(pace: RateLimiter, task: MultiPolicyChunk) -> list[StatsBuilder] | ReadFailure:
    """Counts the lines of one piece for each of the views."""
    return with_segment(task.views[0].store, task.piece, partial(_judge, pace, task))


def _judge(
    pace: RateLimiter, task: MultiPolicyChunk, reader: SegmentReader, fingerprint: Fingerprint
) -> list[StatsBuilder]:
    piece = task.piece
    end = min(piece.end, fingerprint.size)
    classifiers = [make_classifier(view.kind, view.cutoffs, view.fields) for view in task.views]
    for offset, block in whole_lines(reader, piece.start, end, fingerprint.size):
        for classifier in classifiers:
            classifier.read(offset, block, None)
        pace.spend(len(block))
        if classifiers[0].has_fragment:
            break
    return [classifier.tally() for classifier in classifiers]


def _census(segment: Segment, tallies: Sequence[StatsBuilder]) -> SegmentStats:
    whole, *others = tallies
    for other in others:
        whole.add(other)
    return whole.census(segment.name, segment.fingerprint)
