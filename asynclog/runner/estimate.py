"""Estimate what a policy frees now and later, and what other retention would: from the catalog, else by reading."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import asdict

from asynclog.cancellation import StopRequest
from asynclog.config.logs import Logs
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.forecast.ages import LogAges
from asynclog.forecast.log_forecast import IN_DAYS, ForecastBuilder, times
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.retention_overrides import scope_of, with_retention
from asynclog.policy.rules import Policy
from asynclog.policy.unknown_schema import refuse_unknown
from asynclog.report.combined_notices import combined_notices
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.build import Estimate, make_estimate, sum_budgets
from asynclog.report.estimate.result import BudgetFrees, BytesRead, EstimateResult, Unknown
from asynclog.report.holdings import sum_holdings
from asynclog.report.packed_segments import sum_packed
from asynclog.report.warnings import Notices, noticed
from asynclog.runner.inspect import notices_of, notices_of_none, now_of, opened_log, read_log, scan_views, states_of
from asynclog.runner.inspect_all import by_path, policy_warnings
from asynclog.runner.steps.freed_by_budget import freed_by_budget
from asynclog.runner.steps.provenance import provenance_of
from asynclog.scan.reading.unpacked_lines import most_unpacked
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats


class _Part(NamedTuple):
    """What is known of one log: the states of its segments, by name, and what they hold under each of the views.

    `staying` names segments in which nothing is freed. `unknown` are segments that were not read, and `most` how many
    bytes of lines they may have. `read` and `size` are in bytes. `failures` say which logs were left out.
    """

    states: dict[str, SegmentState]
    views: list[dict[str, SegmentStats]]
    staying: set[str]
    unknown: Unknown
    most: int
    read: int
    size: int
    notices: Notices
    failures: list[str]
    budget: BudgetFrees | None = None


def estimate_log(
    logs: Logs, retention: Sequence[str], stop: StopRequest, *, scan: bool, ages: LogAges | None = None
) -> CommandResult[EstimateResult]:
    """Return what the policy frees, and what it would free with other `retention`, written as in the option.

    With `scan`, read what the catalog does not know or leaves in doubt. Of many logs the figures are those of all
    together. `ages` receive what is in the segments. Raise AsynclogError.
    """
    settings = logs.settings
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CommandResult(
            EstimateResult("skipped", message, profile=settings.profile, **asdict(provenance_of(settings)))
        )
    policy = policy_of(settings)
    provenance = provenance_of(settings, policy)
    policies = [policy, with_retention(policy, retention)] if retention else [policy]
    now = now_of(settings)
    one = logs.folders is None
    part = (
        _part(settings, policies, now, stop, Counter(), scan=scan)
        if one
        else _all(logs, policies, now, stop, scan=scan)
    )
    if part is None:
        message = f"Nothing to estimate: {settings.folder} does not exist yet"
        _refuse_unknown(retention, policy, [])
        nothing = EstimateResult("success", message, profile=settings.profile, **asdict(provenance))
        return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
    _refuse_unknown(retention, policy, part.states.values())
    if ages is not None:
        _add_ages(ages, part, Cutoffs(policy, now))
    today, *others = (
        builder.forecast(part.views[number * len(IN_DAYS) :], part.most, settings.fields)
        for number, builder in enumerate(_builders(part.states, part.staying, policies, now))
    )
    found = Estimate(
        now=now,
        today=today,
        what_if=others[0] if others else None,
        read=BytesRead(part.read, part.size),
        packed=sum_packed(part.states.values()),
        unknown=part.unknown,
        budget=part.budget,
        bounded=not scan,
    )
    holdings = sum_holdings(part.states.values()).with_failures(part.failures)
    return make_estimate(found, holdings, part.notices, profile=settings.profile, provenance=provenance)


def _part(  # noqa: PLR0913 - what is asked, and what came before
    settings: Settings,
    policies: Sequence[Policy],
    now: int,
    stop: StopRequest,
    freed: Counter[int],
    *,
    scan: bool,
) -> _Part | None:
    """Read what has to be read of one log, and return what is known of it; None if its folder does not exist yet.

    `freed` has how many bytes a cleanup would have freed by then, by device, and gets what it would free here.
    """
    with opened_log(msgspec.structs.replace(settings, now=now), Policy()) as log:
        if log is None:
            return None
        inventory = read_log(log, stop, scan=scan)
        states = states_of(log, inventory)
        staying = {segment.name for segment in log.segments.values() if segment.skip_reason} | {log.conditions.newest}
        wanted = _wanted(_builders(states, staying, policies, now)) if scan else {}
        views = [Cutoffs(each, at) for each in policies for at in times(now)]
        scanned = scan_views(log, views, wanted, stop)
        states |= {each.segment: each for each in scanned.unread}  # segments that have changed meanwhile
        unread = [each for each in states.values() if isinstance(each, Segment) and each.is_readable]
        return _Part(
            states,
            scanned.stats,
            staying,
            Unknown(len(unread), sum(segment.fingerprint.size for segment in unread)),
            sum(most_unpacked(segment.name, segment.fingerprint.size) for segment in unread),
            inventory.reads.bytes + scanned.read,
            sum(segment.fingerprint.size for segment in log.segments.values()),
            notices_of(log, policies[0], list(states.values()), stop),
            [],
            freed_by_budget(log, states, policies[0], scanned.stats[0], freed) if settings.budget.is_set else None,
        )


def _all(logs: Logs, policies: Sequence[Policy], now: int, stop: StopRequest, *, scan: bool) -> _Part:
    """Return what is known of all logs as if they were one, whose segments have their paths for names."""
    failures = list(map(escape_surrogates, logs.unlisted))
    states: dict[str, SegmentState] = {}
    views: list[dict[str, SegmentStats]] = [{} for _ in range(len(policies) * len(IN_DAYS))]
    staying: set[str] = set()
    notices: dict[str, Notices] = {}
    budgets: list[BudgetFrees | None] = []
    freed: Counter[int] = Counter()
    unknown = unknown_bytes = most = read = size = 0
    for folder in stop.progress.each(logs.folders or ()):
        try:
            part = _part(logs.at(folder), policies, now, stop, freed, scan=scan)
        except ConfigurationError as error:
            failures.append(escape_surrogates(str(error)))
            continue
        if part is None:  # it has vanished
            continue
        states |= {os.path.join(folder, name): by_path(folder, state) for name, state in part.states.items()}
        for view, found in zip(views, part.views, strict=True):
            view |= {os.path.join(folder, name): stats for name, stats in found.items()}
        staying |= {os.path.join(folder, name) for name in part.staying}
        notices[escape_surrogates(os.path.join(folder, logs.settings.base))] = part.notices
        budgets.append(part.budget)
        unknown, unknown_bytes = unknown + part.unknown.segments, unknown_bytes + part.unknown.bytes
        most, read, size = most + part.most, read + part.read, size + part.size
    warnings = policy_warnings(logs, policies[0], states.values(), complete=not failures)
    together = combined_notices(notices, warnings)
    budget = sum_budgets(each for each in budgets if each)
    return _Part(states, views, staying, Unknown(unknown, unknown_bytes), most, read, size, together, failures, budget)


def _add_ages(ages: LogAges, part: _Part, cutoffs: Cutoffs) -> None:
    """Add what each segment holds, with what has expired of it today as far as that is known."""
    ages.policy = cutoffs.policy
    for name, state in part.states.items():
        stats = part.views[0].get(name) or (project(state, cutoffs) if isinstance(state, SegmentStats) else None)
        ages.add(stats or state)


def _refuse_unknown(retention: Sequence[str], policy: Policy, states: Iterable[SegmentState]) -> None:
    for word in retention:
        refuse_unknown(f"--retention {word}", scope_of(word), policy, states)


def _builders(
    states: Mapping[str, SegmentState], staying: set[str], policies: Sequence[Policy], now: int
) -> list[ForecastBuilder]:
    stats = [state for state in states.values() if isinstance(state, SegmentStats)]
    return [ForecastBuilder(stats, Cutoffs(policy, now), staying) for policy in policies]


def _wanted(builders: Sequence[ForecastBuilder]) -> dict[str, list[int]]:
    """Return the views that each ambiguous segment has to be scanned for; views are numbered by policy and time."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for number, builder in enumerate(builders):
        for place, segment in builder.doubts():
            wanted[segment].append(number * len(IN_DAYS) + place)
    return wanted
