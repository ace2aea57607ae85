"""One cleanup from beginning to end: open, lock and recover, list; scan, plan, apply; report."""

from contextlib import ExitStack

import msgspec

from asynclog.actions import Action, Plan
from asynclog.cancellation import StopRequest
from asynclog.config.policy_file import policy_of
from asynclog.errors import ConfigurationError, RefusedError
from asynclog.plan.approval import restrict
from asynclog.plan.decide import decide, make_plan, state_of
from asynclog.plan.guards import guard_violation
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.report.cleanup.result import NOT_READ, Report
from asynclog.report.plan_origin import PlanOrigin
from asynclog.report.warnings.notices import Notices, notices
from asynclog.runner.steps.apply_actions import Applied, apply_actions
from asynclog.runner.steps.begin_cleanup import OpenRun, Run, must_fit, open_run
from asynclog.runner.steps.budget import with_budget
from asynclog.runner.steps.gather_warning_facts import facts_of, facts_of_none
from asynclog.runner.steps.inventory import Inventory, recall, scan_unread
from asynclog.runner.steps.open_log import Log, OpenStore, open_store
from asynclog.runner.steps.provenance import origin_of
from asynclog.runner.steps.report_cleanup import Ending, build_report, log_decisions, log_warnings, report_nothing
from asynclog.scan.schema_limits import SchemaKeys
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentState
from asynclog.storage.segment_store import SegmentStore


class CleanupRun(msgspec.Struct, frozen=True):
    """The result of a cleanup: its report, the plan that it made, and where that plan comes from."""

    report: Report
    plan: Plan | None = None
    origin: PlanOrigin | None = None


class RefusedRunError(RefusedError):
    """A guard refused the run: nothing was touched. `found` is what it would have done, as a dry run reports it."""

    def __init__(self, refusal: str, found: CleanupRun) -> None:
        super().__init__(refusal)
        self.found = found


def clean_up(run: Run, stop: StopRequest) -> CleanupRun:
    """Delete what has expired, or plan it in a dry run, and return the report and plan.

    Raise AsynclogError if it can't begin, and RefusedRunError if a guard refuses.
    """
    settings = run.settings
    if not settings.enabled and run.approved:
        raise ConfigurationError(
            f"{run.approved.source}: audit logging is switched off in profile {settings.profile}, "
            "and was not when this plan was made"
        )
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CleanupRun(report_nothing(run, "skipped", message))
    with ExitStack() as resources:
        stored = _open_store(run, resources)
        policy = run.policy or policy_of(settings)
        if run.ages is not None:
            run.ages.policy = policy
        must_fit(run, policy)
        if stored is None:
            message = f"Nothing to do: {settings.folder} does not exist yet"
            needs_look = notices(facts_of_none(settings, policy))
            return CleanupRun(report_nothing(run, "success", message, policy, needs_look))
        with stop.progress.during("lock" if settings.lock_wait and not run.dry_run else "list"):
            opened = open_run(run, stored, policy, resources)
        inventory = _take_inventory(opened, stop)
        plan = _make_plan(opened, inventory)
        needs_look = _needs_look(opened, inventory, plan, stop)  # before anything is deleted
        refused = bool(plan.refusal) and not run.dry_run and not inventory.unread and not stop.signal
        applied = None if refused else _apply(opened, inventory, plan, stop)
        ending = Ending(inventory, plan, applied, opened.store.leftovers(), needs_look)
        found = CleanupRun(build_report(opened, ending, stop), plan, origin_of(run, policy))
    if refused:
        raise RefusedRunError(plan.refusal, found)
    log_warnings(found.report.result.warnings)
    return found


def plan_cleanup(run: Run, stop: StopRequest) -> Plan:
    """Return what a cleanup would do, segment by segment, as a dry run does. Raise AsynclogError if it can't begin."""
    settings = run.settings
    with ExitStack() as resources:
        stored = _open_store(run, resources) if settings.enabled else None
        policy = policy_of(settings) if settings.enabled else Policy()
        if stored is None:
            return make_plan((), Cutoffs(policy, run.now))
        opened = open_run(run, stored, policy, resources)
        return _make_plan(opened, _take_inventory(opened, stop))


