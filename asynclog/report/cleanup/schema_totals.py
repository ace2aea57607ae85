"""Plan + outcomes -> the totals of each schema."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import msgspec

from asynclog.actions import Action, Outcome, Plan
from asynclog.policy.rules import Policy, overdue_since
from asynclog.report.cleanup.result import SchemaTotals
from asynclog.schemas import SchemaKey
from asynclog.statistics import SchemaStats, earliest, latest


def schema_totals(plan: Plan, outcomes: Mapping[str, Outcome] | None, policy: Policy) -> dict[SchemaKey, SchemaTotals]:
    """Return the totals per schema key, in order; without outcomes, what a run of this plan would give."""
    went: defaultdict[SchemaKey, list[SchemaStats]] = defaultdict(list)
    stayed: defaultdict[SchemaKey, list[SchemaStats]] = defaultdict(list)
    early: Counter[SchemaKey] = Counter()
    for action in plan.actions:
        deleted = _deleted(action, outcomes)
        if deleted:
            early.update(action.unexpired)
        for count in action.stats.schemas if action.stats else ():
            if count.schema in deleted:
                went[count.schema].append(_all_of(count) if action.by_budget else count)
            else:
                stayed[count.schema].append(count)
    return {key: _summed(went[key], stayed[key], policy, early[key]) for key in sorted({*went, *stayed})}


def sum_totals(parts: Iterable[Mapping[str, SchemaTotals]]) -> dict[str, SchemaTotals]:
    """Return the totals of several logs, per schema, in order."""
    found: dict[str, SchemaTotals] = {}
    for part in parts:
        for name, each in part.items():
            found[name] = _plus(found.get(name, SchemaTotals()), each)
    return dict(sorted(found.items()))


def _plus(one: SchemaTotals, other: SchemaTotals) -> SchemaTotals:
    return SchemaTotals(
        deleted=one.deleted + other.deleted,
        deleted_bytes=one.deleted_bytes + other.deleted_bytes,
        kept=one.kept + other.kept,
        kept_bytes=one.kept_bytes + other.kept_bytes,
        overdue=one.overdue + other.overdue,
        overdue_bytes=one.overdue_bytes + other.overdue_bytes,
        oldest=earliest((one.oldest, other.oldest)),
        since=earliest((one.since, other.since)),
        by_budget=one.by_budget + other.by_budget,
        deleted_oldest=earliest((one.deleted_oldest, other.deleted_oldest)),
        deleted_newest=latest((one.deleted_newest, other.deleted_newest)),
    )


def _deleted(action: Action, outcomes: Mapping[str, Outcome] | None) -> Mapping[SchemaKey, int]:
    if not action.deletes:
        return {}
    return action.records_to_delete if outcomes is None else outcomes[action.segment].deleted


def _all_of(count: SchemaStats) -> SchemaStats:
    """Return the count of a segment that goes for the budget: all of it goes as if it had expired."""
    return msgspec.structs.replace(count, expired=count.records, expired_bytes=count.bytes, newest_expired=count.newest)


def _summed(went: Sequence[SchemaStats], stayed: Sequence[SchemaStats], policy: Policy, early: int) -> SchemaTotals:
    """Return the totals of one schema, `early` of which go by budget. What a segment loses goes all or none."""
    left = [count for count in stayed if count.expired]
    return SchemaTotals(
        deleted=sum(count.expired for count in went),
        deleted_bytes=sum(count.expired_bytes for count in went),
        kept=sum(count.records - count.expired for count in chain(went, stayed)),
        kept_bytes=sum(count.bytes - count.expired_bytes for count in chain(went, stayed)),
        overdue=sum(count.expired for count in left),
        overdue_bytes=sum(count.expired_bytes for count in left),
        oldest=earliest(count.oldest for count in left),
        since=earliest(overdue_since(policy, count) for count in left),
        by_budget=early,
        deleted_oldest=earliest(count.oldest for count in went),
        deleted_newest=latest(count.newest_expired for count in went),
    )
