"""A census judged again from its days is the one that a fresh scan would make; a slow judge makes the fresh ones."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from definitions import policy_of
from hypothesis import event, given
from hypothesis import strategies as st
from judge import DAY, Definition, Record, fate, instant, left_of, lines, verdict
from msgspec.structs import replace
from strategies import written

from asynclog.plan.stats_at_cutoffs import after_rewrite, project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.scan.classifiers import PythonClassifier
from asynclog.scan.counter import MOST_DAYS
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import DayStats, SchemaStats, SegmentStats, merge
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = instant("2026-11-24T12:00:00Z")
TODAY = NOON - DAY // 2
BIRTH = instant("2000-01-01T00:00:00Z")
PLACE = Fingerprint(1, 2, 3, 4, 5)
FRACTIONS = (0, 0, 1, DAY // 2, DAY - 1)  # of a day

Key = tuple[str, int]
View = tuple[list[Definition], int]  # a policy and a present

many = examples(120)


def instants(first: int) -> st.SearchStrategy[int]:
    """Moments of a few days around today, mostly on the edges of days."""
    days = st.integers(min_value=first, max_value=2).map(lambda day: TODAY + day * DAY)
    return st.builds(int.__add__, days, st.sampled_from(FRACTIONS))


def records() -> st.SearchStrategy[bytes]:
    """Lines of two schemas, one in two versions, some from before the first plausible moment, some that are none."""
    moments = st.one_of(*[instants(-3)] * 5, st.sampled_from((BIRTH, BIRTH - 1)))
    text = moments.map(lambda moment: written(moment, 0, 9, "Z"))
    shape = '{{"schema_name": "{}", "schema_version": {}, "timestamp": "{}"}}\n'
    keys = st.sampled_from((("app", 1), ("app", 1), ("app", 2), ("debug", 1)))
    made = st.builds(lambda key, time: shape.format(*key, time).encode(), keys, text)
    return st.one_of(*[made] * 9, st.sampled_from((b"\n", b"torn\n")))


def segments() -> st.SearchStrategy[bytes]:
    return st.lists(records(), min_size=1, max_size=9).map(b"".join)


def policies() -> st.SearchStrategy[list[Definition]]:
    """Draw rules for versions, names, patterns and all else: each may be missing, for ever, or, but for `*`, off."""
    days = st.sampled_from((0, 1, 1, 2, 2, 3, 10_000, None))
    active = st.sampled_from((True, True, True, False))
    period = st.sampled_from((None, None, None, "1h", "36h", "2w"))
    keys = [("app", 1), ("app", None), ("a*", None), ("?pp", 2)]
    rules = [st.builds(Definition, *map(st.just, key), days, active, period) for key in keys]
    for_all = st.builds(Definition, st.just("*"), st.none(), days, st.just(True), period)
    return st.lists(st.one_of(*rules, for_all, for_all), min_size=1, max_size=3, unique_by=lambda rule: rule[:2])


nows = instants(-1)
views = st.tuples(policies(), nows)


def counted(content: bytes, policy: Sequence[Definition], now: int) -> SegmentStats:
    """Return the census of a segment, the slow way."""
    its = [(line, verdict(line), fate(line, policy, now)) for line in lines(content)]
    keys = sorted({(record.schema_name, record.version) for _, record, _ in its if isinstance(record, Record)})
    blank, unreadable = ([found for _, found, _ in its].count(kind) for kind in ("blank", "unreadable"))
    return SegmentStats("s", PLACE, tuple(_count(key, its) for key in keys), unreadable, blank)


def _count(key: Key, its: Sequence[tuple[bytes, object, str]]) -> SchemaStats:
    mine = [
        (record.instant, len(line), what)
        for line, record, what in its
        if isinstance(record, Record) and (record.schema_name, record.version) == key
    ]
    gone = [moment for moment, _, what in mine if what == "expired"]
    expired = [size for _, size, what in mine if what == "expired"]
    ordinary = [moment for moment, _, what in mine if what not in ("future", "implausible")]
    kept = [moment for moment, _, what in mine if what not in ("future", "implausible", "expired")]
    days, sizes = Counter[int](), Counter[int]()
    for moment, size, what in mine:
        if what != "implausible":
            days[moment // DAY] += 1
            sizes[moment // DAY] += size
    return SchemaStats(
        SchemaKey(*key),
        len(mine),
        sum(size for _, size, _ in mine),
        min(ordinary, default=None),
        max(ordinary, default=None),
        len(expired),
        sum(expired),
        sum(what == "future" for *_, what in mine),
        sum(what == "implausible" for *_, what in mine),
        min(kept, default=None),
        tuple(DayStats(day, days[day], sizes[day]) for day in sorted(days)),
        max(gone, default=None),
    )


def forgetful(fresh: SegmentStats, found: SegmentStats) -> SegmentStats:
    """Return the fresh census without what the other one may have forgotten.

    That is the oldest record that is kept, and the time of day of the newest expired one: it has that day's end.
    """
    pairs = zip(fresh.schemas, found.schemas, strict=True)
    return replace(fresh, schemas=tuple(_forgetful(one, other) for one, other in pairs))


def _forgetful(fresh: SchemaStats, found: SchemaStats) -> SchemaStats:
    newest = fresh.newest_expired
    if newest is not None and found.newest_expired == (newest // DAY + 1) * DAY - 1:
        fresh = replace(fresh, newest_expired=found.newest_expired)
    return replace(fresh, oldest_kept=None) if found.oldest_kept is None else fresh


def days_are_clear(census: SegmentStats, policy: Policy, now: int) -> bool:
    """Whether no cutoff, nor the horizon of the future, falls among the records of a day, nor any has come over it."""
    for count in census.schemas:
        cutoff = Cutoffs(policy, now).before(count.schema)
        days = [day.day * DAY for day in count.days or ()]
        edges = [moment for moment in (cutoff, now + DAY + 1) if moment is not None]
        if any(day < edge < day + DAY for day in days for edge in edges):
            return False
        if sum(day.records for day in count.days or () if day.day * DAY > now + DAY) != count.future:
            return False
    return True


@many
@given(content=segments(), before=views, after=views)
def test_projected_statistics_equal_those_of_a_fresh_scan(content: bytes, before: View, after: View) -> None:
    """For any other policy and time, also backwards; or there is none, and never without a reason."""
    census = counted(content, *before)
    policy, now = policy_of(after[0]), after[1]
    found = project(census, Cutoffs(policy, now))
    event("judged again" if found else "to be read again")
    if found is None:
        assert not days_are_clear(census, policy, now)
    else:
        assert found == forgetful(counted(content, *after), found)


@many
@given(content=segments(), view=views)
def test_a_census_of_the_same_moment_is_known_as_it_is(content: bytes, view: View) -> None:
    """Nothing is forgotten, and nothing has to be read, unless a cutoff falls among the records of a day."""
    census = counted(content, *view)
    found = project(census, Cutoffs(policy_of(view[0]), view[1]))
    assert found == census or (found is None and not days_are_clear(census, policy_of(view[0]), view[1]))


@many
@given(content=segments(), before=views, view=views)
def test_statistics_after_a_rewrite_equal_those_of_its_bytes(content: bytes, before: View, view: View) -> None:
    """Worked out from a fresh census always; from one judged again where that has not forgotten what it takes."""
    policy, now = policy_of(view[0]), view[1]
    left = counted(left_of(content, *view) or b"", *view)
    census = counted(content, *view)
    if census.is_wholly_expired:
        return
    assert after_rewrite(census, Cutoffs(policy, now)) == left
    older = project(counted(content, *before), Cutoffs(policy, now))
    found = after_rewrite(older, Cutoffs(policy, now)) if older else None
    assert found is None or found == forgetful(left, found)


@many
@given(head=segments(), tail=segments(), before=views, view=views)
def test_statistics_of_two_parts_merge_to_those_of_the_whole(
    head: bytes, tail: bytes, before: View, view: View
) -> None:
    """The beginning may have been scanned long before; a rest without a newline is one, too."""
    tail = tail.removesuffix(b"\n") if view[1] % 2 else tail
    whole = counted(head + tail, *view)
    assert merge(counted(head, *view), counted(tail, *view), PLACE) == whole
    older = project(counted(head, *before), Cutoffs(policy_of(view[0]), view[1]))
    if older:
        found = merge(older, counted(tail, *view), PLACE)
        assert found == forgetful(whole, found)


def test_merging_keeps_what_is_unknown_unknown() -> None:
    """Its oldest record that is kept, where some of it have expired since it was scanned."""
    line = '{{"schema_name": "app", "timestamp": "{}"}}\n'
    head, tail = (
        "".join(line.format(written(TODAY + day * DAY, 0, 0, "Z")) for day in days).encode()
        for days in ((-3, -1), (0,))
    )
    policy = [Definition("app", None, 2)]
    older = project(counted(head, policy, TODAY - 2 * DAY), Cutoffs(policy_of(policy), TODAY))
    assert older
    whole = merge(older, counted(tail, policy, TODAY), PLACE)
    assert [(count.expired, count.oldest_kept) for count in whole.schemas] == [(1, None)]
    assert after_rewrite(whole, Cutoffs(policy_of(policy), TODAY)) is None


def test_without_days_all_or_nothing_expired_is_still_known() -> None:
    """And what it can't know it doesn't guess, nor what a rewrite would leave."""
    first = TODAY - (MOST_DAYS // 2) * DAY
    line = '{{"schema_name": "s{}", "timestamp": "{}"}}\n'
    reader = PythonClassifier(Cutoffs(Policy(), TODAY))
    content = [line.format(n % 4, written(first + n // 4 * DAY, 0, 0, "Z")) for n in range(2 * MOST_DAYS)]
    reader.add_block(0, memoryview("".join(content).encode()), None)
    census = reader.builder().build("s", PLACE)
    assert [count.days is None for count in census.schemas] == [True] * 4
    last = max(count.newest or 0 for count in census.schemas)

    def expired(days: int, now: int) -> int | None:
        found = project(census, Cutoffs(Policy(star=Rule(retention=days * DAY)), now))
        return None if found is None else found.expired

    assert expired(0, last + DAY) == 2 * MOST_DAYS
    assert expired(30_000, last) == 0
    assert expired(1, last) is None
    partly = replace(census, schemas=tuple(replace(c, expired=1) for c in census.schemas))
    assert after_rewrite(partly, Cutoffs(Policy(), 0)) is None