def _open_store(run: Run, resources: ExitStack) -> OpenStore[SegmentStore] | None:
    return open_store(run.settings, run.wiring, run.wiring.opened_store, resources)


def _take_inventory(opened: OpenRun, stop: StopRequest) -> Inventory[Action]:
    """Return the inventory, with an action decided for each segment as soon as it is known."""
    log, keys, ages = opened.log, SchemaKeys(), opened.run.ages

    def decided(state: SegmentState) -> Action:
        state = keys.admitted(state)
        if ages is not None:
            ages.add(state)
        return decide(state, log.cutoffs, log.settings.rewrite, log.conditions)

    recalled = recall(log, decided)
    if log.settings.max_runtime is not None:
        stop.limit(log.settings.max_runtime)
    return scan_unread(log, recalled, decided, stop, opened.survivors.cache if opened.lock else None)


def _make_plan(opened: OpenRun, inventory: Inventory[Action]) -> Plan:
    """Return the plan of all segments, in their order; those that a stop left unread stay unchanged."""
    log, settings, approved = opened.log, opened.run.settings, opened.run.approved
    unread = [
        UnreadSegment(segment.name, segment.fingerprint, NOT_READ, "not_reached")
        for segment in inventory.unread.values()
    ]
    actions = inventory.known | {each.segment: decide(each, log.cutoffs) for each in unread}
    plan = make_plan((actions[name] for name in log.segments), log.cutoffs)
    plan = with_budget(log, plan, log.cutoffs.policy, complete=not unread, approved=approved, freed=opened.run.freed)
    if approved:
        plan = restrict(plan, approved)
    refusal = guard_violation(
        plan,
        log.cutoffs.policy,
        settings.guard,
        allowed=100 if settings.allow_delete_all else settings.allow_delete_percent,
        complete=not unread,
    )
    plan = msgspec.structs.replace(plan, refusal=refusal)
    log_decisions(plan, log.cutoffs.policy)
    return plan


def _needs_look(opened: OpenRun, inventory: Inventory[Action], plan: Plan, stop: StopRequest) -> Notices:
    """Return what needs attention, for the segments as they were when the plan was made."""
    log = opened.log
    states = [
        Segment(action.segment, action.fingerprint) if action.segment in inventory.unread else state_of(action)
        for action in plan.actions
    ]
    facts = facts_of(log, log.cutoffs.policy, states, stop)
    if not stop:
        cut = _first_cut(log, plan)
        # A real run finds out by itself what it may do.
        hindrances = () if opened.lock else opened.store.hindrances(plan.actions)
        facts = msgspec.structs.replace(facts, cut=cut, hindrances=hindrances)
    return notices(facts)


def _first_cut(log: Log, plan: Plan) -> str:
    """Return the segment where the plan cuts a chain of hashes; empty if none was found, or if these are files."""
    if log.settings.has_whole_files or not any(action.deletes for action in plan.actions):
        return ""
    from asynclog.scan.hash_chains import first_cut  # noqa: PLC0415 - most runs have nothing to delete

    in_order = [action for action in plan.actions if not log.naming.late_token(action.segment)]
    return first_cut(log.scanner.context, log.scanner.rate_limit, in_order)


def _apply(opened: OpenRun, inventory: Inventory[Action], plan: Plan, stop: StopRequest) -> Applied | None:
    """Carry the plan out, and return the outcomes; None in a dry run. Wait for no writer if there was nothing to do."""
    if opened.lock is None:
        return None
    applied = apply_actions(opened, opened.lock, plan, stop)
    if (inventory.was_scanned or applied.outcomes) and not opened.lock.is_lost():
        with stop.progress.during("wait for writers"):
            opened.store.finish()
    return applied
