"""Estimate what a policy frees now and later, and what other retention would: from the catalog, else by reading."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import asdict

from asynclog.cancellation import StopRequest
from asynclog.config.logs import Logs
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.forecast.ages import LogAges
from asynclog.forecast.log_forecast import IN_DAYS, Forecast, ForecastBuilder, times
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.retention_overrides import scope_of, with_retention
from asynclog.policy.rules import Policy
from asynclog.policy.unknown_schema import refuse_unknown
from asynclog.records.fields import Fields, shortest_line
from asynclog.report.combined_notices import combined_notices
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.build import Estimate, make_estimate, sum_budgets
from asynclog.report.estimate.result import BudgetFrees, BytesRead, EstimateResult, Sample, Unknown
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

if TYPE_CHECKING:
    from asynclog.forecast.sample_design import Draw
    from asynclog.runner.steps.sample import SampleRead


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
    samples: tuple["SampleRead", ...] = ()


class _Asked(NamedTuple):
    """What is asked of each log: what goes under each of these policies from `now` on.

    With `scan`, read what is not known; with `draw`, a random sample of that, of which one log has this `share`.
    """

    policies: Sequence[Policy]
    now: int
    scan: bool
    draw: "Draw | None" = None
    share: float = 1.0


def estimate_log(  # noqa: PLR0913 - what is asked, and how it is read
    logs: Logs,
    retention: Sequence[str],
    stop: StopRequest,
    *,
    scan: bool,
    seed: int | None = None,
    ages: LogAges | None = None,
) -> CommandResult[EstimateResult]:
    """Return what the policy frees, and what it would free with other `retention`, written as in the option.

    With `scan`, read what the catalog does not know or leaves in doubt; with a `seed`, a random sample of that. Of many
    logs the figures are those of all together. `ages` receive what is in the segments. Raise AsynclogError.
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
    asked = _Asked(policies, now, scan and seed is None, None if seed is None else _draw(seed))
    part = _part(settings, asked, stop, Counter()) if logs.folders is None else _all(logs, asked, stop)
    if part is None:
        message = f"Nothing to estimate: {settings.folder} does not exist yet"
        _refuse_unknown(retention, policy, [])
        nothing = EstimateResult("success", message, profile=settings.profile, **asdict(provenance))
        return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
    _refuse_unknown(retention, policy, part.states.values())
    if ages is not None:
        _add_ages(ages, part, Cutoffs(policy, now))
    today, *others = _forecasts(part, asked, settings.fields)
    found = Estimate(
        now=now,
        today=today,
        what_if=others[0] if others else None,
        read=BytesRead(part.read, part.size),
        packed=sum_packed(part.states.values()),
        unknown=part.unknown,
        budget=part.budget,
        bounded=not scan or seed is not None,
        sample=None if seed is None else _sample_told(part.samples, seed),
    )
    holdings = sum_holdings(part.states.values()).with_failures(part.failures)
    return make_estimate(found, holdings, part.notices, profile=settings.profile, provenance=provenance)


def _draw(seed: int) -> "Draw":
    from random import Random  # noqa: PLC0415 - few estimates are of a sample

    return Random(seed).randrange  # noqa: S311 - it need not be a secret


def _forecasts(part: _Part, asked: _Asked, fields: Fields) -> list[Forecast]:
    """Return the forecast under each of the policies."""
    if asked.draw:
        from asynclog.forecast.sampled_forecast import SampledForecasts  # noqa: PLC0415

        samples = [sample for each in part.samples for sample in each.samples]
        forecasts = SampledForecasts(samples, asked.now, shortest_line(fields))
        return [forecasts.forecast(policy, number) for number, policy in enumerate(asked.policies)]
    return [
        builder.forecast(part.views[number * len(IN_DAYS) :], part.most, fields)
        for number, builder in enumerate(_builders(part.states, part.staying, asked))
    ]


