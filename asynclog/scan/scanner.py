"""The scan: an async iterator over what segments hold, each yielded as soon as its segment has been read."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from asynclog.executors.executor import Executor
from asynclog.executors.rate_limit import RateLimiter
from asynclog.executors.threads import THREADS
from asynclog.executors.worker_pool import WorkerPool
from asynclog.policy.cutoffs import Cutoffs
from asynclog.scan.chunks import Chunk, ChunkResult, batch, chunk_size, split
from asynclog.scan.context import ScanContext
from asynclog.scan.merging import Read, Scanned, merged
from asynclog.scan.reading.read_chunk import read_chunks
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentStats

NO_OFFSETS: Mapping[str, int] = {}

_STOPPED = "the job was stopped before it was read"


class Scanner(msgspec.Struct, frozen=True):
    """Read a log, at a limited rate; without an `executor` the reader and the size choose where."""

    context: ScanContext
    rate_limit: RateLimiter = RateLimiter()
    executor: Executor | None = None

    @asynccontextmanager
    async def scan(
        self,
        segments: Iterable[Segment],
        pool: WorkerPool,
        starts: Mapping[str, int] = NO_OFFSETS,
        growing: Set[str] = frozenset(),
        *,
        mark: bool = False,
    ) -> AsyncIterator[AsyncIterator[Scanned | UnreadSegment]]:
        """Read these segments, several at once; for `async with`. With `mark`, tell where expired lines stand.

        Of a segment that `starts` names only what lies beyond is read, and one of the `growing` is known by its bytes
        afterwards.

        The statistics of a segment hold for the fingerprint that it had when it was read. The huge ones come last: no
        small one waits for them, and their chunks keep all workers busy to the end. The Python reader works in other
        processes where that pays, the kernel in threads.
        """
        starting = [(segment, starts.get(segment.name, 0)) for segment in segments]
        total = sum(segment.fingerprint.size - start for segment, start in starting)
        size = chunk_size(total, pool.workers, self.context.options)
        cuts = [
            split(segment, size, start, mark=mark and not start, digest=segment.name in growing)
            for segment, start in starting
        ]
        async with self._read(cuts, pool, starts) as found:
            yield found

    async def scan_views(
        self, views: Sequence[Cutoffs], wanted: Mapping[Segment, Sequence[int]], pool: WorkerPool
    ) -> tuple[list[dict[str, SegmentStats]], list[UnreadSegment]]:
        """Read segments under several cutoffs, each segment once; return the statistics of each view, by segment.

        `wanted` has the numbers of the views for each segment. Those that could not be read come besides.
        """
        size = chunk_size(sum(segment.fingerprint.size for segment in wanted), pool.workers, self.context.options)
        cuts = [
            _under(tuple(views[number] for number in numbers), split(segment, size, mark=False))
            for segment, numbers in wanted.items()
        ]
        numbers_of = {segment.name: numbers for segment, numbers in wanted.items()}
        unread = {each.name: UnreadSegment(each.name, each.fingerprint, _STOPPED, "not_reached") for each in wanted}
        by_view: list[dict[str, SegmentStats]] = [{} for _ in views]
        async with self._read(cuts, pool, NO_OFFSETS) as found:
            async for each in found:
                if isinstance(each, UnreadSegment):
                    unread[each.segment] = each
                    continue
                name = each.stats[0].segment
                del unread[name]
                for number, stats in zip(numbers_of[name], each.stats, strict=True):
                    by_view[number][name] = stats
        return by_view, list(unread.values())

    async def read_apart(
        self, chunks: Sequence[Chunk], pool: WorkerPool, take: Callable[[Chunk, ChunkResult | ReadFailure], None]
    ) -> None:
        """Read chunks that need not be all of a segment; give each one's result to `take`, in any order."""
        size = sum(chunk.end - chunk.start for chunk in chunks)
        executor = self.executor or _executor_for(self.context, pool.workers, size)
        work = partial(read_chunks, self.context, executor.rate_share(self.rate_limit, pool.workers))
        async with pool.map_unordered(work, batch(chunks, self.context.options), executor=executor) as results:
            async for _, readings in results:
                for chunk, result in readings:
                    take(chunk, result)

    @asynccontextmanager
    async def _read(
        self, cuts: Iterable[list[Chunk]], pool: WorkerPool, starts: Mapping[str, int]
    ) -> AsyncIterator[AsyncIterator[Scanned | UnreadSegment]]:
        """Read the chunks of each segment; for each, the statistics under each of its views."""
        options = self.context.options
        chunks = [chunk for cut in sorted(cuts, key=len) for chunk in cut]
        pending = Counter(chunk.segment.name for chunk in chunks)
        size = sum(chunk.end - chunk.start for chunk in chunks)
        executor = self.executor or _executor_for(self.context, pool.workers, size)
        share = executor.rate_share(self.rate_limit, pool.workers)
        alone = pool.workers == 1 or len(chunks) == 1
        work = partial(read_chunks, msgspec.structs.replace(self.context, unpacks_ahead=alone), share)
        units, begun = batch(chunks, options), partial(_go_on, starts)
        async with pool.map_unordered(work, units, executor=executor, is_continuation=begun) as results:
            counted = results if share is self.rate_limit else _counted(results, self.rate_limit)
            yield merged(counted, pending, options.marks)


async def _counted(results: AsyncIterator[Read], rate_limit: RateLimiter) -> AsyncIterator[Read]:
    """Pass on what other processes have read, and count it."""
    async for chunks, found in results:
        rate_limit.count(sum(chunk.end - chunk.start for chunk in chunks))
        yield chunks, found


def _executor_for(context: ScanContext, workers: int, size: int) -> Executor:
    """Choose where so many bytes are read: the kernel lets other threads run, the Python reader does not."""
    if context.kind == "native" or workers == 1 or size < context.options.worth_processes:
        return THREADS
    from asynclog.executors.processes import Processes  # noqa: PLC0415 - few jobs need processes

    return Processes()


def _go_on(starts: Mapping[str, int], chunks: Iterable[Chunk]) -> bool:
    return any(chunk.start > starts.get(chunk.segment.name, 0) for chunk in chunks)


def _under(views: tuple[Cutoffs, ...], chunks: Iterable[Chunk]) -> list[Chunk]:
    return [msgspec.structs.replace(chunk, views=views) for chunk in chunks]
