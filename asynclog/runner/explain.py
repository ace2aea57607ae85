"""Why each segment of a log is as it is, until when, and which of its lines are unreadable."""

import os
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import asdict

from asynclog.actions import Action
from asynclog.cancellation import StopRequest
from asynclog.config.nearest_name import did_you_mean
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.forecast.ages import LogAges
from asynclog.formatting import pluralize
from asynclog.plan.decide import decide, make_plan
from asynclog.policy.mistyped_schema import is_named, refuse_unknown
from asynclog.policy.rules import Policy
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.build import explained
from asynclog.report.explain.result import Explained, ExplainResult, UnreadableLine, UnreadableReason
from asynclog.report.holdings import sum_holdings
from asynclog.report.warnings.notices import noticed
from asynclog.runner.inspect import notices_of, notices_of_none, opened_log, read_log, scan_views, states_of
from asynclog.runner.steps.budget import with_budget
from asynclog.runner.steps.open_log import Log
from asynclog.runner.steps.provenance import provenance_of
from asynclog.runner.wiring import Wiring
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.scan.unreadable_lines import Unreadable, all_unreadable
from asynclog.schemas import SchemaKey
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats
from asynclog.timestamps import format_instant


def explain_log(  # noqa: PLR0913 - what is asked, and how it is read
    settings: Settings,
    segment: str | None,
    schema: str | None,
    stop: StopRequest,
    *,
    ages: LogAges | None = None,
    wiring: Wiring | None = None,
) -> CommandResult[ExplainResult]:
    """Explain one segment or all; with `schema`, only what concerns that. Return the result. Raise AsynclogError.

    `ages` receive what is in what is explained.
    """
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CommandResult(
            ExplainResult("skipped", message, profile=settings.profile, **asdict(provenance_of(settings)))
        )
    policy = policy_of(settings)
    provenance = provenance_of(settings, policy)
    with opened_log(settings, policy, wiring) as log:
        if log is None:
            message = f"Nothing to explain: {settings.folder} does not exist yet"
            if schema:
                refuse_unknown(f"--schema {schema}", schema, policy, [])
            nothing = ExplainResult("success", message, profile=settings.profile, **asdict(provenance))
            return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
        # Drops for the budget depend on all segments.
        name = None if segment is None else _name_of(log, segment)
        if name is not None and not settings.budget.is_set:
            states = _one_state(log, name, stop)
        else:
            states = states_of(log, read_log(log, stop))
        if schema:
            refuse_unknown(f"--schema {schema}", schema, policy, states.values())
        told = {name: states[name]} if name is not None else states
        chosen = [(each, _keys(state, schema)) for each, state in told.items()]
        if ages is not None:
            _add_ages(ages, policy, told, dict(chosen))
        actions = _actions(log, states)
        with stop.progress.during(
            "unreadable lines", size=_to_look_at(told), count=log.scanner.rate_limit.total_so_far
        ):
            rows = [
                _explained(log, actions[each], states[each], keys, stop) for each, keys in chosen if keys or not schema
            ]
        notices = notices_of(log, policy, list(states.values()), stop)
    holdings = sum_holdings(told.values())
    return holdings.command_result(
        ExplainResult(
            status="partial" if holdings.failures else "success",
            message=f"{len(rows):,} of {pluralize(len(log.segments), 'segment')}",
            profile=settings.profile,
            now=format_instant(log.cutoffs.now),
            **asdict(provenance),
            segments=rows,
            warnings=notices.warnings,
            neighbours=notices.neighbours,
            unjudged=notices.unjudged,
            errors=holdings.failures,
        )
    )


def _one_state(log: Log, name: str, stop: StopRequest) -> dict[str, SegmentState]:
    """Return the states of all segments, having read only this one."""
    recalled = read_log(log, stop, scan=False)
    states = states_of(log, recalled)
    if name not in recalled.unread:
        return states
    scanned = scan_views(log, [log.cutoffs], {name: [0]}, stop)
    return states | scanned.stats[0] | {each.segment: each for each in scanned.unread}


def _name_of(log: Log, segment: str) -> str:
    """Return the name of a segment that may be given by a path into the log's folder."""
    place, _, last = segment.rpartition("/")
    name = last if place and os.path.realpath(place) == os.path.realpath(log.settings.folder) else segment
    if name not in log.segments:
        near = did_you_mean(name, log.segments)
        raise ConfigurationError(f"{segment}: there is no such segment in the log{near}")
    return name


def _keys(state: SegmentState, schema: str | None) -> list[SchemaKey]:
    """Return the schemas to report: those with this key or this name, or that match this pattern, or all."""
    counts = state.schemas if isinstance(state, SegmentStats) else ()
    return [count.schema for count in counts if schema is None or is_named(count.schema, schema)]


def _add_ages(
    ages: LogAges, policy: Policy, told: Mapping[str, SegmentState], keys: Mapping[str, Sequence[SchemaKey]]
) -> None:
    """Add what these segments hold of the schemas to report of each."""
    ages.policy = policy
    for name, state in told.items():
        if isinstance(state, SegmentStats):
            shown = tuple(count for count in state.schemas if count.schema in keys[name])
            ages.add(msgspec.structs.replace(state, schemas=shown))


def _actions(log: Log, states: Mapping[str, SegmentState]) -> dict[str, Action]:
    """Return what a cleanup would do to each segment, by name."""
    decided = {name: decide(state, log.cutoffs, log.settings.rewrite, log.conditions) for name, state in states.items()}
    complete = not any(isinstance(state, Segment) and state.is_readable for state in states.values())
    plan = with_budget(log, make_plan(decided.values(), log.cutoffs), log.cutoffs.policy, complete=complete)
    return dict(zip(decided, plan.actions, strict=True))


def _explained(
    log: Log, action: Action, state: SegmentState, keys: Sequence[SchemaKey], stop: StopRequest
) -> Explained:
    stats = state if isinstance(state, SegmentStats) else None
    row = explained(action, stats, log.cutoffs.policy, keys)
    if stats is None or not stats.unreadable:
        return row
    found = all_unreadable(log.scanner.context, log.scanner.rate_limit, stop, log.segments[action.segment])
    if isinstance(found, ReadFailure):  # it has changed since it was counted
        return row
    reasons = [UnreadableReason(why, lines, _lines(examples)) for why, lines, examples in found.reasons]
    return msgspec.structs.replace(row, lines=_lines(found.first), reasons=reasons)


def _to_look_at(states: Mapping[str, SegmentState]) -> int:
    """Return the size of the segments that have unreadable lines."""
    found = (each for each in states.values() if isinstance(each, SegmentStats) and each.unreadable)
    return sum(stats.fingerprint.size for stats in found)


def _lines(lines: Sequence[Unreadable]) -> list[UnreadableLine]:
    return [UnreadableLine(each.offset, each.why, each.line) for each in lines]
