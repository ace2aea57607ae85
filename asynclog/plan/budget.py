"""A budget of a log, beside the ages of its records: how large it may be, and how much is to be free. Pure."""

import math

import msgspec

from asynclog.segments import Space


class Budget(msgspec.Struct, frozen=True):
    """The most bytes that a log may have (`max_bytes`), and how much of its disk is to be free (`min_free`, percent).

    None is no limit.
    """

    max_bytes: int | None = None
    min_free: float | None = None

    @property
    def is_set(self) -> bool:
        return self.max_bytes is not None or self.min_free is not None

    def excess(self, size: int, space: Space | None) -> int:
        """Return by how many bytes a log of this size is over its budget in this space; 0 if it is not."""
        over = 0 if self.max_bytes is None else size - self.max_bytes
        short = 0
        if self.min_free is not None and space is not None:
            short = math.ceil(space.size * self.min_free / 100) - space.free
        return max(0, over, short)


NO_BUDGET = Budget()
