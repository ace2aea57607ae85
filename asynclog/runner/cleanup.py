"""The story of one job: open, lock, recover, list; scan, plan, apply; report."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import msgspec
from anyio import to_thread

from asynclog.cancellation import StopRequest
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError, RefusedError
from asynclog.executors.pool import WorkerPool
from asynclog.executors.rate_limit import RateLimiter
from asynclog.plan.approval import ApprovedPlan, digest, mismatch, restrict
from asynclog.plan.decide import Conditions, conditions_of, decide, finding_of, make_plan
from asynclog.plan.guards import guard_violation
from asynclog.plan.ordering import execution_order
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.kernel import choose_reader
from asynclog.report.cleanup.progress import NOT_BEGUN, NOT_READ
from asynclog.report.cleanup.result import Report
from asynclog.report.plan_file import PlanOrigin, plan_to_text
from asynclog.report.warnings import Notices, notices
from asynclog.runner.inventory import Inventory, opened_catalog
from asynclog.runner.log_facts import (
    facts_of,
    facts_of_none,
    refuse_contests,
    with_obstacles,
    with_offsets,
    with_reasons,
)
from asynclog.runner.provenance import provenance_of
from asynclog.runner.reporting import RunReporter
from asynclog.scan.chunks import ReadFailure
from asynclog.scan.hash_chains import first_cut
from asynclog.scan.scanner import Scanner
from asynclog.scan.schema_limits import SchemaKeys
from asynclog.scan.survivors import SurvivorReader
from asynclog.scan.unreadable_lines import Unreadable, first_unreadable, without_offset
from asynclog.storage.local.access import find_hindrances
from asynclog.storage.local.commit.apply_action import apply_action
from asynclog.storage.local.commit.drain import QUIET_PERIOD, present
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.precommit import IdleRule
from asynclog.storage.local.commit.recovery import recover
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.listing import list_segments
from asynclog.storage.local.lock import held_lock
from asynclog.storage.local.mounts import file_system
from asynclog.storage.local.segment_reader import LocalReadStore
from asynclog.storage.local.store import opened_folder, refuse_fixed
from asynclog.types import Action, Outcome, Plan, Policy, Segment, SegmentState, UnreadSegment

log = logging.getLogger("asynclog")


class Job:
    """One job on one log, whose folder it holds open: made by `opened_job`.

    `answer` is the report where nothing has to be read for it.
    """

    def __init__(
        self, settings: Settings, *, dry_run: bool, with_keeps: bool, reviewed: ApprovedPlan | None = None
    ) -> None:
        self.settings = settings
        self.dry_run = dry_run
        self._started = time.time_ns()
        self._present = self._started if settings.now is None else settings.now
        self.now = reviewed.now if reviewed else self._present
        self._reviewed = reviewed
        self._decided: Plan | None = None
        self.answer: Report | None = None
        self._account = RunReporter(settings, self.now, with_keeps=with_keeps)
        self._names = settings.names
        self._reader = choose_reader(settings.reader)
        self._pace = RateLimiter(settings.io_limit)
        self._cutoffs = Cutoffs(Policy(), self.now)
        self._keys = SchemaKeys()
        self._segments: list[Segment] = []
        self._conditions = Conditions()
        self._actions: dict[str, Action] = {}
        self._folder = -1

    def open(self, resources: ExitStack) -> None:
        """Everything up to the first segment that has to be read. What is opened is closed by `resources`."""
        settings = self.settings
        log.debug("configuration: %s, profile %s", settings.source, settings.profile or "none")
        log.debug("log: %s, schemas: %s", os.path.join(settings.folder, settings.base), settings.schemas)
        if not settings.enabled:
            self.answer = self._account.nothing(
                "skipped", f"Audit logging is switched off in profile {settings.profile}"
            )
            return
        try:
            folder = opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder)
            self._folder = resources.enter_context(folder)
        except FileNotFoundError:
            if settings.named_by_hand:
                raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
            self._account.policy = policy_of(settings)
            self._account.notices = notices(facts_of_none(settings, self._account.policy))
            self.answer = self._account.nothing("success", f"Nothing to do: {settings.folder} does not exist yet")
            return
        self._account.policy = policy_of(settings)
        self._cutoffs = Cutoffs(self._account.policy, self.now)
        self._must_fit()
        self._evidence = SurvivorReader(
            self._reader, self._cutoffs, settings.fields, workers=settings.jobs, double_check=settings.double_check
        )
        self._evidence.pace = self._pace
        store = LocalReadStore(settings.folder, self._folder)
        self._disk = LogDirectory(self._folder, self._weak_leases(), self._pace)
        self._backlog = DrainQueue(self._disk, self._names, self._evidence.proof())
        if not self.dry_run:
            lock = held_lock(
                self._disk, self._names.lock, settings.folder, wait=settings.lock_wait, breaks=settings.break_lock
            )
            self._lock = resources.enter_context(lock)
            refuse_fixed(settings.folder, self._folder)  # only now: whoever was waited for may set the flag at its end
            recover(self._disk, self._names, self._backlog)
        self._entries = self._disk.names()
        refuse_contests(settings, self._entries)
        segments = list_segments(self._folder, self._entries, self._names)
        self._segments = [self._unless_unsettled(segment) for segment in segments]
        self._conditions = conditions_of(self._segments, self._names, self.now, self._started)
        scanner = Scanner(store, self._cutoffs, self._reader, settings.fields, self._pace)
        self._context = scanner.context()
        catalog = opened_catalog(settings, self._segments, resources)
        evidence = None if self.dry_run else self._evidence
        self._survey = Inventory(scanner, evidence, self._segments, self._names, catalog)
        unread = {segment.name for segment in self._survey.unread}
        for segment in self._segments:
            if segment.name not in unread:
                self._decide(segment)
        for census in self._survey.recalled():
            self._decide(census)
        if not self._survey.unread:
            plan = self._plan()
            if self.dry_run or not execution_order(plan):
                self._account.notices = self._noticed(plan, StopRequest())
                self.answer = self._report(plan, None if self.dry_run else {}, StopRequest())

    def _weak_leases(self) -> str:
        """Why leases can't be believed in the folder; empty where they can. Without consent no job goes on there."""
        weak = file_system(self._folder).weak
        if weak and not self.settings.weak_leases:
            sentence = (
                f"{self.settings.folder}: {weak}: that no record is lost beside a writer can't be promised there. Run "
                "it where the log's files really are; or, if nobody writes to segments that were quiet for an hour, "
                "say --weak-leases, or audit.weak_leases: true in the profile"
            )
            if not self.dry_run:
                raise ConfigurationError(sentence)
            self._account.warn(f"{sentence}. A run without that ends with exit 2")
        return weak

    def _must_fit(self) -> None:
        """A reviewed plan is for one log, one policy and a short time."""
        wrong = mismatch(self._reviewed, self._log(), self._cutoffs.policy, self._present) if self._reviewed else ""
        if wrong:
            raise ConfigurationError(wrong)

    def _decide(self, finding: SegmentState) -> None:
        finding = self._keys.admitted(finding)
        action = decide(finding, self._cutoffs, self.settings.rewrite, self._conditions)
        self._actions[action.segment] = action

    def _unless_unsettled(self, segment: Segment) -> Segment:
        """A late segment whose source could not be moved on may not change: its size says what was taken from there.

        Nor may one whose name another file has to get back.
        """
        if not self._backlog.blocked & {segment.name, self._names.late_token(segment.name)}:
            return segment
        obstacle = segment.obstacle or "what a killed job left of it can't be cleaned up yet"
        return msgspec.structs.replace(segment, obstacle=obstacle)

    async def run(self, stop: StopRequest) -> Report:
        """Scan, plan, and, unless it is a dry run, apply. Raises RefusedError where a guard says no."""
        if self.answer is not None:
            return self.answer
        if self.settings.max_runtime is not None:
            stop.limit(self.settings.max_runtime)
        plan = await self.plan(stop)
        if plan.refusal and not self.dry_run and not self._survey.unread and not stop.signal:
            raise RefusedError(plan.refusal)
        self._account.notices = self._noticed(plan, stop)  # while all that it is about is still there
        if self.dry_run:
            return self._report(plan, None, stop)
        return self._report(plan, await self._apply(plan, stop), stop)

    async def plan(self, stop: StopRequest) -> Plan:
        """Reads every segment that has to be read, and decides."""
        if not self._segments:
            return self._plan()
        for segment in self._survey.unread:
            self._decide(UnreadSegment(segment.name, segment.fingerprint, NOT_READ, "not_reached"))
        while self._survey.unread and not stop:
            async with self._survey.findings(WorkerPool(self.settings.jobs, stop)) as found:
                async for finding in found:
                    self._decide(finding)
        self._survey.keep()
        return self._plan()

    async def _apply(self, plan: Plan, stop: StopRequest) -> dict[str, Outcome]:
        actions = [] if stop or plan.refusal else execution_order(plan)
        outcomes = {
            action.segment: Outcome(action.segment, "skipped", NOT_BEGUN, bytes_after=action.fingerprint.size)
            for action in execution_order(plan)
        }
        work = partial(self._carry_out, self._quiet())
        async with WorkerPool(self.settings.jobs, stop).map_unordered(work, actions) as results:
            async for action, outcome in results:
                outcomes[action.segment] = outcome
                self._survey.settle(action, outcome)
        if not self._lock.lost:
            await to_thread.run_sync(self._backlog.drain_all)
        return outcomes

    def _carry_out(self, quiet: IdleRule, action: Action) -> Outcome:
        """By one of the workers."""
        if self._lock.lost:
            reason = "somebody has taken the log's lock from this job: it was left as it is"
            return Outcome(action.segment, "failed", reason, bytes_after=action.fingerprint.size)
        return apply_action(self._backlog, quiet, self._evidence, action)

    def _quiet(self) -> IdleRule:
        """By the real clock, whatever `--now` says: it is about who may be writing at this moment."""
        by_name = [segment.name for segment in self._segments if not self._names.late_token(segment.name)][-1:]
        by_time = max(self._segments, key=lambda segment: segment.fingerprint.mtime_ns).name
        return IdleRule(
            frozenset([*by_name, by_time]), present(self._disk, self._names) - QUIET_PERIOD, self.settings.weak_leases
        )

    def _plan(self) -> Plan:
        plan = make_plan([self._actions[segment.name] for segment in self._segments], self._cutoffs)
        if self._reviewed:
            plan = restrict(plan, self._reviewed)
        settings = self.settings
        reason = guard_violation(
            plan,
            self._cutoffs.policy,
            settings.guard,
            allowed=100 if settings.allow_delete_all else settings.allow_delete_percent,
            complete=not self._survey.unread,
        )
        plan = msgspec.structs.replace(plan, refusal=reason)
        self._account.tell(plan)
        self._decided = plan
        return plan

    def plan_file(self) -> str | None:
        """The plan as a file for people to look at; None where there was nothing to plan."""
        if self._decided is None:
            return None
        policy = self._cutoffs.policy
        made = PlanOrigin(self._log(), digest(policy), self._started, provenance_of(self.settings, policy))
        return plan_to_text(self._decided, made)

    def _log(self) -> str:
        """The log's path, whatever links lead there."""
        return os.path.join(os.path.realpath(self.settings.folder), self.settings.base)

    def _report(self, plan: Plan, outcomes: Mapping[str, Outcome] | None, stop: StopRequest) -> Report:
        return self._account.report(plan, outcomes, self._survey, self._backlog, stop)

    def _noticed(self, plan: Plan, stop: StopRequest) -> Notices:
        """What needs a look; of the segments as they were when the plan was made."""
        unread = {segment.name for segment in self._survey.unread}
        findings = [
            Segment(action.segment, action.fingerprint) if action.segment in unread else finding_of(action)
            for action in plan.actions
        ]
        facts = facts_of(self.settings, self._cutoffs.policy, self._folder, self._entries, findings)
        facts = with_obstacles(facts, self._segments)
        if stop:
            return notices(facts)
        facts = with_offsets(with_reasons(facts, self._first_unreadable), self._without_offset)
        # A run finds out by itself what it may do.
        hindrances = self._hindrances(plan) if self.dry_run else []
        return notices(msgspec.structs.replace(facts, cut=self._first_cut(plan), hindrances=hindrances))

    def _hindrances(self, plan: Plan) -> list[str]:
        settings, lock = self.settings, self._names.lock
        return find_hindrances(self._disk, settings.folder, lock, plan.actions, by_quiet=settings.weak_leases)

    def _first_unreadable(self, name: str, most: int) -> list[Unreadable] | ReadFailure:
        return first_unreadable(self._context, self._pace, most, self._segment(name))

    def _without_offset(self, name: str, end: int) -> int | ReadFailure:
        return without_offset(self._context, self._pace, end, self._segment(name))

    def _segment(self, name: str) -> Segment:
        return next(segment for segment in self._segments if segment.name == name)

    def _first_cut(self, plan: Plan) -> str:
        actions = [action for action in plan.actions if not self._names.late_token(action.segment)]
        return first_cut(self._context, self._pace, actions)


@contextmanager
def opened_job(
    settings: Settings, *, dry_run: bool = False, with_keeps: bool = False, reviewed: ApprovedPlan | None = None
) -> Iterator[Job]:
    """A job that is ready to run; a dry run takes no lock and recovers nothing.

    `with_keeps` has segments that stay as they are in the report, too. A job for a `reviewed` plan does at the plan's
    time what that says, and no more. Raises AsynclogError.
    """
    with ExitStack() as resources:
        job = Job(settings, dry_run=dry_run, with_keeps=with_keeps, reviewed=reviewed)
        job.open(resources)
        yield job
