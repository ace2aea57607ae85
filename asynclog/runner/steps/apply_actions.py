"""Carry out the actions of a plan by several workers, and record each outcome as it arrives."""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial

import msgspec

from asynclog.actions import Action, Outcome, Plan
from asynclog.cancellation import StopRequest
from asynclog.executors.worker_pool import WorkerPool, run_async
from asynclog.plan.ordering import execution_order
from asynclog.report.cleanup.result import NOT_BEGUN
from asynclog.runner.steps.apply_progress import ApplyProgress
from asynclog.runner.steps.begin_cleanup import OpenRun
from asynclog.runner.steps.catalog_updates import record_outcome
from asynclog.storage.segment_store import StoreLock, newest_segments


class Applied(msgspec.Struct, frozen=True):
    """The outcomes of a plan's actions, by segment, and how many bytes were read again for them."""

    outcomes: Mapping[str, Outcome]
    read: int


def apply_actions(opened: OpenRun, lock: StoreLock, plan: Plan, stop: StopRequest) -> Applied:
    """Drop and rewrite segments as the plan says, and return the outcomes. Skip what was not begun before a stop."""
    actions = execution_order(plan)
    outcomes = {
        action.segment: Outcome(action.segment, "skipped", NOT_BEGUN, bytes_after=action.fingerprint.size)
        for action in actions
    }
    if stop or plan.refusal or not actions:
        return Applied(outcomes, 0)
    stop.defer()
    log = opened.log
    newest = newest_segments(log.segments.values(), log.naming)
    found, read = run_async(_apply, opened, partial(_carry_out, opened, lock, newest), actions, stop)
    return Applied(outcomes | found, read)


async def _apply(
    opened: OpenRun, carry_out: Callable[[Action], Outcome], actions: Sequence[Action], stop: StopRequest
) -> tuple[dict[str, Outcome], int]:
    """Return the outcomes by segment, and how many bytes were read again."""
    outcomes: dict[str, Outcome] = {}
    read = 0
    pool, count = WorkerPool(opened.run.settings.jobs, stop), opened.log.scanner.rate_limit.total_so_far
    with ApplyProgress(stop.progress, actions, count) as progress:
        async with pool.map_unordered(carry_out, actions) as results:
            async for action, outcome in results:
                progress.add(action)
                outcomes[action.segment] = msgspec.structs.replace(outcome, reread=None)  # to save memory
                read += action.fingerprint.size if outcome.reread else 0
                record_outcome(opened.log, action, outcome)
    return outcomes, read


def _carry_out(opened: OpenRun, lock: StoreLock, newest: Set[str], action: Action) -> Outcome:
    """Carry out one action in a worker, and return its outcome."""
    if lock.is_lost():
        reason = "somebody has taken the log's lock from this job: it was left as it is"
        return Outcome(action.segment, "failed", reason, bytes_after=action.fingerprint.size)
    change = opened.store.drop if action.kind == "drop" else opened.store.replace
    return change(action, opened.survivors, newest)
