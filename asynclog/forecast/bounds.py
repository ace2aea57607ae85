"""Amounts that may be known only within bounds."""

from collections.abc import Iterable
from functools import reduce
from typing import Self

import msgspec


class Bounds(msgspec.Struct, frozen=True):
    """Records and their bytes, each at least `low` and at most `high`; both are the same if it is exact."""

    records_low: float = 0
    records_high: float = 0
    bytes_low: float = 0
    bytes_high: float = 0

    @classmethod
    def exactly(cls, records: float, size: float) -> Self:
        return cls(records, records, size, size)

    @property
    def records(self) -> float | None:
        """The number of records if it is exact, else None."""
        return self.records_low if self.records_low == self.records_high else None

    @property
    def bytes(self) -> float | None:
        """The number of bytes if it is exact, else None."""
        return self.bytes_low if self.bytes_low == self.bytes_high else None

    @property
    def is_exact(self) -> bool:
        return self.records is not None and self.bytes is not None

    def plus(self, other: "Bounds") -> "Bounds":
        return Bounds(
            self.records_low + other.records_low,
            self.records_high + other.records_high,
            self.bytes_low + other.bytes_low,
            self.bytes_high + other.bytes_high,
        )

    def per(self, shortest: float, longest: float) -> "Bounds":
        """Return the amount per unit of time, if it spans between `shortest` and `longest` units."""
        return Bounds(
            self.records_low / longest,
            self.records_high / shortest,
            self.bytes_low / longest,
            self.bytes_high / shortest,
        )

    def times(self, number: float) -> "Bounds":
        return Bounds(
            self.records_low * number, self.records_high * number, self.bytes_low * number, self.bytes_high * number
        )


NOTHING = Bounds()


def total(amounts: Iterable[Bounds]) -> Bounds:
    """Return the sum of these amounts."""
    return reduce(Bounds.plus, (each for each in amounts if each is not NOTHING), NOTHING)
