"""The plan: one action per segment, its reason, the order of the work, and the guards."""

import pytest

from asynclog.instant import DAY, FIRST_PLAUSIBLE
from asynclog.model import Action, Census, Fingerprint, Plan, Policy, Rule, SchemaCount, SchemaKey, Segment, Unread
from asynclog.plan.decide import Finding, decide, make_plan
from asynclog.plan.guards import Guard, refusal
from asynclog.plan.lanes import in_order
from asynclog.plan.rules import cutoff_for, rule_for

NOW = FIRST_PLAUSIBLE + 10_000 * DAY
KEY = SchemaKey("api", 1)


def fingerprint(size: int = 100) -> Fingerprint:
    return Fingerprint(1, 2, size, 3, 4)


def counted(records: int, expired: int, schema: SchemaKey = KEY, **others: int) -> SchemaCount:
    return SchemaCount(
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


def census(*counts: SchemaCount, unreadable: int = 0, blank: int = 0, name: str = "s") -> Census:
    return Census(name, fingerprint(sum(count.bytes for count in counts)), counts, unreadable, blank)


@pytest.mark.parametrize(
    ("finding", "kind", "reason"),
    [
        (Segment("s", fingerprint(0)), "keep", "it is empty"),
        (Segment("s", fingerprint(), "it is a FIFO"), "skip", "it is a FIFO"),
        (Unread("s", fingerprint(), "it has vanished"), "skip", "it has vanished"),
        (census(counted(3, 0)), "keep", "nothing in it has expired"),
        (census(blank=3), "keep", "it has only blank lines"),
        (census(unreadable=3), "keep", "nothing in it has expired"),
        (census(counted(3, 3)), "drop", "all 3 records have expired"),
        (census(counted(3, 3), blank=2), "drop", "all 3 records have expired"),
        (census(counted(3, 3), unreadable=1), "rewrite", "3 of 3 records have expired"),
        (census(counted(3, 2)), "rewrite", "2 of 3 records have expired"),
        (census(counted(3, 3), counted(1, 0, SchemaKey("b", 1))), "rewrite", "3 of 4 records have expired"),
    ],
)
def test_each_finding_has_one_action_and_its_reason(finding: Finding, kind: str, reason: str) -> None:
    """A segment goes whole only where nothing but blank lines would stay; doubt keeps."""
    action = decide(finding, Policy())
    assert (action.kind, action.reason) == (kind, reason)


def test_the_most_exact_rule_governs() -> None:
    """A rule for the version wins over one for the name, and that over `*`; one that is off hides the wider ones."""
    policy = Policy(
        {SchemaKey("a", 1): Rule(1), SchemaKey("a", 2): Rule(2, active=False)}, {"a": Rule(3), "b": Rule(None)}, Rule(4)
    )
    days = {key: cutoff_for(policy, SchemaKey(*key), NOW) for key in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1)]}
    assert days == {
        ("a", 1): NOW - DAY,
        ("a", 2): None,
        ("a", 3): NOW - 3 * DAY,
        ("b", 1): None,
        ("c", 1): NOW - 4 * DAY,
    }
    assert rule_for(policy, SchemaKey("a", 2)) is None
    assert rule_for(policy, SchemaKey("b", 1)) == Rule(None)


def test_drops_come_first_and_small_lanes_are_not_starved() -> None:
    """One huge schema and three small ones: the small ones' segments stand before the bulk of the huge one's."""

    def action(name: str, schema: str, kind: str, size: int) -> Action:
        found = census(counted(size, size if kind == "drop" else size - 1, SchemaKey(schema, 1)), name=name)
        made = decide(found, Policy())
        assert made.kind == kind
        return made

    huge = [action(f"h{number}", "huge", "rewrite", 100) for number in range(5)]
    small = [action(name, name, "rewrite", 3) for name in ("a", "b", "c")]
    drop = action("d", "huge", "drop", 50)
    order = [each.segment for each in in_order(Plan(NOW, (*huge, *small, drop)))]
    assert order == ["d", "a", "b", "c", "h0", "h1", "h2", "h3", "h4"]


def guarded(found: Census, guard: Guard | None = None, *, days: int = 30, allow: bool = False) -> str:
    policy = Policy({KEY: Rule(days, where="policy:1")})
    return refusal(make_plan([decide(found, policy)], policy, NOW), policy, guard or Guard(), allow_delete_all=allow)


def test_deleting_everything_is_refused_without_permission() -> None:
    """1,000 or more governed records, all expired: refused, unless that is allowed; future ones don't hide it."""
    assert "--allow-delete-all" in guarded(census(counted(1000, 1000)))
    assert "--allow-delete-all" in guarded(census(counted(1003, 1000, future=2, implausible=1)))
    assert guarded(census(counted(1000, 1000)), allow=True) == ""
    assert guarded(census(counted(999, 999))) == ""
    assert guarded(census(counted(1001, 1000))) == ""


def test_records_that_no_rule_with_days_governs_do_not_count() -> None:
    """Records kept for ever, or without a policy, don't make a total deletion look like a partial one."""
    policy = Policy({KEY: Rule(30), SchemaKey("legal", 1): Rule(None)})
    found = census(counted(1000, 1000), counted(5, 0, SchemaKey("legal", 1)), counted(5, 0, SchemaKey("orphan", 1)))
    assert refusal(make_plan([decide(found, policy)], policy, NOW), policy, Guard(), allow_delete_all=False)


def test_a_profile_can_tighten_the_guards() -> None:
    """`max_delete_percent` is of the governed records; `min_retention_days` names the rule that is too short."""
    half = census(counted(10, 5))
    assert guarded(half, Guard(max_delete_percent=50)) == ""
    assert "guard.max_delete_percent is 49" in guarded(half, Guard(max_delete_percent=49))
    assert "policy:1: retention_days 30" in guarded(half, Guard(min_retention_days=31))
    assert guarded(half, Guard(min_retention_days=30)) == ""
    assert guarded(census(counted(10, 0)), Guard(max_delete_percent=0, min_retention_days=31)) == ""
