"""The plan: one action per segment, its reason, and the order of the work."""

import pytest

from asynclog.actions import Action, Plan
from asynclog.plan.decide import Conditions, decide, state_of
from asynclog.plan.ordering import execution_order
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule, rule_for
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Segment, UnreadSegment
from asynclog.statistics import SchemaStats, SegmentState, SegmentStats
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE

NOW = FIRST_PLAUSIBLE + 10_000 * DAY
KEY = SchemaKey("api", 1)


def fingerprint(size: int = 100) -> Fingerprint:
    return Fingerprint(1, 2, size, 3, 4)


def counted(records: int, expired: int, schema: SchemaKey = KEY, **others: int) -> SchemaStats:
    return SchemaStats(
        schema,
        records,
        records * 10,
        5,
        6,
        expired,
        expired * 10,
        others.get("future", 0),
        others.get("implausible", 0),
    )


def census(*counts: SchemaStats, unreadable: int = 0, blank: int = 0, name: str = "s") -> SegmentStats:
    return SegmentStats(name, fingerprint(sum(count.bytes for count in counts)), counts, unreadable, blank)


@pytest.mark.parametrize(
    ("finding", "kind", "reason"),
    [
        (Segment("s", fingerprint(0)), "keep", "it is empty"),
        (Segment("s", fingerprint(0), "it is a FIFO", "special"), "skip", "it is a FIFO"),
        (UnreadSegment("s", fingerprint(), "it has vanished", "changed"), "skip", "it has vanished"),
        (census(counted(3, 0)), "keep", "nothing in it has expired"),
        (census(blank=3), "keep", "it has only blank lines"),
        (census(unreadable=3), "skip", "none of its lines is a record"),
        (census(counted(3, 3)), "drop", "all 3 records have expired"),
        (census(counted(3, 3), blank=2), "drop", "all 3 records have expired"),
        (census(counted(3, 3), unreadable=1), "rewrite", "3 of 3 records have expired"),
        (census(counted(3, 2)), "rewrite", "2 of 3 records have expired"),
        (census(counted(3, 3), counted(1, 0, SchemaKey("b", 1))), "rewrite", "3 of 4 records have expired"),
    ],
)
def test_each_finding_has_one_action_and_its_reason(finding: SegmentState, kind: str, reason: str) -> None:
    """A segment goes whole only where nothing but blank lines would stay; doubt keeps."""
    action = decide(finding, Cutoffs(Policy(), NOW))
    assert (action.kind, action.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (Segment("s", fingerprint(0), "it is a FIFO", "special"), "special"),
        (Segment("s", fingerprint(0), "it has 2 hard links"), None),
        (UnreadSegment("s", fingerprint(), "it has vanished", "changed"), "changed"),
        (UnreadSegment("s", fingerprint(), "it can't be read", "damaged", failed=True), "damaged"),
        (census(unreadable=3, blank=1), "no_record"),
        (census(blank=1), None),
        (census(counted(3, 3), unreadable=1), None),
    ],
)
def test_what_could_not_be_judged_has_a_word_for_it(finding: SegmentState, word: str | None) -> None:
    """And the action gives back what was known of it."""
    action = decide(finding, Cutoffs(Policy(), NOW))
    assert action.unjudged == word
    assert action.kind == "skip" or not word
    again = decide(state_of(action), Cutoffs(Policy(), NOW))
    assert (again.kind, again.reason, again.unjudged, again.failed) == (
        (action.kind, action.reason, action.unjudged, action.failed)
    )


@pytest.mark.parametrize(
    ("finding", "kind", "reason"),
    [
        (census(counted(3, 0)), "keep", "nothing in it has expired"),
        (census(counted(3, 3)), "skip", "it has 2 hard links"),
        (census(counted(3, 2)), "skip", "it has 2 hard links"),
        (census(unreadable=3), "skip", "none of its lines is a record"),
    ],
)
def test_nothing_goes_where_there_is_a_reason_to_skip(finding: SegmentStats, kind: str, reason: str) -> None:
    """What has expired there is overdue, and so is told, with that reason."""
    conditions = Conditions(skip_reasons={finding.segment: "it has 2 hard links"})
    action = decide(finding, Cutoffs(Policy(), NOW), conditions=conditions)
    assert (action.kind, action.reason) == (kind, reason)


def test_the_most_exact_rule_governs() -> None:
    """A rule for the version wins over one for the name, and that over `*`; one that is off hides the wider ones."""
    policy = Policy(
        {SchemaKey("a", 1): Rule(retention=1 * DAY), SchemaKey("a", 2): Rule(retention=2 * DAY, active=False)},
        {"a": Rule(retention=3 * DAY), "b": Rule(retention=None)},
        Rule(retention=4 * DAY),
    )
    cutoffs = Cutoffs(policy, NOW)
    days = {key: cutoffs.before(SchemaKey(*key)) for key in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1)]}
    assert days == {
        ("a", 1): NOW - DAY,
        ("a", 2): None,
        ("a", 3): NOW - 3 * DAY,
        ("b", 1): None,
        ("c", 1): NOW - 4 * DAY,
    }
    assert rule_for(policy, SchemaKey("a", 2)) is None
    assert rule_for(policy, SchemaKey("b", 1)) == Rule(retention=None)


def test_drops_come_first_and_small_lanes_are_not_starved() -> None:
    """One huge schema and three small ones: the small ones' segments stand before the bulk of the huge one's."""

    def action(name: str, schema: str, kind: str, size: int) -> Action:
        found = census(counted(size, size if kind == "drop" else size - 1, SchemaKey(schema, 1)), name=name)
        made = decide(found, Cutoffs(Policy(), NOW))
        assert made.kind == kind
        return made

    huge = [action(f"h{number}", "huge", "rewrite", 100) for number in range(5)]
    small = [action(name, name, "rewrite", 3) for name in ("a", "b", "c")]
    drop = action("d", "huge", "drop", 50)
    order = [each.segment for each in execution_order(Plan(NOW, (*huge, *small, drop)))]
    assert order == ["d", "a", "b", "c", "h0", "h1", "h2", "h3", "h4"]
