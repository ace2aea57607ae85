"""The chunks of a segment, read by whoever was free, put together again: what is known of it once all are there."""

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import msgspec

from asynclog.errors import ChangedError, TooManyKeysError
from asynclog.scan.chunks import Chunk, ChunkResult, Seen
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentStats


class Scanned(NamedTuple):
    """The content of a segment under each of its views, and where its lines have expired under the first.

    `expired` is None if that was not wanted, or is too much to remember.
    """

    stats: list[SegmentStats]
    expired: ExpiredRanges | None

    @property
    def segment(self) -> str:
        return self.stats[0].segment


# Chunks that were read together, and what each of them holds.
Read = tuple[list[Chunk], list[tuple[Chunk, ChunkResult | ReadFailure]]]


async def merged(
    results: AsyncIterator[Read],
    pending: Mapping[str, int],
    most_marks: int,
) -> AsyncIterator[Scanned | UnreadSegment]:
    """Merge the chunks of each segment, as soon as all are there; `pending` counts them, by segment.

    Where the expired lines of a segment stand is remembered in at most so many bytes of marks.
    """
    under_way: dict[str, _Progress] = {}
    async for _, readings in results:
        for chunk, result in readings:
            name = chunk.segment.name
            progress = under_way.get(name)
            if progress is None:
                progress = under_way[name] = _Progress(chunk.segment, pending[name], most_marks)
            progress.add(chunk, result)
            if not progress.pending:
                yield under_way.pop(name).result()


class _Progress:
    """The results for one segment so far."""

    def __init__(self, segment: Segment, pending: int, most_marks: int) -> None:
        self.pending = pending
        self._segment = segment
        self._builders: tuple[StatsBuilder, ...] = ()
        self._refused: ReadFailure | None = None
        self._expired: dict[int, ExpiredRanges] | None = {}
        self._room = most_marks
        self._seen: dict[int, Seen] = {}
        self._unpacked: int | None = None

    def add(self, chunk: Chunk, result: ChunkResult | ReadFailure) -> None:
        self.pending -= 1
        if isinstance(result, ReadFailure):
            self._refused = result
            return
        self._keep(chunk.start, result.expired)
        self._seen[chunk.start] = result.seen
        self._unpacked = result.unpacked
        try:
            self._count(result.builders)
        except TooManyKeysError as error:
            refused = ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)
            self._refused, self._builders = refused, ()
        except ChangedError:
            self._refused, self._builders = ReadFailure("it changed while it was read", "changed"), ()

    def _count(self, builders: tuple[StatsBuilder, ...]) -> None:
        if self._refused:
            return
        if not self._builders:
            self._builders = builders
            return
        for whole, part in zip(self._builders, builders, strict=True):
            whole.merge(part)

    def _keep(self, start: int, expired: ExpiredRanges | None) -> None:
        """Remember where the expired lines of a chunk stand, until that is too much for all chunks together."""
        self._room -= expired.size if expired is not None else self._room + 1
        if self._room < 0:
            self._expired = None
        elif self._expired is not None and expired is not None:
            self._expired[start] = expired

    def result(self) -> Scanned | UnreadSegment:
        name, fingerprint = self._segment.name, self._segment.fingerprint
        if self._refused or not self._builders:
            refused = self._refused or ReadFailure("nothing of it was read", "not_reached")
            return UnreadSegment(name, fingerprint, refused.reason, refused.unjudged, refused.failed)
        seen = [each for _, each in sorted(self._seen.items())]
        last = seen[-1].fingerprint
        stats = [builder.build(name, last) for builder in self._builders]
        all_expired = None
        if self._expired is not None and stats[0].fragment is None:
            all_expired = ExpiredRanges(each for _, expired in sorted(self._expired.items()) for each in expired)
        quiet = all(each.quiet and each.fingerprint == last for each in seen)
        ranges = [each.digested for each in seen if each.digested]
        known = tuple(ranges) if len(ranges) == len(seen) else ()
        about = {"quiet": quiet, "ranges": known, "unpacked": self._unpacked}
        return Scanned([msgspec.structs.replace(each, **about) for each in stats], all_expired)