def _part(settings: Settings, asked: _Asked, stop: StopRequest, freed: Counter[int]) -> _Part | None:
    """Read what has to be read of one log, and return what is known of it; None if its folder does not exist yet.

    `freed` has how many bytes a cleanup would have freed by then, by device, and gets what it would free here.
    """
    with opened_log(msgspec.structs.replace(settings, now=asked.now), Policy()) as log:
        if log is None:
            return None
        inventory = read_log(log, stop, scan=asked.scan)
        states = states_of(log, inventory)
        staying = {segment.name for segment in log.segments.values() if segment.skip_reason} | {log.conditions.newest}
        views = [Cutoffs(each, at) for each in asked.policies for at in times(asked.now)]
        wanted = _wanted(_builders(states, staying, asked)) if asked.scan else {}
        scanned = scan_views(log, views, wanted, stop)
        states |= {each.segment: each for each in scanned.unread}  # segments that have changed meanwhile
        sample = None
        if asked.draw:
            from asynclog.runner.steps.sample import Question, read_sample  # noqa: PLC0415

            sample = read_sample(log, states, Question(views, staying, asked.draw, asked.share), stop)
            states |= {each.segment: each for each in sample.unread}
        unread = [each for each in states.values() if isinstance(each, Segment) and each.is_readable and not sample]
        return _Part(
            states,
            scanned.stats,
            staying,
            Unknown(len(unread), sum(segment.fingerprint.size for segment in unread)),
            sum(most_unpacked(segment.name, segment.fingerprint.size) for segment in unread),
            inventory.reads.bytes + scanned.read + (sample.bytes if sample else 0),
            sum(segment.fingerprint.size for segment in log.segments.values()),
            notices_of(log, asked.policies[0], list(states.values()), stop),
            [],
            freed_by_budget(log, states, asked.policies[0], scanned.stats[0], freed)
            if settings.budget.is_set
            else None,
            (sample,) if sample else (),
        )


def _all(logs: Logs, asked: _Asked, stop: StopRequest) -> _Part:
    """Return what is known of all logs as if they were one, whose segments have their paths for names."""
    failures = list(map(escape_surrogates, logs.unlisted))
    states: dict[str, SegmentState] = {}
    views: list[dict[str, SegmentStats]] = [{} for _ in range(len(asked.policies) * len(IN_DAYS))]
    staying: set[str] = set()
    notices: dict[str, Notices] = {}
    budgets: list[BudgetFrees | None] = []
    freed: Counter[int] = Counter()
    samples: list[SampleRead] = []
    asked = asked._replace(share=1 / max(1, len(logs.folders or ())))
    unknown = unknown_bytes = most = read = size = 0
    for folder in stop.progress.each(logs.folders or ()):
        try:
            part = _part(logs.at(folder), asked, stop, freed)
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
        samples += part.samples
        unknown, unknown_bytes = unknown + part.unknown.segments, unknown_bytes + part.unknown.bytes
        most, read, size = most + part.most, read + part.read, size + part.size
    warnings = policy_warnings(logs, asked.policies[0], states.values(), complete=not failures)
    together = combined_notices(notices, warnings)
    budget = sum_budgets(each for each in budgets if each)
    unread = Unknown(unknown, unknown_bytes)
    return _Part(states, views, staying, unread, most, read, size, together, failures, budget, tuple(samples))


def _sample_told(samples: Sequence["SampleRead"], seed: int) -> Sample:
    """Return what is told of the samples of all logs."""
    from asynclog.forecast.sample_estimator import CONFIDENCE  # noqa: PLC0415

    return Sample(
        seed=seed,
        confidence=CONFIDENCE,
        segments=sum(each.segments for each in samples),
        blocks=sum(each.blocks for each in samples),
        bytes=sum(each.bytes for each in samples),
        of_segments=sum(each.of_segments for each in samples),
        of=sum(each.of for each in samples),
    )


def _add_ages(ages: LogAges, part: _Part, cutoffs: Cutoffs) -> None:
    """Add what each segment holds, with what has expired of it today as far as that is known."""
    ages.policy = cutoffs.policy
    for name, state in part.states.items():
        stats = part.views[0].get(name) or (project(state, cutoffs) if isinstance(state, SegmentStats) else None)
        ages.add(stats or state)


def _refuse_unknown(retention: Sequence[str], policy: Policy, states: Iterable[SegmentState]) -> None:
    for word in retention:
        refuse_unknown(f"--retention {word}", scope_of(word), policy, states)


def _builders(states: Mapping[str, SegmentState], staying: set[str], asked: _Asked) -> list[ForecastBuilder]:
    stats = [state for state in states.values() if isinstance(state, SegmentStats)]
    return [ForecastBuilder(stats, Cutoffs(policy, asked.now), staying) for policy in asked.policies]


def _wanted(builders: Sequence[ForecastBuilder]) -> dict[str, list[int]]:
    """Return the views that each ambiguous segment has to be scanned for; views are numbered by policy and time."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for number, builder in enumerate(builders):
        for place, segment in builder.doubts():
            wanted[segment].append(number * len(IN_DAYS) + place)
    return wanted
