"""Estimate what a policy frees now and later, and what other retention would: from the catalog, else by reading."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import asdict

from asynclog.cancellation import StopRequest
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.forecast.log_forecast import IN_DAYS, Forecast, ForecastBuilder, times
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.named_schema import refuse_unknown
from asynclog.policy.retention_overrides import scope_of, with_retention
from asynclog.policy.rules import Policy
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import BytesRead, Estimate, EstimateResult, Unknown, make_estimate
from asynclog.report.holdings import sum_holdings
from asynclog.report.warnings import noticed
from asynclog.runner.inspect import notices_of, notices_of_none, opened_log, read_log, scan_views, states_of
from asynclog.runner.open_log import Log
from asynclog.runner.provenance import provenance_of
from asynclog.scan.unpacked_lines import most_unpacked
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats


def estimate_log(
    settings: Settings, retention: Sequence[str], stop: StopRequest, *, scan: bool
) -> CommandResult[EstimateResult]:
    """Return what the policy frees, and what it would free with other `retention`, written as in the option.

    With `scan`, read what the catalog does not know or leaves in doubt. Raise AsynclogError.
    """
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CommandResult(
            EstimateResult("skipped", message, profile=settings.profile, **asdict(provenance_of(settings)))
        )
    policy = policy_of(settings)
    provenance = provenance_of(settings, policy)
    policies = [policy, with_retention(policy, retention)] if retention else [policy]
    with opened_log(settings, Policy()) as log:
        if log is None:
            message = f"Nothing to estimate: {settings.folder} does not exist yet"
            _refuse_unknown(retention, policy, [])
            nothing = EstimateResult("success", message, profile=settings.profile, **asdict(provenance))
            return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
        inventory = read_log(log, stop, scan=scan)
        states = states_of(log, inventory)
        _refuse_unknown(retention, policy, states.values())
        wanted = _wanted(_builders(log, states, policies)) if scan else {}
        views = [Cutoffs(each, at) for each in policies for at in times(log.cutoffs.now)]
        scanned = scan_views(log, views, wanted, stop)
        states |= {each.segment: each for each in scanned.unread}  # segments that have changed meanwhile
        unknown = [each for each in states.values() if isinstance(each, Segment) and each.is_readable]
        unknown_bytes = sum(segment.fingerprint.size for segment in unknown)
        most = sum(most_unpacked(segment.name, segment.fingerprint.size) for segment in unknown)
        today, what_if = _forecasts(log, states, policies, scanned.stats, most)
        notices = notices_of(log, policy, list(states.values()), stop)
    total = sum(segment.fingerprint.size for segment in log.segments.values())
    found = Estimate(
        now=log.cutoffs.now,
        today=today,
        what_if=what_if,
        read=BytesRead(inventory.reads.bytes + scanned.read, total),
        unknown=Unknown(len(unknown), unknown_bytes),
        bounded=not scan,
    )
    return make_estimate(found, sum_holdings(states.values()), notices, profile=settings.profile, provenance=provenance)


def _refuse_unknown(retention: Sequence[str], policy: Policy, states: Iterable[SegmentState]) -> None:
    for word in retention:
        refuse_unknown(f"--retention {word}", scope_of(word), policy, states)


def _forecasts(
    log: Log,
    states: Mapping[str, SegmentState],
    policies: Sequence[Policy],
    views: Sequence[Mapping[str, SegmentStats]],
    unknown: int,
) -> tuple[Forecast, Forecast | None]:
    """Return the forecast under the first policy, and under the other one, if any; `unknown` is in bytes of lines."""
    today, *others = (
        builder.forecast(views[number * len(IN_DAYS) :], unknown, log.settings.fields)
        for number, builder in enumerate(_builders(log, states, policies))
    )
    return today, others[0] if others else None


def _builders(log: Log, states: Mapping[str, SegmentState], policies: Sequence[Policy]) -> list[ForecastBuilder]:
    stats = [state for state in states.values() if isinstance(state, SegmentStats)]
    staying = {segment.name for segment in log.segments.values() if segment.skip_reason} | {log.conditions.newest}
    return [ForecastBuilder(stats, Cutoffs(policy, log.cutoffs.now), staying) for policy in policies]


def _wanted(builders: Sequence[ForecastBuilder]) -> dict[str, list[int]]:
    """Return the views that each ambiguous segment has to be scanned for; views are numbered by policy and time."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for number, builder in enumerate(builders):
        for time, segment in builder.doubts():
            wanted[segment].append(number * len(IN_DAYS) + time)
    return wanted
