"""The beginning of a cleanup: the request, the log that it opens and locks, and what it works with."""

import logging
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.plan.approval import ApprovedPlan, mismatch
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.runner.steps.open_log import Log, OpenStore, open_log
from asynclog.runner.wiring import WIRING, Wiring
from asynclog.scan.survivors import SurvivorReader
from asynclog.storage.segment_store import SegmentStore, StoreLock

if TYPE_CHECKING:
    from asynclog.forecast.ages import LogAges

logger = logging.getLogger("asynclog")


class Run(msgspec.Struct, frozen=True):
    """The request for a cleanup, and when it was made, in ns since 1970: made by `begin_run`.

    `started` is the real time, `present` the same or the caller's time instead; the run is for the time `now`. `begun`
    is in seconds, by the monotonic clock. If it is `verbose`, the report lists the segments that stay, too. `policy` is
    one that was read before, for many logs; None if it is this run's to read. `freed` are bytes, by device, that a dry
    run takes for free, because the logs before this one would have freed them. `ages` receive what is in the segments.
    """

    settings: Settings
    dry_run: bool
    verbose: bool
    approved: ApprovedPlan | None
    wiring: Wiring
    started: int
    present: int
    now: int
    begun: float
    run_id: str
    policy: Policy | None = None
    freed: Mapping[int, int] = {}
    ages: "LogAges | None" = None

    @property
    def path(self) -> str:
        """The log's path, with links resolved."""
        return os.path.join(os.path.realpath(self.settings.folder), self.settings.base)


class OpenRun(msgspec.Struct, frozen=True):
    """A cleanup whose log is open. A dry run has no lock; its `warnings` may say why a real run would be refused."""

    run: Run
    log: Log
    store: SegmentStore
    survivors: SurvivorReader
    lock: StoreLock | None
    warnings: tuple[str, ...]


def begin_run(  # noqa: PLR0913 - all that a request can say
    settings: Settings,
    *,
    dry_run: bool = False,
    verbose: bool = False,
    approved: ApprovedPlan | None = None,
    wiring: Wiring | None = None,
    policy: Policy | None = None,
    freed: Mapping[int, int] | None = None,
    ages: "LogAges | None" = None,
) -> Run:
    """Return the request for a cleanup; with an approved plan, it is for the plan's time and does no more than that."""
    logger.debug("configuration: %s, profile %s", settings.source, settings.profile or "none")
    logger.debug("schemas: %s", settings.schemas)
    started = time.time_ns()
    present = started if settings.now is None else settings.now
    now = approved.now if approved else present
    run_id = os.urandom(8).hex()
    begun, wiring = time.monotonic(), wiring or WIRING
    times = (started, present, now, begun)
    return Run(settings, dry_run, verbose, approved, wiring, *times, run_id, policy, freed or {}, ages)


def must_fit(run: Run, policy: Policy) -> None:
    """Raise ConfigurationError if the run is for a plan that was made for, or under, something else."""
    settings, approved = run.settings, run.approved
    if approved is None:
        return
    wrong = mismatch(
        approved,
        run.path,
        policy,
        settings.fields,
        budget=settings.budget,
        conditions=settings.conditions,
        present=run.present,
    )
    if wrong:
        raise ConfigurationError(wrong)


def open_run(run: Run, opened: OpenStore[SegmentStore], policy: Policy, resources: ExitStack) -> OpenRun:
    """Lock the log and recover, except in a dry run; list it, and return the open run. `resources` close what it opens.

    Raise ConfigurationError or LockedError if the run can't go on.
    """
    settings, store, cutoffs = run.settings, opened.store, Cutoffs(policy, run.now)
    warnings, lock = _consent(run, store.weakness), None
    if not run.dry_run:
        lock = resources.enter_context(store.lock(wait=settings.lock_wait, breaks=settings.break_lock))
        store.recover()
    log = open_log(opened, cutoffs, resources)
    survivors = SurvivorReader(
        log.scanner.context, opened.rate, workers=settings.jobs, double_check=settings.double_check
    )
    return OpenRun(run, log, store, survivors, lock, warnings)


def _consent(run: Run, weakness: str) -> tuple[str, ...]:
    """Refuse a run if writers can't be detected and the user has not allowed that; return a dry run's warning."""
    settings = run.settings
    if not weakness or settings.weak_leases:
        return ()
    sentence = (
        f"{settings.folder}: {weakness}: a writer's records may be lost there. Run it where the log's files really "
        "are; or, if nobody writes to segments that were quiet for an hour, use --weak-leases, or "
        "audit.weak_leases: true in the profile"
    )
    if not run.dry_run:
        raise ConfigurationError(sentence)
    return (f"{sentence}. A run without that ends with exit 2",)
