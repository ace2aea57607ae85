"""The decision: one action per segment, each with its reason."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from asynclog.model import Action, Census, Plan, Policy, SchemaKey, Segment, Unread
from asynclog.plan.rules import rule_for

# What is known of a segment when the decision is made: it was read, it could not be, or it was not to be.
Finding = Census | Unread | Segment


def make_plan(findings: Iterable[Finding], policy: Policy, now: int) -> Plan:
    """One action per finding, in their order."""
    actions = tuple(decide(finding) for finding in findings)
    return Plan(now=now, actions=actions, no_policy=_without_policy(actions, policy))


def decide(finding: Finding) -> Action:
    """What is to become of one segment. The only place that says so."""
    match finding:
        case Segment(name, fingerprint, ""):
            return Action(name, "keep", "it is empty", fingerprint)
        case Segment(name, fingerprint, obstacle):
            return Action(name, "skip", obstacle, fingerprint)
        case Unread(name, fingerprint, reason, failed):
            return Action(name, "skip", reason, fingerprint, failed=failed)
        case Census() as census:
            kind, reason = _weigh(census)
            return Action(census.segment, kind, reason, census.fingerprint, census)


def _weigh(census: Census) -> tuple[Literal["keep", "drop", "rewrite"], str]:
    staying = census.records - census.expired + census.unreadable
    if not census.expired:
        return "keep", "nothing in it has expired" if staying else "it has only blank lines"
    if not staying:
        return "drop", f"all {census.expired} records have expired"
    return "rewrite", f"{census.expired} of {census.records} records have expired"


def _without_policy(actions: Iterable[Action], policy: Policy) -> dict[SchemaKey, int]:
    """Records that no rule governs, per schema key; future and implausible ones are counted as those."""
    kept: Counter[SchemaKey] = Counter()
    for action in actions:
        for count in action.census.schemas if action.census else ():
            others = count.records - count.future - count.implausible
            if others and rule_for(policy, count.schema) is None:
                kept[count.schema] += others
    return dict(sorted(kept.items()))
