"""Carry out the actions of a plan: by several workers, each outcome recorded as it comes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import anyio
import msgspec

from asynclog.cancellation import StopRequest
from asynclog.executors.pool import WorkerPool
from asynclog.plan.ordering import execution_order
from asynclog.report.cleanup.progress import NOT_BEGUN
from asynclog.runner.catalog_updates import record_outcome
from asynclog.runner.run import OpenRun
from asynclog.storage.local.commit.precommit import IdleRule
from asynclog.storage.local.local_store import LocalStore
from asynclog.storage.local.lock import Lock
from asynclog.types import Action, Outcome, Plan


class Applied(msgspec.Struct, frozen=True):
    """What has become of the actions of a plan, by segment; and how many bytes were read again for them."""

    outcomes: Mapping[str, Outcome]
    read: int


def apply_actions(opened: OpenRun, lock: Lock, plan: Plan, stop: StopRequest) -> Applied:
    """Drop and rewrite segments as the plan says, until a stop. What was not begun by then is skipped."""
    actions = execution_order(plan)
    outcomes = {
        action.segment: Outcome(action.segment, "skipped", NOT_BEGUN, bytes_after=action.fingerprint.size)
        for action in actions
    }
    if stop or plan.refusal or not actions:
        return Applied(outcomes, 0)
    stop.defer()
    log, store = opened.log, opened.store
    idle = store.idle_rule(log.segments.values(), allowed=log.settings.weak_leases)
    found, read = anyio.run(_apply, opened, partial(_carry_out, store, lock, idle), actions, stop)
    return Applied(outcomes | found, read)


async def _apply(
    opened: OpenRun, carry_out: Callable[[Action], Outcome], actions: Sequence[Action], stop: StopRequest
) -> tuple[dict[str, Outcome], int]:
    """Return the outcomes by segment, and how many bytes were read again."""
    outcomes: dict[str, Outcome] = {}
    read = 0
    async with WorkerPool(opened.run.settings.jobs, stop).map_unordered(carry_out, actions) as results:
        async for action, outcome in results:
            again = opened.survivors.censuses.pop(action.segment, None)
            outcomes[action.segment] = outcome
            read += action.fingerprint.size if again else 0
            record_outcome(opened.log, action, outcome, again)
    return outcomes, read


def _carry_out(store: LocalStore, lock: Lock, idle: IdleRule, action: Action) -> Outcome:
    """By one of the workers."""
    if lock.lost:
        reason = "somebody has taken the log's lock from this job: it was left as it is"
        return Outcome(action.segment, "failed", reason, bytes_after=action.fingerprint.size)
    return store.apply(action, idle)
