"""The scan: an async iterator over censuses, each yielded as soon as its segment has been read."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Set
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from asynclog.errors import TooManyKeysError
from asynclog.executors.executor import THREADS, Executor
from asynclog.executors.pool import WorkerPool
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.fields import Fields
from asynclog.records.kernel import Kind
from asynclog.scan.chunks import (
    Chunk,
    ChunkResult,
    ReadFailure,
    ScanContext,
    Seen,
    batch,
    chunk_size,
    read_chunks,
    split,
)
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_lines import ExpiredRanges
from asynclog.scan.survivors import BUDGET, SurvivorReader
from asynclog.storage.segment_reader import ReadStore
from asynclog.types import Segment, SegmentStats, UnreadSegment

NO_OFFSETS: Mapping[str, int] = {}

WORTH_PROCESSES = 16 << 20  # bytes; below, starting processes takes longer than reading


class Scanner(msgspec.Struct, frozen=True):
    """How to read a log: where its segments are, the cutoffs, the reader, its lines' fields, and how fast."""

    store: ReadStore
    cutoffs: Cutoffs
    kind: Kind
    fields: Fields
    pace: RateLimiter = RateLimiter()

    def context(self) -> ScanContext:
        """Return what a worker needs to know."""
        return ScanContext(self.store, self.kind, self.cutoffs, self.fields)

    @asynccontextmanager
    async def censuses(
        self,
        segments: Iterable[Segment],
        crew: WorkerPool,
        evidence: SurvivorReader | None,
        starts: Mapping[str, int] = NO_OFFSETS,
        growing: Set[str] = frozenset(),
    ) -> AsyncIterator[AsyncIterator[SegmentStats | UnreadSegment]]:
        """Reads these segments, several at once; for `async with`. `evidence` remembers where expired lines stand.

        Of a segment that `starts` names only what lies beyond is read, and one of the `growing` is known by its bytes
        afterwards.

        The census of a segment holds for the fingerprint that it had when it was read. The huge ones come last: no
        small one waits for them, and their pieces keep all workers busy to the end. The Python reader works in other
        processes where that pays, the kernel in threads.
        """
        starting = [(segment, starts.get(segment.name, 0)) for segment in segments]
        total = sum(segment.fingerprint.size - start for segment, start in starting)
        size = chunk_size(total, crew.jobs)
        cuts = [
            split(segment, size, start, mark=evidence is not None and not start, digest=segment.name in growing)
            for segment, start in starting
        ]
        pieces = [piece for cut in sorted(cuts, key=len) for piece in cut]
        missing = Counter(piece.segment.name for piece in pieces)
        executor = executor_for(self.kind, crew.jobs, total)
        work = partial(read_chunks, self.context(), executor.rate_share(self.pace, crew.jobs))
        begun = partial(_go_on, starts)
        async with crew.map_unordered(work, batch(pieces), executor=executor, is_continuation=begun) as results:
            yield _merged(results, evidence, starts, missing)


def executor_for(kind: Kind, jobs: int, size: int) -> Executor:
    """Choose where so many bytes are read: the kernel lets other threads run, the Python reader does not."""
    if kind == "native" or jobs == 1 or size < WORTH_PROCESSES:
        return THREADS
    from asynclog.executors.processes import Processes  # noqa: PLC0415 - few jobs need processes

    return Processes()


def _go_on(starts: Mapping[str, int], pieces: Iterable[Chunk]) -> bool:
    return any(piece.start > starts.get(piece.segment.name, 0) for piece in pieces)


async def _merged(
    results: AsyncIterator[tuple[list[Chunk], list[tuple[Chunk, ChunkResult | ReadFailure]]]],
    evidence: SurvivorReader | None,
    starts: Mapping[str, int],
    missing: Mapping[str, int],
) -> AsyncIterator[SegmentStats | UnreadSegment]:
    """Puts the pieces of each segment together again: so many are `missing`."""
    under_way: dict[str, _Progress] = {}
    async for _, readings in results:
        for piece, result in readings:
            name = piece.segment.name
            progress = under_way.get(name)
            if progress is None:
                progress = under_way[name] = _Progress(piece.segment, missing[name], whole=not starts.get(name))
            progress.add(piece, result)
            if not progress.missing:
                yield under_way.pop(name).finding(evidence)


class _Progress:
    """What is known of one segment so far."""

    def __init__(self, segment: Segment, missing: int, *, whole: bool) -> None:
        self.missing = missing
        self._segment = segment
        self._tally: StatsBuilder | None = None
        self._refused: ReadFailure | None = None
        self._expired: dict[int, ExpiredRanges] | None = {} if whole else None
        self._size = 0
        self._seen: dict[int, Seen] = {}

    def add(self, piece: Chunk, result: ChunkResult | ReadFailure) -> None:
        self.missing -= 1
        if isinstance(result, ReadFailure):
            self._refused = result
            return
        self._keep(piece.start, result.expired)
        self._seen[piece.start] = result.seen
        try:
            self._count(result.tally)
        except TooManyKeysError as error:
            refused = ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)
            self._refused, self._tally = refused, None

    def _count(self, tally: StatsBuilder) -> None:
        if self._refused:
            return
        if self._tally is None:
            self._tally = tally
        else:
            self._tally.add(tally)

    def _keep(self, start: int, expired: ExpiredRanges | None) -> None:
        """Remembers where the expired lines of a piece stand, until that is too much for all pieces together."""
        self._size += expired.size if expired is not None else BUDGET + 1
        if self._size > BUDGET:
            self._expired = None
        elif self._expired is not None and expired is not None:
            self._expired[start] = expired

    def finding(self, evidence: SurvivorReader | None) -> SegmentStats | UnreadSegment:
        name, fingerprint = self._segment.name, self._segment.fingerprint
        if self._refused or self._tally is None:
            refused = self._refused or ReadFailure("nothing of it was read", "not_reached")
            return UnreadSegment(name, fingerprint, refused.reason, refused.unjudged, refused.failed)
        seen = [each for _, each in sorted(self._seen.items())]
        last = seen[-1].fingerprint
        census = self._tally.census(name, last)
        if evidence is not None and self._expired is not None and census.fragment is None:
            in_order = (stretch for _, expired in sorted(self._expired.items()) for stretch in expired)
            evidence.remember(name, ExpiredRanges(in_order))
        quiet = all(each.quiet and each.fingerprint == last for each in seen)
        ranges = [each.digested for each in seen if each.digested]
        known = tuple(ranges) if len(ranges) == len(seen) else ()
        return msgspec.structs.replace(census, quiet=quiet, ranges=known)
