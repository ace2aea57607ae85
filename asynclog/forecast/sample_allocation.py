"""Decide from a first small sample where in the log more has to be read: where what has expired varies most.

Of a schema that is kept long, little has expired, and all of that lies in the oldest part of the log: blocks of other
parts tell nothing about it. The first sample only decides that, and is in no figure.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from asynclog.forecast.sampled_forecast import HELD, Sample

FROM = 1_200  # blocks: with fewer, the first sample costs more than it is worth
FIRST = 0.125  # of them are the first sample
_LARGE = 0.05  # of all bytes: schemas that have less don't decide
_SPREAD = 0.25  # of the blocks are spread evenly, whatever the first sample says
_PARTS = 24  # of the log: the first sample has six blocks in each, or more


def allocate(first: Sample) -> list[float]:
    """Return the shares of equal parts of the log, in order: how much of the blocks is to be read there.

    The error of each figure is a share of it, and the sum of their squares becomes least if a part gets as much as the
    figures deviate there (Neyman allocation).
    """
    lines = first.sampled.lines
    figures = [figure for figure in _figures(first) if sum(figure.values())]
    bounds = [(part * len(lines) // _PARTS, (part + 1) * len(lines) // _PARTS) for part in range(_PARTS)]
    deviations = [math.sqrt(sum(_variance(figure, lines, *part) for figure in figures)) for part in bounds]
    total = sum(deviations)
    return [_SPREAD / _PARTS + (1 - _SPREAD) * (each / total if total else 1 / _PARTS) for each in deviations]


def _figures(first: Sample) -> list[Mapping[int, float]]:
    """Return what has expired of the log, and of each large schema, in the blocks of the sample."""
    sizes = first.observed.bytes
    held = {key: sum(amounts.values()) for (key, kind), amounts in sizes.items() if kind == HELD}
    large = [key for key, size in held.items() if size >= _LARGE * sum(held.values())]
    return [sizes.get((key, 0), {}) for key in (None, *large)]


def _variance(figure: Mapping[int, float], lines: Sequence[int], start: int, end: int) -> float:
    """Return how much the blocks of a part differ from their neighbours in a figure, relative to all of it."""
    total = sum(figure.values())
    ratio = total / max(1, sum(lines))
    rest = [figure.get(number, 0.0) - ratio * lines[number] for number in range(start, end)]
    return sum((after - before) ** 2 for before, after in pairwise(rest)) / (total * total)
