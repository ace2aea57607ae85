"""Plan + outcomes -> what became of each schema, and what of it is too late."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from asynclog.instant import DAY, SECOND, format_instant
from asynclog.model import Action, Outcome, Plan, Policy, SchemaCount, SchemaKey
from asynclog.plan.rules import rule_for
from asynclog.report.document import Figures

_SHOWN = 3  # schemas in the sentence about what is too late


def figures(plan: Plan, outcomes: Mapping[str, Outcome] | None, policy: Policy) -> dict[SchemaKey, Figures]:
    """Per schema key, in order; without outcomes, what a run of this plan would give."""
    found: defaultdict[SchemaKey, list[tuple[SchemaCount, bool]]] = defaultdict(list)
    for action in plan.actions:
        went = _deleted(action, outcomes)
        for count in action.census.schemas if action.census else ():
            found[count.schema].append((count, count.schema in went))
    return {key: _summed(found[key], _window(policy, key)) for key in sorted(found)}


def too_late(schemas: Mapping[SchemaKey, Figures], now: int, max_overdue: float | None) -> list[str]:
    """A sentence where something that expired more than `max_overdue` seconds ago is still there."""
    if max_overdue is None:
        return []
    limit = now - int(max_overdue * SECOND)
    late = sorted((each.since, key) for key, each in schemas.items() if each.since is not None and each.since < limit)
    if not late:
        return []
    shown = ", ".join(f"{key} since {format_instant(since)}" for since, key in late[:_SHOWN])
    more = f", and {len(late) - _SHOWN} more schemas" if len(late) > _SHOWN else ""
    return [f"what expired longer ago than --max-overdue allows is still there: {shown}{more}"]


def _deleted(action: Action, outcomes: Mapping[str, Outcome] | None) -> Mapping[SchemaKey, int]:
    if action.kind not in {"drop", "rewrite"}:
        return {}
    return action.expired if outcomes is None else outcomes[action.segment].deleted


def _summed(counts: Sequence[tuple[SchemaCount, bool]], window: int) -> Figures:
    """Of one schema's counts, each with whether its expired records went: all of them do, or none."""
    went = [count for count, gone in counts if gone]
    left = [count for count, gone in counts if count.expired and not gone]
    oldest = min((count.oldest for count in left if count.oldest is not None), default=None)
    return Figures(
        deleted=sum(count.expired for count in went),
        deleted_bytes=sum(count.expired_bytes for count in went),
        kept=sum(count.records - count.expired for count, _ in counts),
        kept_bytes=sum(count.bytes - count.expired_bytes for count, _ in counts),
        overdue=sum(count.expired for count in left),
        overdue_bytes=sum(count.expired_bytes for count in left),
        oldest=oldest,
        since=None if oldest is None else oldest + window,
    )


def _window(policy: Policy, key: SchemaKey) -> int:
    """How long its records are kept, in ns; of no meaning where they never expire."""
    rule = rule_for(policy, key)
    return (rule.retention_days or 0) * DAY if rule else 0
