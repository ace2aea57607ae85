"""The decision: one action per segment, each with its reason."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from asynclog.model import Action, Census, Plan, Policy, SchemaKey, Segment, Unread
from asynclog.plan.rules import cutoff_for, rule_for
from asynclog.plan.worth import ALWAYS, Percent, reason_to_wait

# What is known of a segment when the decision is made: it was read, it could not be, or it was not to be.
Finding = Census | Unread | Segment


def make_plan(actions: Iterable[Action], policy: Policy, now: int) -> Plan:
    """The plan of these actions, which are in their segments' order."""
    actions = tuple(actions)
    return Plan(now=now, actions=actions, no_policy=_without_policy(actions, policy))


def decide(finding: Finding, policy: Policy, now: int, rewrite: Percent = ALWAYS) -> Action:
    """What is to become of one segment. The only place that says so.

    A partly expired one is not rewritten before `rewrite` percent of it have expired; never where that is None.
    """
    match finding:
        case Segment(name, fingerprint, ""):
            return Action(name, "keep", "it is empty", fingerprint)
        case Segment(name, fingerprint, obstacle):
            return Action(name, "skip", obstacle, fingerprint)
        case Unread(name, fingerprint, reason, failed):
            return Action(name, "skip", reason, fingerprint, failed=failed)
        case Census(name, fingerprint):
            kind, reason = _weigh(finding, policy, now, rewrite)
            since = None if kind == "keep" else _since(finding, policy, now)
            return Action(name, kind, reason, fingerprint, _without_days(finding), since=since)


def _weigh(
    census: Census, policy: Policy, now: int, rewrite: Percent
) -> tuple[Literal["keep", "drop", "rewrite", "skip"], str]:
    expired, records = census.expired, census.records
    if not expired:
        return (
            "keep",
            "it has only blank lines" if not records and not census.unreadable else "nothing in it has expired",
        )
    if census.is_wholly_expired:
        return "drop", f"all {expired} records have expired"
    wait = reason_to_wait(census, policy, now, rewrite)
    return ("skip", wait) if wait else ("rewrite", f"{expired} of {records} records have expired")


def _since(census: Census, policy: Policy, now: int) -> int | None:
    """When the first of its expired records expired."""
    moments = []
    for count in census.schemas:
        cutoff = cutoff_for(policy, count.schema, now) if count.expired else None
        if cutoff is not None and count.oldest is not None:
            moments.append(count.oldest + now - cutoff)
    return min(moments, default=None)


def _without_days(census: Census) -> Census:
    """A plan holds all segments at once, and has no use for days."""
    counts = tuple(msgspec.structs.replace(count, days=None) for count in census.schemas)
    return msgspec.structs.replace(census, schemas=counts)


def _without_policy(actions: Iterable[Action], policy: Policy) -> dict[SchemaKey, int]:
    """Records that no rule governs, per schema key; future and implausible ones are counted as those."""
    kept: Counter[SchemaKey] = Counter()
    for action in actions:
        for count in action.census.schemas if action.census else ():
            others = count.records - count.future - count.implausible
            if others and rule_for(policy, count.schema) is None:
                kept[count.schema] += others
    return dict(sorted(kept.items()))
