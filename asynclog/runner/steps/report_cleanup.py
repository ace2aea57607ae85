"""Report a cleanup: log its decisions and warnings, and build its report."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from asynclog.actions import Action, Outcome, Plan
from asynclog.cancellation import StopRequest
from asynclog.config.settings import Settings
from asynclog.escaping import escape_control, escape_surrogates
from asynclog.formatting import pluralize
from asynclog.plan.budget_drops import reasons_to_stay
from asynclog.policy.rules import Policy, describe_rule
from asynclog.report.budget import budget_warnings
from asynclog.report.cleanup.build import RunInfo, empty_report, make_report
from asynclog.report.cleanup.result import NOT_BEGUN, CatalogStats, PlanRef, Report
from asynclog.report.warnings.notices import Notices, noticed
from asynclog.runner.steps.apply_actions import Applied
from asynclog.runner.steps.begin_cleanup import OpenRun, Run
from asynclog.runner.steps.budget import budget_terms
from asynclog.runner.steps.inventory import Inventory
from asynclog.runner.steps.open_log import Log
from asynclog.runner.steps.provenance import provenance_of
from asynclog.storage.segment_store import Leftovers

log = logging.getLogger("asynclog")

NO_CATALOG = "the catalog can't be used"


class Ending(msgspec.Struct, frozen=True):
    """The end of a cleanup, to be reported; `applied` is None in a dry run."""

    inventory: Inventory[Action]
    plan: Plan
    applied: Applied | None
    leftovers: Leftovers
    notices: Notices


def log_decisions(plan: Plan, policy: Policy) -> None:
    """Log for debugging which rule governs each schema, and the reason for each action."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    keys = {count.schema for action in plan.actions if action.stats for count in action.stats.schemas}
    for key in sorted(keys):
        log.debug("rule for %s: %s", escape_control(str(key)), describe_rule(policy, key))
    for action in plan.actions:
        log.debug("%s: %s: %s", escape_control(action.segment), action.kind, action.reason)


def report_nothing(
    run: Run,
    status: Literal["success", "skipped"],
    message: str,
    policy: Policy | None = None,
    found: Notices | None = None,
) -> Report:
    """Return the report of a run that found nothing to clean up, and log its warnings."""
    found = found or Notices()
    about = RunInfo(run.run_id, run.settings.profile, run.now, provenance_of(run.settings, policy or Policy()))
    log_warnings(found.warnings)
    report = empty_report(status, message, about)
    return msgspec.structs.replace(report, result=noticed(report.result, found))


def build_report(opened: OpenRun, ending: Ending, stop: StopRequest) -> Report:
    """Return the report of a run that has ended, was stopped, or was refused."""
    run, source = opened.run, opened.log
    settings, policy = run.settings, source.cutoffs.policy
    inventory, plan, applied = ending.inventory, ending.plan, ending.applied
    leftovers, found = ending.leftovers, ending.notices
    outcomes = applied.outcomes if applied else {}
    held_back = sum(leftovers.pending.values())
    warnings = [
        *opened.warnings,
        *found.warnings,
        *_of_budget(source, plan),
        *_afterwards(settings, outcomes, held_back),
        *_of_catalog(source),
    ]
    cut_short = bool(inventory.unread) or any(outcome.reason == NOT_BEGUN for outcome in outcomes.values())
    about = RunInfo(
        run_id=run.run_id,
        profile=settings.profile,
        now=run.now,
        provenance=provenance_of(settings, policy),
        duration_s=time.monotonic() - run.begun,
        late=leftovers.late,
        pending={**leftovers.pending, **source.strays},
        warnings=warnings,
        neighbours=found.neighbours,
        read=inventory.reads.bytes + (applied.read if applied else 0),
        catalog=_catalogued(source, inventory),
        time_is_up=stop.time_is_up and cut_short,
        problems=leftovers.problems,
        stopped=(stop.signal.name, stop.signal.value) if stop.signal else None,
        with_keeps=run.verbose,
        policy=policy,
        budget=settings.budget,
        max_overdue=settings.max_overdue,
        names=source.naming,
        applied_plan=plan_ref(run),
    )
    return make_report(plan, applied.outcomes if applied else None, about)


def plan_ref(run: Run) -> PlanRef | None:
    """Return what a report says of the plan that this run applies; None without one."""
    approved = run.approved
    return PlanRef(escape_surrogates(os.path.abspath(approved.source)), approved.checksum) if approved else None


def _of_budget(source: Log, plan: Plan) -> Iterable[str]:
    """Yield a warning if the plan leaves the log over its budget, or its budget can't be told."""
    budget = source.settings.budget
    if budget.is_set:
        yield from budget_warnings(plan, budget, reasons_to_stay(plan, budget_terms(source, source.cutoffs.policy)))


def _catalogued(source: Log, inventory: Inventory[Action]) -> CatalogStats | None:
    """Return how much of the log the catalog knew; None without a catalog."""
    if source.catalog is None:
        return None
    reads = inventory.reads
    return CatalogStats(reads.hits, reads.partial, reads.misses, source.catalog.rebuilt)


def _afterwards(settings: Settings, outcomes: Mapping[str, Outcome], held_back: int) -> Iterable[str]:
    weaker = sum(outcome.unleased and outcome.status != "skipped" for outcome in outcomes.values())
    if weaker:
        yield (
            f"{settings.folder}: file leases are refused or not reliable here, so "
            f"{pluralize(weaker, 'segment')} {'was' if weaker == 1 else 'were'} judged by quiet alone: the newest, "
            "and any that changed in the last hour, stay as they are"
        )
    if held_back:
        yield (
            f"{settings.folder}: {pluralize(held_back, 'byte')} {'is' if held_back == 1 else 'are'} held back "
            "in hidden files, including records that were reported as deleted, until the next job finds that nobody "
            "has these files open: see recovery_pending"
        )


def _of_catalog(source: Log) -> Iterable[str]:
    if source.catalog is not None and source.catalog.problem:
        yield f"{source.catalog.path}: {NO_CATALOG}, and all was read: {source.catalog.problem}"


def log_warnings(sentences: Iterable[str]) -> None:
    """Log the warnings of a report."""
    for sentence in sentences:
        log.warning(escape_control(sentence))
