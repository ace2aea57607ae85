"""Draw a stratified random sample of the bytes of a log's segments: which blocks to read, and what each stands for.

The blocks of all segments, in the order of the segments, are divided into as many strata of equal size as blocks can be
read, and one block of each stratum is drawn. So the sample is spread over all segments and over all positions in them,
and with these over time.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
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


def draw_blocks(sizes: Sequence[int], most: int, overhead: int, draw: Draw) -> list[Block]:
    """Return blocks of segments of these sizes, none of which is 0, to read `most` bytes at the most.

    `overhead` is how many bytes more have to be read for each block. If `most` is all there is, return all blocks.
    """
    counts = [-(-size // BLOCK) for size in sizes]
    wanted = sum(counts) if most >= sum(sizes) else most // (BLOCK + overhead)
    return _draw(sizes, counts, wanted, draw)


def draw_whole(sizes: Sequence[int], most: int, draw: Draw) -> list[Block]:
    """Return whole segments of these sizes, as one block each, to read about `most` bytes; none if they are too few."""
    total = sum(sizes)
    if most >= total:
        return _draw(sizes, [1] * len(sizes), len(sizes), draw)
    wanted = most * len(sizes) // total
    return _draw(sizes, [1] * len(sizes), wanted, draw) if wanted >= FEWEST_WHOLE else []


def _draw(sizes: Sequence[int], counts: Sequence[int], wanted: int, draw: Draw) -> list[Block]:
    ends = list(accumulate(counts))
    total = ends[-1] if ends else 0
    strata = min(max(wanted, 1), total)
    blocks = []
    for stratum in range(strata):
        first, end = stratum * total // strata, (stratum + 1) * total // strata
        number = first + draw(end - first)
        segment = bisect_right(ends, number)
        place, count, size = number - ends[segment] + counts[segment], counts[segment], sizes[segment]
        blocks.append(Block(segment, size * place // count, size * (place + 1) // count, end - first))
    return blocks
