"""Guards against a wrong clock and a mistyped period: they refuse a plan, and say how to go on. Pure.

A live log always has fresh records, so such a mistake would delete most of it, but not all; and what an ordinary night
deletes has expired since the night before. So by default the guard looks at what expired long ago.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from asynclog.actions import Plan
from asynclog.formatting import percentage, pluralize
from asynclog.plan.decide import plausible_counts
from asynclog.policy.rules import Policy, all_rules, overdue_since, retention_for
from asynclog.schemas import SchemaKey
from asynclog.statistics import earliest, sum_counts
from asynclog.timestamps import DAY, format_second

# The default guard allows fewer records than this to be deleted.
DELETE_ALL_THRESHOLD = 1000
# Limit how much of the log, or of one schema key, may have expired long ago; in percent.
USUAL_PERCENT = 50.0


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The guards of a profile.

    `max_delete_percent`, 0 to 100, is of the log's governed records. It replaces the default: see `guard_violation`.
    """

    max_delete_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    min_retention_days: Annotated[int, msgspec.Meta(ge=0)] | None = None


class _Share(msgspec.Struct, frozen=True):
    """Count the governed records of a schema key that would be deleted; those of the whole log if `schema` is None."""

    part: int
    whole: int
    schema: SchemaKey | None

    def exceeds(self, limit: float) -> bool:
        return self.part * 100 > self.whole * limit

    @property
    def least_limit(self) -> int:
        """The smallest whole percentage that allows it."""
        return -(-self.part * 100 // self.whole)


class _Broken(msgspec.Struct, frozen=True):
    """A guard that a plan violates: the share to report, the problem, and the limit that would let the plan pass."""

    share: _Share
    problem: str
    enough: int


def guard_violation(
    plan: Plan,
    policy: Policy,
    guard: Guard,
    *,
    allowed: float | None = None,
    complete: bool = True,
) -> str:
    """Return why this plan must not be carried out, in a sentence; empty if no guard objects.

    A record is governed if its rule has a period, unless it is future or implausible. By default a plan is
    refused if at least DELETE_ALL_THRESHOLD of its records expired long ago (`Action.long_expired`) and they are more
    than USUAL_PERCENT of the governed records of the log or of one schema key; and if it would delete all of at least
    that many governed ones. For the log, what goes for the budget counts as if it had expired long ago: no ordinary
    night makes room for half of a log. `max_delete_percent` limits instead everything that the plan would delete,
    however few the records. `allowed` replaces either limit for this run, in percent; 100 lets everything pass.

    A plan that is not `complete` was made before every segment was known. The complete one may differ, so no way to
    force it is suggested.
    """
    going = _going(plan)
    if not going:
        return ""
    for short in short_retention_rules(policy, guard):
        return f"{short}: nothing was touched. Correct the rule, or lower guard.min_retention_days"
    governed = _governed(plan, policy)
    if guard.max_delete_percent is None:
        broken = _default(plan, going, governed, USUAL_PERCENT if allowed is None else allowed)
    else:
        broken = _configured(going, governed, guard.max_delete_percent, allowed)
    return _sentence(broken, plan, policy, going, complete=complete) if broken else ""


def _default(
    plan: Plan, going: Mapping[SchemaKey, int], governed: Mapping[SchemaKey, int], limit: float
) -> _Broken | None:
    if limit >= 100:
        return None
    stale = sum_counts(action.long_expired for action in plan.actions if action.deletes)
    early = _early(plan)
    of_log = _of_log(sum_counts((stale, early)), governed)
    shares = [of_log, *(_Share(part, governed[key], key) for key, part in stale.items())]
    broken = [share for share in shares if share.part >= DELETE_ALL_THRESHOLD and share.exceeds(limit)]
    all_of_it = _of_log(going, governed)
    is_all = all_of_it.part == all_of_it.whole >= DELETE_ALL_THRESHOLD
    if broken:
        enough = 100 if is_all else max(share.least_limit for share in broken)
        worst = max(broken, key=lambda share: share.part / share.whole)
        if early and worst is of_log:
            return _Broken(worst, "expired more than three days ago or would go for the budget", enough)
        return _Broken(worst, "expired more than three days ago and would be deleted", enough)
    return _Broken(all_of_it, "would be deleted, which is all of them", 100) if is_all else None


def _configured(
    going: Mapping[SchemaKey, int], governed: Mapping[SchemaKey, int], configured: float, allowed: float | None
) -> _Broken | None:
    name, limit = "guard.max_delete_percent", configured
    if allowed is not None:
        name, limit = "--allow-delete-percent", allowed
    share = _of_log(going, governed)
    if not share.exceeds(limit):
        return None
    return _Broken(share, f"would be deleted, and {name} is {limit:g}", share.least_limit)


def _of_log(counts: Mapping[SchemaKey, int], governed: Mapping[SchemaKey, int]) -> _Share:
    return _Share(sum(counts.values()), sum(governed.values()), None)


def _sentence(broken: _Broken, plan: Plan, policy: Policy, going: Mapping[SchemaKey, int], *, complete: bool) -> str:
    """Return a sentence with the share, the schema key, since when it has expired, and how to go on."""
    share = broken.share
    whose = f"of {share.schema}" if share.schema else "that a retention rule governs"
    schema = share.schema or max(going, key=lambda key: going[key])
    since, early = _since(plan, policy, share.schema), sum(_early(plan).values())
    facts = [
        *([] if since is None else [f"the first expired at {format_second(since)}"]),
        *([] if share.schema or not early else [f"{early:,} would go for the budget before they expire"]),
        *([] if share.schema else [f"most of them {schema}"]),
    ]
    told = (
        f"{share.part:,} of the {pluralize(share.whole, 'record')} {whose} ({percentage(share.part, share.whole)}) "
        f"{broken.problem} ({', '.join(facts)}): nothing was touched. "
    )
    if not complete:
        return f"of what is known so far, {told}This is decided once all of it is known"
    return (
        f"{told}Is the clock right ({format_second(plan.now)}), and are the retention days"
        f"{' and the budget' if early else ''}? If this is meant, as the "
        f"first cleanup of an old log may be, run it with --allow-delete-percent {broken.enough}, "
        "or with --allow-delete-all"
    )


def _since(plan: Plan, policy: Policy, schema: SchemaKey | None) -> int | None:
    """Return when the first record to be deleted expired, of this schema key or of all; None if none has."""
    going = (action.stats.schemas for action in plan.actions if action.stats and action.deletes)
    counts = (count for schemas in going for count in schemas if schema in {None, count.schema})
    return earliest(overdue_since(policy, count) for count in counts)


def _early(plan: Plan) -> dict[SchemaKey, int]:
    """Count the records that the plan would delete before they expire, for the log's budget, per schema key."""
    return sum_counts(action.unexpired for action in plan.actions)


def _going(plan: Plan) -> dict[SchemaKey, int]:
    """Count the records that the plan would delete, per schema key."""
    return sum_counts(action.records_to_delete for action in plan.actions if action.deletes)


def _governed(plan: Plan, policy: Policy) -> dict[SchemaKey, int]:
    found = plausible_counts(plan.actions)
    return {key: records for key, records in found.items() if retention_for(policy, key) is not None}


def short_retention_rules(policy: Policy, guard: Guard) -> Iterator[str]:
    """Yield a sentence for each rule that `min_retention_days` does not allow."""
    if guard.min_retention_days is None:
        return
    for rule in all_rules(policy).values():
        if rule.active and rule.retention is not None and rule.retention < guard.min_retention_days * DAY:
            yield f"{rule.where}: {rule.as_key} is less than guard.min_retention_days {guard.min_retention_days}"
