"""The forecast: what goes and when, what comes in, told from censuses alone; by the slow judge, and by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
import strategies
from definitions import policy_of
from hypothesis import given
from hypothesis import strategies as st
from judge import DAY, Definition, fate, first_fragment, instant, left_of, lines, verdict
from strategies import NOWS, judged

from asynclog.forecast.bounds import Bounds
from asynclog.forecast.log_forecast import IN_DAYS, Forecast, ForecastBuilder, times
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.scan.classifiers import PythonClassifier
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import SegmentStats
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strategies import Archive

TIMES = (*NOWS, "2026-11-24T13:37:00.5Z", "2026-10-01T06:00:00Z")
NOON = instant("2026-11-24T12:00:00Z")
APP = SchemaKey("app", 1)

quick = examples(100)
cases = given(
    archive=strategies.archives(),
    policy=strategies.policies(),
    scanned=st.sampled_from(TIMES),
    now=st.sampled_from(TIMES),
    dated=st.booleans(),
)


def forecast(censuses: Sequence[SegmentStats], policy: Policy, now: int, unknown_bytes: int = 0) -> Forecast:
    """Return what censuses tell on their own."""
    return ForecastBuilder(censuses, Cutoffs(policy, now)).forecast([{} for _ in IN_DAYS], unknown_bytes)


def census(name: str, content: bytes, policy: Policy, now: int, *, dated: bool = True) -> SegmentStats:
    """Return what a scan learns of a segment; without the days, what is left if there were too many of them."""
    reader = PythonClassifier(Cutoffs(policy, now))
    reader.add_block(0, memoryview(content), None)
    found = reader.builder().build(name, Fingerprint(1, 2, len(content), 3, 4))
    bare = tuple(msgspec.structs.replace(count, days=None) for count in found.schemas)
    return found if dated else msgspec.structs.replace(found, schemas=bare)


def truth(segments: Sequence[bytes], policy: Sequence[Definition], at: int) -> tuple[Counter[str], Counter[str], int]:
    """Return records and bytes that a cleanup deletes of each schema, and by how much it makes the log smaller."""
    records: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for line in (line for segment in segments if first_fragment(segment) is None for line in lines(segment)):
        record = verdict(line)
        if fate(line, policy, at) == "expired" and not isinstance(record, str):
            records[record.key] += 1
            size[record.key] += len(line)
    return records, size, sum(len(each) - len(left_of(each, policy, at) or b"") for each in segments)


def assert_holds(amount: Bounds, records: int, size: int) -> None:
    assert amount.records_low <= records <= amount.records_high
    assert amount.bytes_low <= size <= amount.bytes_high


@quick
@cases
def test_a_forecast_holds_what_a_cleanup_at_that_time_deletes(
    archive: Archive, policy: list[Definition], scanned: str, now: str, dated: bool
) -> None:
    """Whatever policy and time the censuses were made under; where nothing is in doubt it is exact."""
    content, rules, at = judged(archive), policy_of(policy), instant(now)
    other = Policy(star=Rule(retention=30 * DAY))
    censuses = [census(str(n), each, other, instant(scanned), dated=dated) for n, each in enumerate(content)]
    found = forecast(censuses, rules, at)
    unsure = {number for number, _ in ForecastBuilder(censuses, Cutoffs(rules, at)).doubts()}
    for number, days in enumerate(IN_DAYS):
        records, size, freed = truth(content, policy, at + days * DAY)
        for key, outlook in found.schemas.items():
            assert_holds(outlook.frees[number], records[str(key)], size[str(key)])
        assert set(records) <= set(map(str, found.schemas))
        assert_holds(found.total.frees[number], records.total(), freed)
        assert found.total.frees[number].is_exact or number in unsure


@quick
@cases
def test_a_census_that_was_judged_at_that_time_is_exact(
    archive: Archive, policy: list[Definition], scanned: str, now: str, dated: bool
) -> None:
    """It is asked only for the times at which the other one leaves a doubt."""
    content, rules, at = judged(archive), policy_of(policy), instant(now)
    censuses = [census(str(n), each, Policy(), instant(scanned), dated=dated) for n, each in enumerate(content)]
    known: list[dict[str, SegmentStats]] = [{} for _ in IN_DAYS]
    ledger = ForecastBuilder(censuses, Cutoffs(rules, at))
    for number, name in ledger.doubts():
        known[number][name] = census(name, content[int(name)], rules, times(at)[number])
    found = ledger.forecast(known)
    for number, days in enumerate(IN_DAYS):
        records, size, freed = truth(content, policy, at + days * DAY)
        expected = {key: Bounds.exactly(records[str(key)], size[str(key)]) for key in found.schemas}
        assert {key: outlook.frees[number] for key, outlook in found.schemas.items()} == expected
        assert found.total.frees[number] == Bounds.exactly(records.total(), freed)


@quick
@cases
def test_what_was_never_read_is_within_the_bounds(
    archive: Archive, policy: list[Definition], scanned: str, now: str, dated: bool
) -> None:
    """Every figure of the whole log lies between those that a part of it gives, given the size of the rest."""
    content, rules, at = judged(archive), policy_of(policy), instant(now)
    censuses = [census(str(n), each, rules, at) for n, each in enumerate(content)]
    earlier = [census(str(n), each, rules, instant(scanned), dated=dated) for n, each in enumerate(content)]
    part = [project(old, Cutoffs(rules, at)) or new for old, new in zip(earlier[1:], censuses[1:], strict=True)]
    whole, known = forecast(censuses, rules, at), forecast(part, rules, at, sum(map(len, content[:1])))
    for key, outlook in known.schemas.items():
        assert_contains(outlook.held, whole.schemas[key].held)
        assert_contains(outlook.daily, whole.schemas[key].daily)
    assert_contains(known.total.held, whole.total.held)
    assert_contains(known.total.daily, whole.total.daily)
    for wide, narrow in zip(known.total.frees, whole.total.frees, strict=True):
        assert wide.records_low <= narrow.records_high
        assert narrow.records_low <= wide.records_high


def assert_contains(wide: Bounds, narrow: Bounds) -> None:
    tiny = 1e-9
    assert wide.records_low <= narrow.records_low + tiny
    assert narrow.records_high <= wide.records_high + tiny
    assert wide.bytes_low <= narrow.bytes_low + tiny
    assert narrow.bytes_high <= wide.bytes_high + tiny


def line(at: int, schema: str = "app") -> bytes:
    return f'{{"schema_name":"{schema}","timestamp":"{strategies.written(at, 0, 9, "Z")}"}}\n'.encode()


def daily_of(ages: Sequence[float], days: int | None = 10) -> tuple[float, float, float | None]:
    """Return records and bytes a day, and the steady size, of a log of records of these ages in days at noon."""
    content = b"".join(line(NOON - int(age * DAY)) for age in ages)
    rules = Policy(star=Rule(retention=None if days is None else days * DAY))
    outlook = forecast([census("s", content, rules, NOON)], rules, NOON).schemas[APP]
    assert outlook.daily.is_exact
    assert outlook.steady is None or outlook.steady.is_exact
    return outlook.daily.records_low, outlook.daily.bytes_low, outlook.steady.bytes_low if outlook.steady else None


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([age + 0.5 for age in range(60)], 1),
        ([1, 2, 3, 4, 4.5], 5 / 4),  # since noon of the 20th: four days until midnight
        ([0.7], 1),  # there since yesterday evening: a day at least
        ([0.1, 0.2, 0.3], 3),  # of today only
        ([400], 0),
        ([-300], 0),  # in the future
        ([-300, 1, 2], 2 / 1.5),
        ([10_000, 1, 2], 2 / 1.5),  # the first is from before 2000
    ],
)
def test_the_daily_inflow_is_that_of_the_last_whole_days(ages: list[float], expected: float) -> None:
    """At most 30 of them, and not more than there are records of; the steady size is that times the days."""
    size = len(line(NOON))
    assert daily_of(ages) == pytest.approx((expected, expected * size, expected * size * 10))


def test_a_schema_that_never_expires_has_no_steady_size() -> None:
    """Nor has a log with such a schema, unless nothing of it comes in any more."""
    assert daily_of([1, 2], days=None)[2] is None
    rules = Policy(by_name={"app": Rule(retention=10 * DAY)})
    totals = []
    for age in (40, 2):
        content = b"".join([line(NOON - 2 * DAY), line(NOON - age * DAY, "legal")])
        totals.append(forecast([census("s", content, rules, NOON)], rules, NOON).total.steady)
    assert totals[0]
    assert totals[0].bytes_high == pytest.approx(len(line(NOON)) * 10 / 1.5)
    assert totals[1] is None


def test_too_many_days_to_be_counted_leave_bounds() -> None:
    """Where a scan could not count each day, what came in lies between nothing and all of it."""
    content = line(NOON - DAY) + line(NOON - 20 * DAY)
    rules = Policy(star=Rule(retention=10 * DAY))
    found = forecast([census("s", content, rules, NOON, dated=False)], rules, NOON).schemas[APP]
    assert (found.daily.records_low, found.daily.records_high) == (0, 2 / 19.5)
    assert not found.frees[0].is_exact
    assert found.frees[3] == Bounds.exactly(2, len(content))


@pytest.mark.parametrize(
    ("days", "low", "high"), [(0, 4, 4), (1, 4, 4), (2, 3, 3), (3, 1, 3), (4, 0, 0), (5, 0, 0), (None, 0, 0)]
)
def test_the_day_that_a_cutoff_falls_into_is_in_doubt(days: int | None, low: int, high: int) -> None:
    """Unless all that is of one schema lies on one side of it; whole days before it are not."""
    midnights = [NOON // DAY * DAY - ago * DAY for ago in (1, 3, 3, 4)]
    content = b"".join(line(moment + hour) for moment, hour in zip(midnights, (1, 1, DAY - 1, DAY - 1), strict=True))
    rules = Policy(star=Rule(retention=None if days is None else days * DAY))
    found = forecast([census("s", content, Policy(), NOON)], rules, NOON).schemas[APP].frees[0]
    assert (found.records_low, found.records_high) == (low, high)
    assert (found.bytes_low, found.bytes_high) == (low * len(line(NOON + 1)), high * len(line(NOON + 1)))


def test_the_schemas_are_in_order() -> None:
    """By name, then by version as a number."""
    text = "".join(
        f'{{"schema_name":"{name}","schema_version":{version},"timestamp":"2026-11-01T00:00:00Z"}}\n'
        for name, version in (("b", 1), ("a", 10), ("a", 9))
    )
    found = forecast([census("s", text.encode(), Policy(), NOON)], Policy(), NOON)
    assert list(map(str, found.schemas)) == ["a:9", "a:10", "b:1"]
