"""Guards against a wrong clock and a mistyped window: they refuse a plan, in words that say how to go on."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from asynclog.instant import format_instant
from asynclog.model import Plan, Policy
from asynclog.plan.decide import believed
from asynclog.plan.rules import all_rules, rule_for

# A log with fewer governed records than this may lose all of them at once without being asked about.
MANY = 1000


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile tightens. `max_delete_percent` is of the governed records (see `refusal`); 0 to 100."""

    max_delete_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    min_retention_days: Annotated[int, msgspec.Meta(ge=0)] | None = None


def refusal(plan: Plan, policy: Policy, guard: Guard, *, allow_delete_all: bool) -> str:
    """Why this plan must not be carried out; empty where nothing speaks against it.

    Governed are the records whose rule has a number of days, except future and implausible ones.
    """
    expired = sum(action.census.expired for action in plan.actions if action.census and action.deletes)
    if not expired:
        return ""
    governed = _governed(plan, policy)
    clock = f"Is the clock right ({format_instant(plan.now)}), and are the retention days?"
    for short in too_short(policy, guard):
        return f"{short}: nothing was touched. Correct the rule, or lower guard.min_retention_days"
    if expired >= MANY and expired == governed and not allow_delete_all:
        return (
            f"all {governed} records that a retention rule governs would be deleted: nothing was touched. {clock} "
            "If this is meant, run it with --allow-delete-all"
        )
    limit = guard.max_delete_percent
    if limit is not None and expired * 100 > governed * limit:
        return (
            f"{expired} of the {governed} records that a retention rule governs "
            f"({expired * 100 / governed:.1f} %) would be deleted, and guard.max_delete_percent is {limit:g}: "
            f"nothing was touched. {clock} If this is meant, raise the limit for this run"
        )
    return ""


def _governed(plan: Plan, policy: Policy) -> int:
    total = 0
    for key, records in believed(plan.actions).items():
        rule = rule_for(policy, key)
        if rule is not None and rule.retention_days is not None:
            total += records
    return total


def too_short(policy: Policy, guard: Guard) -> Iterator[str]:
    """The rules that `min_retention_days` does not allow, each in words."""
    if guard.min_retention_days is None:
        return
    for rule in all_rules(policy).values():
        if rule.active and rule.retention_days is not None and rule.retention_days < guard.min_retention_days:
            yield (
                f"{rule.where}: retention_days {rule.retention_days} is less than "
                f"guard.min_retention_days {guard.min_retention_days}"
            )
