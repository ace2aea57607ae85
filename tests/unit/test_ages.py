"""The ages of records by day: nothing is lost on the way from segments to what expires when."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from asynclog.forecast.ages import LogAges, due_by_day, fates
from asynclog.policy.rules import Policy
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Segment
from asynclog.statistics import DayStats, SchemaStats, SegmentStats
from asynclog.timestamps import DAY, HOUR

KEY = SchemaKey("app", 1)
NOW = 20_000 * DAY + 7 * HOUR
PRINT = Fingerprint(1, 2, 3, 4, 5)


class Line(NamedTuple):
    """A record: when it was, and how long it is."""

    instant: int
    size: int


lines = st.builds(Line, st.integers(NOW - 200 * DAY, NOW), st.integers(1, 1000))
periods = st.one_of(st.none(), st.integers(0, 250 * 24).map(lambda hours: hours * HOUR))


def stats_of(records: list[Line], retention: int | None, name: str = "s") -> SegmentStats:
    """Return what a scan would say."""
    days: dict[int, list[int]] = {}
    for each in records:
        sums = days.setdefault(each.instant // DAY, [0, 0])
        sums[0], sums[1] = sums[0] + 1, sums[1] + each.size
    gone = [each for each in records if retention is not None and each.instant < NOW - retention]
    instants = [each.instant for each in records]
    total = sum(each.size for each in records)
    count = SchemaStats(
        KEY,
        len(records),
        total,
        min(instants),
        max(instants),
        len(gone),
        sum(each.size for each in gone),
        0,
        0,
        days=tuple(DayStats(day, *days[day]) for day in sorted(days)),
    )
    return SegmentStats(name, PRINT, (count,))


@given(st.lists(st.lists(lines, min_size=1, max_size=8), min_size=1, max_size=4), periods)
def test_each_record_expires_once_and_never_early(segments: list[list[Line]], retention: int | None) -> None:
    """What has expired is exact; the rest is counted on a day by whose end it has expired, and at most a day late."""
    ages = LogAges()
    for segment in segments:
        ages.add(stats_of(segment, retention))
    (found,) = ages.by_schema().values()
    all_fates = list(fates(found, retention, NOW))
    records = [each for segment in segments for each in segment]
    assert sum(fate.records for fate in all_fates) == len(records)
    assert sum(fate.bytes for fate in all_fates) == sum(each.size for each in records)
    assert (found.undated, found.undated_bytes) == (0, 0)
    if retention is None:
        assert {fate.due for fate in all_fates} == {None}
        return
    gone = [each for each in records if each.instant < NOW - retention]
    assert sum(fate.expired for fate in all_fates) == len(gone)
    assert sum(fate.expired_bytes for fate in all_fates) == sum(each.size for each in gone)
    due = due_by_day(all_fates, 500)
    assert sum(count for count, _ in due) == len(records) - len(gone)
    exact = Counter(-(-(each.instant + retention + 1 - NOW) // DAY) for each in records if each not in gone)
    told = told_exactly = 0
    for day, (count, _) in enumerate(due, 1):
        told, told_exactly = told + count, told_exactly + exact[day]
        assert told <= told_exactly
        assert told >= told_exactly - exact[day]


def test_what_has_no_day_is_told_apart() -> None:
    """Records of a wrong clock, and those of which the days were too many; they are in no fate."""
    ages = LogAges()
    ages.add(SegmentStats("a", PRINT, (SchemaStats(KEY, 5, 50, 1, 2, 0, 0, 0, 2, days=(DayStats(9, 3, 30),)),)))
    ages.add(SegmentStats("b", PRINT, (SchemaStats(KEY, 4, 40, 1, 2, 0, 0, 0, 0, days=None),)))
    (found,) = ages.by_schema().values()
    assert (found.undated, found.undated_bytes) == (6, 60)
    assert [fate.records for fate in fates(found, None, NOW)] == [3]


def test_what_could_not_be_read_adds_nothing() -> None:
    """Neither an unread segment nor one that is no JSON Lines."""
    ages = LogAges()
    ages.add(Segment("a", PRINT))
    ages.add(SegmentStats("b", PRINT, fragment=1))
    assert ages.by_schema() == {}
    assert ages.policy == Policy()
