"""A cleanup as it begins: what it was asked for, the log that it opens and locks, and what it works with."""

import logging
import os
import time
from contextlib import ExitStack

import msgspec

from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.plan.approval import ApprovedPlan, mismatch
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.runner.open_log import Log, OpenStore, open_log
from asynclog.runner.wiring import WIRING, Wiring
from asynclog.scan.survivors import SurvivorReader
from asynclog.storage.segment_store import SegmentStore, StoreLock

logger = logging.getLogger("asynclog")


class Run(msgspec.Struct, frozen=True):
    """The request for a cleanup, and when it was made, in ns since 1970: made by `begin_run`.

    `started` is what the clock said, `present` the same or what the caller says instead; the run is for the time `now`.
    `begun` is in seconds, by a clock that nobody sets. A report has the segments that stay, too, if it is `verbose`.
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

    @property
    def path(self) -> str:
        """The log's path, whatever links lead there."""
        return os.path.join(os.path.realpath(self.settings.folder), self.settings.base)


class OpenRun(msgspec.Struct, frozen=True):
    """A cleanup whose log is open. A dry run has no lock; it may have to say what a run would be refused for."""

    run: Run
    log: Log
    store: SegmentStore
    survivors: SurvivorReader
    lock: StoreLock | None
    warnings: tuple[str, ...]


def begin_run(
    settings: Settings,
    *,
    dry_run: bool = False,
    verbose: bool = False,
    approved: ApprovedPlan | None = None,
    wiring: Wiring | None = None,
) -> Run:
    """Begin a cleanup, which carries out the approved plan, if there is one, at its time and no more than it."""
    logger.debug("configuration: %s, profile %s", settings.source, settings.profile or "none")
    logger.debug("schemas: %s", settings.schemas)
    started = time.time_ns()
    present = started if settings.now is None else settings.now
    now = approved.now if approved else present
    run_id = os.urandom(8).hex()
    return Run(settings, dry_run, verbose, approved, wiring or WIRING, started, present, now, time.monotonic(), run_id)


def open_run(run: Run, opened: OpenStore[SegmentStore], policy: Policy, resources: ExitStack) -> OpenRun:
    """Lock the log and recover, unless that is for a dry run; and list it. `resources` close what is opened.

    Raises ConfigurationError or LockedError where the run can't go on.
    """
    settings, store, cutoffs = run.settings, opened.store, Cutoffs(policy, run.now)
    wrong = mismatch(run.approved, run.path, policy, run.present) if run.approved else ""
    if wrong:
        raise ConfigurationError(wrong)
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
    """Refuse a run where writers can't be seen and nobody has agreed to that; say what a dry run has to say of it."""
    settings = run.settings
    if not weakness or settings.weak_leases:
        return ()
    sentence = (
        f"{settings.folder}: {weakness}: that no record is lost beside a writer can't be promised there. Run it where "
        "the log's files really are; or, if nobody writes to segments that were quiet for an hour, say "
        "--weak-leases, or audit.weak_leases: true in the profile"
    )
    if not run.dry_run:
        raise ConfigurationError(sentence)
    return (f"{sentence}. A run without that ends with exit 2",)
