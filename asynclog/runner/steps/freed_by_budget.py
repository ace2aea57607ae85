"""Tell what a cleanup now would delete for the budget of an open log: for estimates."""

from collections import Counter
from collections.abc import Mapping

from asynclog.plan.budget_drops import bytes_over, freed_by_device
from asynclog.plan.decide import decide, make_plan
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.report.estimate.result import BudgetFrees
from asynclog.runner.steps.budget import with_budget
from asynclog.runner.steps.open_log import Log
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats


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
