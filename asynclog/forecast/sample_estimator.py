"""Estimate totals of a log from a sample of its blocks, each with a 95 % interval.

The estimator is the combined ratio: what has been seen per byte of lines, times all bytes. Its variance is that of one
block a stratum: from the differences between neighbouring strata, with the finite population correction. If the lines
are in the order of time, such a difference shows each cutoff, wherever in a stratum it lies.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import msgspec

from asynclog.forecast.bounds import Bounds

CONFIDENCE = 0.95
_Z = 1.959964  # the normal distribution's quantile for it


class Interval(Bounds, frozen=True):
    """Estimated amounts: each most likely `…_at`, and with 95 % confidence between its bounds."""

    records_at: float = 0
    bytes_at: float = 0

    @property
    def records(self) -> float:
        return self.records_at

    @property
    def bytes(self) -> float:
        return self.bytes_at

    @property
    def is_exact(self) -> bool:
        return self.records_low == self.records_high and self.bytes_low == self.bytes_high


class Moments(NamedTuple):
    """An estimated total and its variance.

    `least` has been seen, and more than `most` there can't be. `unit` is what one block stands for: so much is easily
    missed.
    """

    value: float = 0.0
    variance: float = 0.0
    unit: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def plus(self, other: "Moments") -> "Moments":
        """Return the moments of the sum of two totals from samples of their own."""
        return Moments(*(one + another for one, another in zip(self, other, strict=True)))

    def interval(self) -> tuple[float, float, float]:
        """Return the low end, the estimate, and the high end.

        It is the score interval of a count, whose unit is what the variance says. With many of them it is the normal
        one; with none there is still a high end, for what has not been seen may be there.
        """
        unit = self.variance / self.value if self.value else self.unit
        middle, half = _Z * _Z * unit / 2, _Z * math.sqrt(self.variance + (_Z * unit / 2) ** 2)
        low, high = max(self.least, self.value + middle - half), min(self.most, self.value + middle + half)
        return min(low, self.value), self.value, max(high, self.value)


def interval(records: Moments, size: Moments) -> Interval:
    """Return records and bytes as one amount."""
    (records_low, records_at, records_high), (bytes_low, bytes_at, bytes_high) = records.interval(), size.interval()
    return Interval(records_low, records_high, bytes_low, bytes_high, records_at=records_at, bytes_at=bytes_at)


class Sampled(NamedTuple):
    """The blocks that were read, in order: the weight of each, and how many bytes its lines have.

    `blocks` and `bytes` are how many there are in all. A block that belongs to none of them after all has no lines.
    """

    weights: Sequence[int]
    lines: Sequence[int]
    blocks: int
    bytes: int


class Density(NamedTuple):
    """How much of a total a byte of lines has, usually and at the most."""

    usual: float
    most: float

    def times(self, factor: float) -> "Density":
        return Density(self.usual * factor, self.most * factor)


class Estimator(msgspec.Struct, frozen=True):
    """The sample, prepared for estimates. `pairs` are the weights of the differences between neighbouring blocks."""

    sampled: Sampled
    scale: float
    pairs: Sequence[float]
    spread: float

    @classmethod
    def of(cls, sampled: Sampled) -> Self:
        weights, lines = sampled.weights, sampled.lines
        total = sum(weight * size for weight, size in zip(weights, lines, strict=True))
        products = [one * other for one, other in pairwise(weights)]
        pairs = [product - math.sqrt(product) for product in products]  # the finite population correction
        spread = sum(pair * (after - before) ** 2 for pair, (before, after) in zip(pairs, pairwise(lines), strict=True))
        return cls(sampled, sampled.bytes / total if total else 0.0, pairs, spread)

    def moments(self, seen: Mapping[int, float], dense: "Density") -> Moments:
        """Return the moments of a total, of which so much was seen in the blocks of these numbers."""
        weights, lines, blocks, size = self.sampled
        least = sum(seen.values())
        if len(weights) == blocks:
            return Moments(least, 0.0, 0.0, least, least)
        value = self.scale * sum(weights[number] * amount for number, amount in seen.items())
        most = least + max(0, size - sum(lines)) * dense.most
        return Moments(value, self._variance(seen, value), size / max(1, len(weights)) * dense.usual, least, most)

    def _variance(self, seen: Mapping[int, float], value: float) -> float:
        many = len(self.sampled.weights)
        if many < 2:
            return value * value
        ratio = value / self.sampled.bytes
        squares, products = self._products(seen)
        differences = max(0.0, squares - 2 * ratio * products + ratio * ratio * self.spread)
        # With few blocks the variance itself is uncertain: widen it as Student's t does.
        student = 1 + (_Z * _Z + 1) / (4 * max(1.0, 2 * (many - 1) / 3))
        return (self.scale * student) ** 2 * many / (2 * (many - 1)) * differences

    def _products(self, seen: Mapping[int, float]) -> tuple[float, float]:
        """Return the sums of squares of the differences between neighbours, and of their products with the lines'.

        What is not in `seen` is 0, so that a rare schema costs little.
        """
        lines = self.sampled.lines
        pairs = {pair for number in seen for pair in (number - 1, number) if 0 <= pair < len(self.pairs)}
        squares = products = 0.0
        for pair in pairs:
            difference = seen.get(pair + 1, 0.0) - seen.get(pair, 0.0)
            squares += self.pairs[pair] * difference * difference
            products += self.pairs[pair] * difference * (lines[pair + 1] - lines[pair])
        return squares, products


def weighted_sum(terms: Iterable[tuple[Mapping[int, float], float]]) -> dict[int, float]:
    """Return for each block the sum of these figures, each times its factor."""
    found: dict[int, float] = {}
    for figures, factor in terms:
        for number, amount in figures.items():
            found[number] = found.get(number, 0.0) + amount * factor
    return found
