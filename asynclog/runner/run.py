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
from asynclog.runner.open_log import Log, OpenFolder, open_log
from asynclog.runner.wiring import WIRING, Wiring
from asynclog.scan.survivors import SurvivorReader
from asynclog.storage.local.local_store import LocalStore
from asynclog.storage.local.lock import Lock
from asynclog.storage.local.mounts import file_system
from asynclog.types import Policy

logger = logging.getLogger("asynclog")


class Run(msgspec.Struct, frozen=True):
    """What a cleanup was asked for, and when, in ns since 1970: made by `begin_run`.

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
    store: LocalStore
    survivors: SurvivorReader
    lock: Lock | None
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


def open_run(run: Run, folder: OpenFolder, policy: Policy, resources: ExitStack) -> OpenRun:
    """Lock the log and recover, unless that is for a dry run; and list it. `resources` close what is opened.

    Raises ConfigurationError or LockedError where the run can't go on.
    """
    settings, cutoffs = run.settings, Cutoffs(policy, run.now)
    wrong = mismatch(run.approved, run.path, policy, run.present) if run.approved else ""
    if wrong:
        raise ConfigurationError(wrong)
    survivors = SurvivorReader(
        folder.kind,
        cutoffs,
        settings.fields,
        folder.rate,
        workers=settings.jobs,
        double_check=settings.double_check,
    )
    weakness, warnings = _leases(run, folder)
    directory = run.wiring.directory(folder.descriptor, weakness, folder.rate)
    store, lock = LocalStore(settings.folder, directory, settings.names, survivors), None
    if not run.dry_run:
        lock = resources.enter_context(store.lock(wait=settings.lock_wait, breaks=settings.break_lock))
        store.recover()
    log = open_log(folder, cutoffs, store.list(), resources)
    return OpenRun(run, log, store, survivors, lock, warnings)


def _leases(run: Run, folder: OpenFolder) -> tuple[str, tuple[str, ...]]:
    """Say why leases can't be believed in the folder, empty where they can, and what a dry run has to say of that.

    Without consent no run goes on there.
    """
    settings, weakness = run.settings, file_system(folder.descriptor).weak
    if not weakness or settings.weak_leases:
        return weakness, ()
    sentence = (
        f"{settings.folder}: {weakness}: that no record is lost beside a writer can't be promised there. Run it where "
        "the log's files really are; or, if nobody writes to segments that were quiet for an hour, say "
        "--weak-leases, or audit.weak_leases: true in the profile"
    )
    if not run.dry_run:
        raise ConfigurationError(sentence)
    return weakness, (f"{sentence}. A run without that ends with exit 2",)
