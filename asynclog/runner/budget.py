"""The budget of an open log: what decides about it, the plan that keeps to it, and what that frees."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from asynclog.actions import Plan
from asynclog.plan.approval import ApprovedPlan
from asynclog.plan.budget_drops import BudgetTerms, bytes_over, freed_by_device, within_budget
from asynclog.plan.decide import decide, make_plan
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.report.estimate.result import BudgetFrees
from asynclog.runner.open_log import Log
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats
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


def freed_by_budget(
    log: Log,
    states: Mapping[str, SegmentState],
    policy: Policy,
    judged: Mapping[str, SegmentStats],
    freed_before: Counter[int],
) -> BudgetFrees:
    """Return what a cleanup now would delete for the log's budget; `judged` are segments that were scanned for now.

    Add what it would free to `freed_before`, which has the bytes of the logs before this one, by device.
    """
    budget, cutoffs = log.settings.budget, Cutoffs(policy, log.cutoffs.now)
    by_age = [
        judged.get(name) or (project(state, cutoffs) if isinstance(state, SegmentStats) else state)
        for name, state in states.items()
    ]
    known = [state for state in by_age if state and not (isinstance(state, Segment) and state.is_readable)]
    if len(known) < len(by_age):
        return BudgetFrees(budget.max_bytes, budget.min_free)
    plan = make_plan((decide(state, cutoffs, log.settings.rewrite, log.conditions) for state in known), cutoffs)
    after = with_budget(log, plan, policy, complete=True, freed=freed_before)
    freed_before.update(freed_by_device(after))
    going = [(age, action) for age, action in zip(plan.actions, after.actions, strict=True) if action.by_budget]
    freed = sum(action.fingerprint.size - action.bytes_after for action in after.actions)
    return BudgetFrees(
        budget.max_bytes,
        budget.min_free,
        records=sum(sum(action.unexpired.values()) for _, action in going),
        bytes=sum(age.bytes_after for age, _ in going),
        bytes_over=bytes_over(after, budget, freed),
    )
