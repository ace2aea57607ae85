"""Plan + outcomes -> report: the only place that makes the document's figures and the exit status."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from asynclog.actions import Action, Outcome, Plan
from asynclog.escaping import escape_surrogates
from asynclog.formatting import deletion, summarize_errors
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.plan.budget_drops import bytes_over
from asynclog.policy.rules import Policy, match_rule
from asynclog.report.cleanup.overdue_limit import overdue_errors, too_old
from asynclog.report.cleanup.result import (
    ActionRow,
    BudgetLeft,
    Bytes,
    CatalogStats,
    CleanupResult,
    DeletedSchema,
    Kept,
    Overdue,
    PlanRef,
    Records,
    Report,
    SchemaTotals,
    Segments,
)
from asynclog.report.cleanup.schema_totals import schema_totals
from asynclog.report.neighbours import Neighbours
from asynclog.report.packed_segments import sum_packed
from asynclog.report.provenance import Provenance
from asynclog.report.unjudged_segments import Left, sum_unjudged
from asynclog.schemas import SchemaKey
from asynclog.statistics import earliest, latest, sum_counts
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import format_instant


class RunInfo(msgspec.Struct, frozen=True):
    """The facts of a run that are in neither plan nor outcomes.

    `stopped` is a signal's name and number, `pending` has the size of each hidden file, `read` is in bytes,
    `max_overdue` is for how many seconds a record may be overdue; `names` tell how old a segment is.
    """

    run_id: str
    profile: str | None
    now: int
    provenance: Provenance = Provenance()
    duration_s: float = 0.0
    late: Iterable[str] = ()
    pending: Mapping[str, int] = {}
    warnings: Iterable[str] = ()
    neighbours: Neighbours = Neighbours()
    problems: Iterable[str] = ()
    stopped: tuple[str, int] | None = None
    with_keeps: bool = False
    read: int = 0
    catalog: CatalogStats | None = None
    time_is_up: bool = False
    policy: Policy = Policy()
    budget: Budget = NO_BUDGET
    max_overdue: float | None = None
    names: SegmentNaming | None = None
    applied_plan: PlanRef | None = None


def make_report(plan: Plan, outcomes: Mapping[str, Outcome] | None, about: RunInfo) -> Report:
    """Return the report of a run that applied this plan; without outcomes, of a dry run."""
    rows = [_row(action, outcomes) for action in plan.actions if action.kind != "keep" or about.with_keeps]
    deleted = dict(sorted(sum_counts(row.deleted_per_schema for row in rows).items()))
    schemas = schema_totals(plan, outcomes, about.policy)
    overdue = _overdue(schemas)
    scanned = sum(each.deleted + each.kept + each.overdue for each in schemas.values())
    freed = sum(row.bytes_before - row.bytes_after for row in rows)
    gone, staying = sum(deleted.values()), sum(overdue.records.values())
    left = [Left(each.segment, each.fingerprint, each.unjudged, each.reason) for each in plan.actions if each.unjudged]
    overdue_for_long = overdue_errors(schemas, plan.now, about.max_overdue)
    unjudged_for_long = too_old(left, about.names, plan.now, about.max_overdue)
    errors = [*overdue_for_long, *unjudged_for_long, *_failures(rows), *about.problems]
    stopped = about.stopped
    wrong = f"stopped by {stopped[0]}" if stopped else summarize_errors(errors)
    result = CleanupResult(
        status="partial" if wrong else "success" if outcomes is not None else "dry_run",
        message=deletion(gone, dry_run=outcomes is None),
        deleted_per_schema=deleted,
        deleted_schemas=_deleted_schemas(schemas, about.policy),
        deleted_oldest=_instant(earliest(each.deleted_oldest for each in schemas.values())),
        deleted_newest=_instant(latest(each.deleted_newest for each in schemas.values())),
        run_id=about.run_id,
        profile=about.profile,
        now=format_instant(about.now),
        **msgspec.structs.asdict(about.provenance),
        plan=about.applied_plan,
        stopped=stopped[0] if stopped else "max-runtime" if about.time_is_up else None,
        refusal=plan.refusal or None,
        records=Records(scanned, gone, scanned - gone - staying),
        deleted_by_budget=_named({key: each.by_budget for key, each in schemas.items() if each.by_budget}),
        budget=_budget(plan, about.budget, freed),
        kept=_kept(plan),
        overdue=overdue,
        unjudged=sum_unjudged(left, about.names),
        bytes=Bytes(about.read, freed),
        packed=sum_packed(action.stats for action in plan.actions),
        catalog=about.catalog,
        segments=_segments(plan, rows),
        actions=rows,
        late_segments=list(map(escape_surrogates, about.late)),
        recovery_pending=list(map(escape_surrogates, about.pending)),
        warnings=list(about.warnings),
        neighbours=about.neighbours,
        errors=list(map(escape_surrogates, errors)),
        lease_max_ms=round(max((each.lease_ns for each in (outcomes or {}).values()), default=0) / 1e6, 3),
        duration_s=round(about.duration_s, 3),
    )
    return Report(
        result,
        _exit_code(about, outcomes or {}, wrong),
        wrong,
        schemas={str(key): each for key, each in schemas.items()},
        pending_bytes=sum(about.pending.values()),
        log_bytes=sum(action.fingerprint.size for action in plan.actions) - (0 if outcomes is None else freed),
        judged_nothing=_judged_nothing(plan),
    )


def _exit_code(about: RunInfo, outcomes: Mapping[str, Outcome], wrong: str | None) -> int:
    if about.stopped:
        return 128 + about.stopped[1]
    if any(outcome.bug for outcome in outcomes.values()):
        return 1
    return 3 if wrong else 0


def empty_report(status: Literal["success", "skipped"], message: str, about: RunInfo) -> Report:
    """Return the report of a run that found nothing to clean up."""
    now = format_instant(about.now)
    provenance = msgspec.structs.asdict(about.provenance)
    result = CleanupResult(status, message, run_id=about.run_id, profile=about.profile, now=now, **provenance)
    return Report(result, judged_nothing=True)


def _budget(plan: Plan, budget: Budget, freed: int) -> BudgetLeft | None:
    if not budget.is_set:
        return None
    return BudgetLeft(budget.max_bytes, budget.min_free, bytes_over(plan, budget, freed))


def _judged_nothing(plan: Plan) -> bool:
    """Return whether there was no segment, or none of those that were not empty could be judged."""
    unjudged = [action.unjudged for action in plan.actions if action.fingerprint.size or action.unjudged]
    return all(unjudged) if unjudged else not plan.actions


def _row(action: Action, outcomes: Mapping[str, Outcome] | None) -> ActionRow:
    deleted, after = action.records_to_delete, action.bytes_after
    status, reason = _fate(action), None
    if action.deletes and outcomes is not None:
        outcome = outcomes[action.segment]
        deleted, after, status, reason = outcome.deleted, outcome.bytes_after, outcome.status, outcome.reason
    return ActionRow(
        segment=escape_surrogates(action.segment),
        action=action.kind,
        reason=action.reason,
        deleted_per_schema=_named(deleted),
        bytes_before=action.fingerprint.size,
        bytes_after=after,
        outcome=status,
        outcome_reason=reason or None,
        unjudged=action.unjudged,
        unpacked_bytes=action.stats.unpacked if action.stats else None,
    )


def _fate(action: Action) -> Literal["done", "skipped", "failed"] | None:
    """Return the outcome of an action that changes nothing; None for a drop or a rewrite."""
    match action.kind:
        case "keep":
            return "done"
        case "skip":
            return "failed" if action.failed else "skipped"
        case _:
            return None


def _overdue(schemas: Mapping[SchemaKey, SchemaTotals]) -> Overdue:
    """Return the sum of the expired records that are still there, because their action failed or was skipped."""
    left = {key: each.overdue for key, each in schemas.items() if each.overdue}
    return Overdue(_named(left), _instant(earliest(each.oldest for each in schemas.values())))


def _deleted_schemas(schemas: Mapping[SchemaKey, SchemaTotals], policy: Policy) -> dict[str, DeletedSchema]:
    return {str(key): _deleted_schema(key, each, policy) for key, each in schemas.items() if each.deleted}


def _deleted_schema(key: SchemaKey, totals: SchemaTotals, policy: Policy) -> DeletedSchema:
    scope, rule = match_rule(policy, key) or (None, None)
    return DeletedSchema(
        records=totals.deleted,
        bytes=totals.deleted_bytes,
        oldest=_instant(totals.deleted_oldest),
        newest=_instant(totals.deleted_newest),
        rule=None if scope is None else str(scope),
        retention_days=rule.retention_days if rule else None,
        retention_s=rule.retention_s if rule else None,
    )


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _kept(plan: Plan) -> Kept:
    all_stats = [action.stats for action in plan.actions if action.stats and not action.unjudged]
    return Kept(
        unreadable=sum(stats.unreadable for stats in all_stats),
        future=sum(count.future for stats in all_stats for count in stats.schemas),
        implausible=sum(count.implausible for stats in all_stats for count in stats.schemas),
        no_policy=_named(plan.no_policy),
    )


def _segments(plan: Plan, rows: list[ActionRow]) -> Segments:
    """Return the segments by outcome; `rows` may leave out those that are kept."""
    fates = Counter(row.outcome for row in rows)
    gone = [row for row in rows if row.outcome in {"done", None}]
    dealt_with = Counter(row.action for row in gone)
    return Segments(
        total=len(plan.actions),
        dropped=dealt_with["drop"],
        rewritten=dealt_with["rewrite"],
        kept=sum(action.kind == "keep" for action in plan.actions),
        skipped=fates["skipped"],
        failed=fates["failed"],
        emptied=sum(row.action == "drop" and not row.bytes_before and not row.deleted_per_schema for row in gone),
    )


def _failures(rows: list[ActionRow]) -> list[str]:
    return [f"{row.segment}: {row.outcome_reason or row.reason}" for row in rows if row.outcome == "failed"]


def _named(counts: Mapping[SchemaKey, int]) -> dict[str, int]:
    return {str(key): number for key, number in sorted(counts.items())}
