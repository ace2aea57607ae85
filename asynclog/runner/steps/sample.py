"""Read a random sample of a log: some blocks of its segments, and of compressed ones some segments. Change nothing."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple, Self

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.executors.worker_pool import WorkerPool, run_async
from asynclog.forecast.bounds import Bounds
from asynclog.forecast.sample_allocation import FIRST, FROM, allocate
from asynclog.forecast.sample_design import BLOCK, Block, Draw, budget, draw_blocks, draw_whole
from asynclog.forecast.sample_estimator import Sampled
from asynclog.forecast.sampled_forecast import Observations, Sample, judged_gone, known_gone
from asynclog.policy.cutoffs import Cutoffs
from asynclog.runner.steps.open_log import Log
from asynclog.scan.chunks import Chunk, ChunkResult
from asynclog.scan.reading.line_blocks import Sizes
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.scan.reading.unpacked_lines import most_unpacked
from asynclog.scan.scanner import Scanner
from asynclog.segments import Segment, UnreadSegment, WhyUnjudged
from asynclog.statistics import SegmentState, SegmentStats
from asynclog.storage.codecs import LEFT_ALONE, codec_for, is_packed

_LOOK = 1 << 10  # bytes read at once to find the end of a line: more would be most of what is read

_TOO_FEW = "it is compressed and can only be read from its beginning, which is too much for a sample"
_NOT_JSON_LINES = "it is not JSON Lines: a line of it is a piece of a document that spans lines"


class SampleRead(NamedTuple):
    """The part of a log that was read: blocks, segments and bytes, and of how many they are a sample.

    `samples` have the known segments, too, as one that is complete. `unread` are segments that are in none of them.
    """

    samples: list[Sample]
    unread: list[UnreadSegment]
    segments: int
    blocks: int
    bytes: int
    of_segments: int
    of: int


class Question(NamedTuple):
    """A question about a log: what has expired under each of the views.

    Nothing is freed in the segments named in `staying`. Of many logs, each may have its `share_of_least` of what is
    read of a small one. `draw` returns random numbers. From `first_from` blocks on, a first sample says where to read.
    """

    views: Sequence[Cutoffs]
    staying: Set[str]
    draw: Draw
    share_of_least: float = 1.0
    first_from: int = FROM


def read_sample(log: Log, states: Mapping[str, SegmentState], asked: Question, stop: StopRequest) -> SampleRead:
    """Read a sample of the segments that are not known exactly under each of the views."""
    known, doubtful = _known(states.values(), asked, log.cutoffs.now)
    wanted = [
        log.segments[name]
        for name, state in states.items()
        if name in doubtful or (isinstance(state, Segment) and state.is_readable)
    ]
    strange = [each for each in wanted if codec_for(each.name) is None]
    plain = [each for each in wanted if not is_packed(each.name)]
    packed = [each for each in wanted if is_packed(each.name) and each not in strange]
    size = _size(plain) + _size(packed)
    most = budget(size, asked.share_of_least)
    whole = draw_whole(_sizes(packed), most * _size(packed) // max(1, size), asked.draw)
    readings = [
        _read_plain(log, plain, most * _size(plain) // max(1, size), asked, stop),
        _Reading(log, packed if whole else [], whole, asked).run(stop),
    ]
    unread = [_left_out(each, LEFT_ALONE, "packed") for each in strange]
    unread += [] if whole else [_left_out(each, _TOO_FEW, "not_reached") for each in packed]
    return SampleRead(
        [known, *(each.sample() for each in readings)],
        unread + [failed for each in readings for failed in each.failed.values()],
        sum(len({block.segment for block in each.blocks}) for each in readings),
        sum(len(each.blocks) for each in readings),
        sum(each.bytes for each in readings),
        sum(len(each.segments) for each in readings),
        sum(_size(each.segments) for each in readings),
    )


def _read_plain(log: Log, segments: Sequence[Segment], most: int, asked: Question, stop: StopRequest) -> "_Reading":
    """Read a sample of segments that are not packed; first a small one, which says where, if that leaves enough."""
    sizes = _sizes(segments)
    if not asked.first_from <= most // BLOCK < sum(sizes) // BLOCK:
        return _Reading(log, segments, draw_blocks(sizes, most, 2 * _LOOK, asked.draw), asked).run(stop)
    few = draw_blocks(sizes, int(most * FIRST), 2 * _LOOK, asked.draw)
    first = _Reading(log, segments, few, asked).run(stop)
    blocks = draw_blocks(sizes, most - first.bytes, 2 * _LOOK, asked.draw, allocate(first.sample()))
    return _Reading(log, segments, blocks, asked, first).run(stop)


def _known(states: Iterable[SegmentState], asked: Question, now: int) -> tuple[Sample, set[str]]:
    """Return the known segments as a complete sample, and the names of those that the statistics leave in doubt."""
    observed, doubtful, many = Observations(now), set(), 0
    for stats in states:
        if not isinstance(stats, SegmentStats) or stats.fragment is not None:
            continue
        gone = known_gone(stats, asked.views)
        if all(amount.is_exact for amounts in gone for amount in amounts):
            observed.add(many, stats, _freed(stats.segment, gone, asked))
            many += 1
        else:
            doubtful.add(stats.segment)
    return Sample(Sampled([1] * many, [0] * many, many, 0), observed), doubtful


def _freed(segment: str, gone: list[list[Bounds]], asked: Question) -> list[list[Bounds]]:
    return [[] for _ in gone] if segment in asked.staying else gone


class _Reading:
    """The blocks of some segments, and what they hold, as far as they have been read.

    `failed` are segments of which a block could not be read or judged, by number: they are in no figure. Those of an
    earlier reading are among them, and the bytes that it has read.
    """

    def __init__(
        self,
        log: Log,
        segments: Sequence[Segment],
        blocks: Sequence[Block],
        asked: Question,
        earlier: "_Reading | None" = None,
    ) -> None:
        self.segments = segments
        self.blocks = blocks
        self.failed: dict[int, UnreadSegment] = dict(earlier.failed) if earlier else {}
        self.bytes: int = earlier.bytes if earlier else 0
        self._log = log
        self._asked = asked
        self._observed = Observations(log.cutoffs.now)
        self._lines = [0] * len(blocks)
        self._numbers = {(segments[block.segment].name, block.start): place for place, block in enumerate(blocks)}

    def run(self, stop: StopRequest) -> Self:
        """Read the blocks, until a stop; return this."""
        if not self.blocks:
            return self
        views = tuple(self._asked.views)
        chunks = [
            Chunk(self.segments[block.segment], block.start, block.end, mark=False, views=views)
            for block in self.blocks
        ]
        run_async(_with_short_looks(self._log.scanner).read_apart, chunks, self._pool(stop), self._take)
        return self

    def _pool(self, stop: StopRequest) -> WorkerPool:
        return WorkerPool(self._log.settings.jobs, stop)

    def _take(self, chunk: Chunk, result: ChunkResult | ReadFailure) -> None:
        place = self._numbers[chunk.segment.name, chunk.start]
        number, name = self.blocks[place].segment, chunk.segment.name
        if isinstance(result, ReadFailure):
            failure = UnreadSegment(name, chunk.segment.fingerprint, result.reason, result.unjudged, result.failed)
            self.failed.setdefault(number, failure)
            return
        self.bytes += min(max(chunk.end - chunk.start, result.lines) + 2 * _LOOK, chunk.segment.fingerprint.size)
        about = result.seen.fingerprint
        if not is_packed(name):
            about = msgspec.structs.replace(about, size=result.lines)
        stats = [builder.build(name, about) for builder in result.builders]
        if stats[0].fragment is not None:
            self.failed.setdefault(number, _left_out(chunk.segment, _NOT_JSON_LINES, "not_json_lines"))
            return
        stats = [msgspec.structs.replace(each, unpacked=result.unpacked) for each in stats]
        self._lines[place] = result.lines
        self._observed.add(place, stats[0], _freed(name, judged_gone(stats), self._asked))

    def sample(self) -> Sample:
        """Return what has been read. What has failed counts as if it had no lines."""
        for place, block in enumerate(self.blocks):
            if block.segment in self.failed:
                self._lines[place] = 0
                self._observed.drop(place)
        size = sum(each.fingerprint.size for number, each in enumerate(self.segments) if number not in self.failed)
        weights = [block.weight for block in self.blocks]
        expansion = max((most_unpacked(each.name, 1) for each in self.segments), default=1)
        return Sample(Sampled(weights, self._lines, sum(weights), size), self._observed, expansion)


def _with_short_looks(scanner: Scanner) -> Scanner:
    options = msgspec.structs.replace(scanner.context.options, sizes=Sizes(look=_LOOK))
    return msgspec.structs.replace(scanner, context=msgspec.structs.replace(scanner.context, options=options))


def _left_out(segment: Segment, reason: str, unjudged: WhyUnjudged) -> UnreadSegment:
    return UnreadSegment(segment.name, segment.fingerprint, reason, unjudged)


def _sizes(segments: Iterable[Segment]) -> list[int]:
    return [segment.fingerprint.size for segment in segments]


def _size(segments: Iterable[Segment]) -> int:
    return sum(_sizes(segments))
