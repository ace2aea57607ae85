"""The budget of an open log: what decides about it, and the plan that keeps to it."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from asynclog.actions import Plan
from asynclog.plan.approval import ApprovedPlan
from asynclog.plan.budget_drops import BudgetTerms, freed_by_device, within_budget
from asynclog.policy.rules import Policy
from asynclog.runner.steps.open_log import Log
from asynclog.timestamps import DAY

NOTHING_FREED: Mapping[int, int] = {}


def budget_terms(log: Log, policy: Policy) -> BudgetTerms:
    """Return what decides about this log's budget under this policy."""
    days = log.settings.guard.min_retention_days
    return BudgetTerms(
        budget=log.settings.budget,
        policy=policy,
        naming=log.naming,
        skip_reasons=log.conditions.skip_reasons,
        newest_file=log.conditions.newest,
        youngest=None if days is None else log.cutoffs.now - days * DAY,
    )


def with_budget(  # noqa: PLR0913 - all that decides what goes for a budget
    log: Log,
    plan: Plan,
    policy: Policy,
    *,
    complete: bool,
    approved: ApprovedPlan | None = None,
    freed: Mapping[int, int] = NOTHING_FREED,
) -> Plan:
    """Return the plan with the drops that the log's budget demands now, and the room that there is; read it once.

    Until the plan is `complete`, nobody knows which segments are the oldest: nothing goes for the budget. `freed` are
    bytes, by device, that would be free by then, because other logs come first: only a run frees them.
    """
    budget = log.settings.budget
    if not budget.is_set:
        return plan
    space = log.store.space() if budget.min_free is not None else None
    if space and freed:
        devices = {segment.fingerprint.device for segment in log.segments.values()}
        space = space._replace(free=space.free + sum(freed.get(device, 0) for device in devices))
    plan = msgspec.structs.replace(plan, space=space)
    return within_budget(plan, budget_terms(log, policy), approved) if complete else plan


def note_freed(plan: Plan | None, freed: Counter[int], *, dry_run: bool) -> None:
    """Note what a dry run does not free, by device, and a run would have freed before it comes to the next log."""
    if dry_run and plan:
        freed.update(freed_by_device(plan))
