"""The scan: an async iterator over segment statistics, each yielded as soon as its segment has been read."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from asynclog.executors.executor import THREADS, Executor
from asynclog.executors.pool import WorkerPool
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.fields import Fields
from asynclog.records.kernel import Kind
from asynclog.scan.chunks import Chunk, ScanContext, batch, chunk_size, read_chunks, split
from asynclog.scan.merging import merged
from asynclog.scan.survivors import SurvivorReader
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentStats
from asynclog.storage.segment_reader import ReadStore

NO_OFFSETS: Mapping[str, int] = {}

_STOPPED = "the job was stopped before it was read"
WORTH_PROCESSES = 16 << 20  # bytes; below, starting processes takes longer than reading


class Scanner(msgspec.Struct, frozen=True):
    """How to read a log: where its segments are, the cutoffs, the reader, its lines' fields, and how fast."""

    store: ReadStore
    cutoffs: Cutoffs
    kind: Kind
    fields: Fields
    rate_limit: RateLimiter = RateLimiter()

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
        """Read these segments, several at once; for `async with`. `evidence` caches where expired lines stand.

        Of a segment that `starts` names only what lies beyond is read, and one of the `growing` is known by its bytes
        afterwards.

        The census of a segment holds for the fingerprint that it had when it was read. The huge ones come last: no
        small one waits for them, and their chunks keep all workers busy to the end. The Python reader works in other
        processes where that pays, the kernel in threads.
        """
        starting = [(segment, starts.get(segment.name, 0)) for segment in segments]
        size = chunk_size(sum(segment.fingerprint.size - start for segment, start in starting), crew.jobs)
        cuts = [
            split(segment, size, start, mark=evidence is not None and not start, digest=segment.name in growing)
            for segment, start in starting
        ]
        async with self._read(cuts, crew, evidence, starts) as found:
            yield (each if isinstance(each, UnreadSegment) else each[0] async for each in found)

    async def censuses_under(
        self, views: Sequence[Cutoffs], wanted: Mapping[Segment, Sequence[int]], crew: WorkerPool
    ) -> tuple[list[dict[str, SegmentStats]], list[UnreadSegment]]:
        """Read segments under several cutoffs, each segment once; return the statistics of each view, by segment.

        `wanted` has the numbers of the views for each segment. Those that could not be read come besides.
        """
        size = chunk_size(sum(segment.fingerprint.size for segment in wanted), crew.jobs)
        cuts = [
            _under(tuple(views[number] for number in numbers), split(segment, size, mark=False))
            for segment, numbers in wanted.items()
        ]
        numbers_of = {segment.name: numbers for segment, numbers in wanted.items()}
        unread = {each.name: UnreadSegment(each.name, each.fingerprint, _STOPPED, "not_reached") for each in wanted}
        censuses: list[dict[str, SegmentStats]] = [{} for _ in views]
        async with self._read(cuts, crew, None, NO_OFFSETS) as found:
            async for each in found:
                if isinstance(each, UnreadSegment):
                    unread[each.segment] = each
                    continue
                name = each[0].segment
                del unread[name]
                for number, census in zip(numbers_of[name], each, strict=True):
                    censuses[number][name] = census
        return censuses, list(unread.values())

    @asynccontextmanager
    async def _read(
        self,
        cuts: Iterable[list[Chunk]],
        crew: WorkerPool,
        evidence: SurvivorReader | None,
        starts: Mapping[str, int],
    ) -> AsyncIterator[AsyncIterator[list[SegmentStats] | UnreadSegment]]:
        """Read the chunks of each segment; for each, the statistics under each of its views."""
        chunks = [chunk for cut in sorted(cuts, key=len) for chunk in cut]
        pending = Counter(chunk.segment.name for chunk in chunks)
        executor = _executor_for(self.kind, crew.jobs, sum(chunk.end - chunk.start for chunk in chunks))
        work = partial(read_chunks, self.context(), executor.rate_share(self.rate_limit, crew.jobs))
        begun = partial(_go_on, starts)
        async with crew.map_unordered(work, batch(chunks), executor=executor, is_continuation=begun) as results:
            yield merged(results, evidence, starts, pending)


def _executor_for(kind: Kind, jobs: int, size: int) -> Executor:
    """Choose where so many bytes are read: the kernel lets other threads run, the Python reader does not."""
    if kind == "native" or jobs == 1 or size < WORTH_PROCESSES:
        return THREADS
    from asynclog.executors.processes import Processes  # noqa: PLC0415 - few jobs need processes

    return Processes()


def _go_on(starts: Mapping[str, int], chunks: Iterable[Chunk]) -> bool:
    return any(chunk.start > starts.get(chunk.segment.name, 0) for chunk in chunks)


def _under(views: tuple[Cutoffs, ...], chunks: Iterable[Chunk]) -> list[Chunk]:
    return [msgspec.structs.replace(chunk, views=views) for chunk in chunks]
