"""The ages of a log's records: how much of each schema is of which UTC day, and when that expires. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from asynclog.policy.rules import Policy
from asynclog.schemas import SchemaKey
from asynclog.statistics import DayStats, SchemaStats, SegmentState, SegmentStats
from asynclog.timestamps import DAY


class SchemaAges(msgspec.Struct, frozen=True):
    """The records of one schema by UTC day, in order.

    `undated` records are on no day: their clock was wrong, or there were too many days to count. `expired` is how many
    of all had expired under the policy that they were counted with.
    """

    days: tuple[DayStats, ...] = ()
    undated: int = 0
    undated_bytes: int = 0
    expired: int = 0
    expired_bytes: int = 0


class DayFate(msgspec.Struct, frozen=True):
    """The records of one day: `expired` of them have expired, and the last of all expires within `due` days.

    `due` is 0 if all have expired, and None if they never do.
    """

    day: int
    records: int
    bytes: int
    expired: int
    expired_bytes: int
    due: int | None


class LogAges:
    """Add up the records of segments by schema and day, while a log is read under `policy`."""

    def __init__(self) -> None:
        self.policy = Policy()
        self._days: dict[SchemaKey, dict[int, list[int]]] = {}
        self._others: dict[SchemaKey, list[int]] = {}

    def add(self, state: SegmentState) -> None:
        """Add what a segment holds; nothing if its content is not known."""
        if isinstance(state, SegmentStats) and state.fragment is None:
            for count in state.schemas:
                self._add_schema(count)

    def merge(self, other: "LogAges") -> None:
        """Add what was added to another, which was counted under the same policy."""
        for key, each in other.by_schema().items():
            self._add(key, each.days, (each.undated, each.undated_bytes, each.expired, each.expired_bytes))

    def _add_schema(self, count: SchemaStats) -> None:
        days = count.days or ()
        dated, dated_bytes = sum(each.records for each in days), sum(each.bytes for each in days)
        others = (count.records - dated, count.bytes - dated_bytes, count.expired, count.expired_bytes)
        self._add(count.schema, days, others)

    def _add(self, key: SchemaKey, days: Iterable[DayStats], others: Sequence[int]) -> None:
        mine = self._days.setdefault(key, {})
        for each in days:
            sums = mine.setdefault(each.day, [0, 0])
            sums[0] += each.records
            sums[1] += each.bytes
        before = self._others.get(key, [0] * len(others))
        self._others[key] = [old + new for old, new in zip(before, others, strict=True)]

    def by_schema(self) -> dict[SchemaKey, SchemaAges]:
        """Return the sums of each schema, in order."""
        return {
            key: SchemaAges(
                tuple(DayStats(day, *self._days[key][day]) for day in sorted(self._days[key])), *self._others[key]
            )
            for key in sorted(self._days)
        }


def fates(ages: SchemaAges, retention: int | None, now: int) -> Iterator[DayFate]:
    """Yield what becomes of each day's records if they are kept for `retention` ns; for ever if that is None.

    Of the day that the cutoff falls into, as many have expired as the days before it don't account for.
    """
    left, left_bytes = ages.expired, ages.expired_bytes
    for each in ages.days:
        if retention is None:
            yield DayFate(each.day, each.records, each.bytes, 0, 0, None)
            continue
        end = (each.day + 1) * DAY + retention
        if end <= now:
            left, left_bytes = left - each.records, left_bytes - each.bytes
            yield DayFate(each.day, each.records, each.bytes, each.records, each.bytes, 0)
        else:
            begun = end - DAY < now
            gone = min(max(left, 0), each.records) if begun else 0
            gone_bytes = min(max(left_bytes, 0), each.bytes) if gone else 0
            due = 0 if gone == each.records else -(-(end - now) // DAY)
            yield DayFate(each.day, each.records, each.bytes, gone, gone_bytes, due)


def due_by_day(all_fates: Iterable[DayFate], days: int) -> list[tuple[int, int]]:
    """Return records and bytes that expire within each of the next `days` days, from the first of them on."""
    sums = [[0, 0] for _ in range(days)]
    for fate in all_fates:
        if fate.due and fate.due <= days:
            sums[fate.due - 1][0] += fate.records - fate.expired
            sums[fate.due - 1][1] += fate.bytes - fate.expired_bytes
    return [(records, size) for records, size in sums]
