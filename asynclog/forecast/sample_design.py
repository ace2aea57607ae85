"""Draw a stratified random sample of the bytes of a log's segments: which blocks to read, and what each stands for.

The blocks of all segments, in the order of the segments, are divided into as many strata as blocks can be read, and one
block of each stratum is drawn. So the sample is spread over all segments and over all positions in them, and with these
over time. The strata are of equal size, or smaller in those parts of the log where more depends on what is drawn.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

BLOCK = 64 << 10  # bytes; with smaller ones a disk that has to seek takes longer than to read all of the log
SHARE = 0.0095  # of the bytes: with what a disk reads besides, whole pages, less than 1 %
LEAST, MOST = 16 << 20, 1 << 30  # bytes to be read at least and at most, whatever the share
FEWEST_WHOLE = 30  # segments: a figure from fewer compressed ones would say nothing

Draw = Callable[[int], int]  # returns a random number from 0 up to this one, exclusive


class Block(NamedTuple):
    """The bytes [start, end) of the segment of this number, drawn from a stratum of `weight` blocks."""

    segment: int
    start: int
    end: int
    weight: int


def budget(size: int, share_of_least: float = 1.0) -> int:
    """Return how many bytes to read of a log of this size; of one of many logs, the least is a share, too."""
    return min(size, max(int(LEAST * share_of_least), min(int(size * SHARE), MOST)))


def draw_blocks(
    sizes: Sequence[int], most: int, overhead: int, draw: Draw, shares: Sequence[float] = (1.0,)
) -> list[Block]:
    """Return blocks of segments of these sizes, none of which is 0, to read about `most` bytes.

    `overhead` is how many bytes more have to be read for each block. If `most` is all there is, return all blocks.
    `shares` are those of equal parts of the log, from its beginning to its end: their sum is 1.
    """
    counts = [-(-size // BLOCK) for size in sizes]
    total = sum(counts)
    if most >= sum(sizes):
        return _draw(sizes, counts, [total], draw)
    wanted = most / (sum(sizes) / total + overhead) if total else 0
    return _draw(sizes, counts, [int(wanted * share) for share in shares], draw)


def draw_whole(sizes: Sequence[int], most: int, draw: Draw) -> list[Block]:
    """Return whole segments of these sizes, as one block each, to read about `most` bytes; none if they are too few."""
    total = sum(sizes)
    if most >= total:
        return _draw(sizes, [1] * len(sizes), [len(sizes)], draw)
    wanted = most * len(sizes) // total
    return _draw(sizes, [1] * len(sizes), [wanted], draw) if wanted >= FEWEST_WHOLE else []


def _draw(sizes: Sequence[int], counts: Sequence[int], wanted: Sequence[int], draw: Draw) -> list[Block]:
    """Draw as many blocks as are wanted from each of the equal parts of all blocks, which are `counts` by segment."""
    ends = list(accumulate(counts))
    blocks = []
    for first, end in _strata(ends[-1] if ends else 0, wanted):
        number = first + draw(end - first)
        segment = bisect_right(ends, number)
        place, count, size = number - ends[segment] + counts[segment], counts[segment], sizes[segment]
        blocks.append(Block(segment, size * place // count, size * (place + 1) // count, end - first))
    return blocks


def _strata(total: int, wanted: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the strata of so many blocks: those of each of the equal parts are of equal size."""
    for part, many in enumerate(wanted):
        first, end = part * total // len(wanted), (part + 1) * total // len(wanted)
        strata = min(max(many, 1), end - first)
        for stratum in range(strata):
            yield first + stratum * (end - first) // strata, first + (stratum + 1) * (end - first) // strata
