"""Estimate what a policy frees now and later, and what other retention would: from the catalog, else by reading."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from asynclog.cancellation import StopRequest
from asynclog.config.logs import Logs
from asynclog.config.policy_file import policy_of
from asynclog.escaping import escape_surrogates
from asynclog.forecast.ages import LogAges
from asynclog.forecast.log_forecast import IN_DAYS, Forecast
from asynclog.plan.stats_at_cutoffs import project
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.mistyped_schema import refuse_unknown
from asynclog.policy.retention_overrides import scope_of, with_retention
from asynclog.policy.rules import Policy
from asynclog.records.fields import Fields, shortest_line
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.build import Estimate, make_estimate
from asynclog.report.estimate.result import BytesRead, EstimateResult, Sample
from asynclog.report.holdings import sum_holdings
from asynclog.report.packed_segments import sum_packed
from asynclog.report.warnings.notices import noticed
from asynclog.report.warnings.override_warnings import idle_override_warnings
from asynclog.runner.inspect import notices_of_none, now_of
from asynclog.runner.steps.provenance import provenance_of
from asynclog.runner.steps.read_for_estimate import Asked, Part, builders, read_part, read_parts
from asynclog.runner.wiring import Wiring
from asynclog.statistics import SegmentState, SegmentStats

if TYPE_CHECKING:
    from asynclog.forecast.sample_design import Draw
    from asynclog.runner.steps.sample import SampleRead


def estimate_log(  # noqa: PLR0913 - what is asked, and how it is read
    logs: Logs,
    retention: Sequence[str],
    stop: StopRequest,
    *,
    scan: bool,
    seed: int | None = None,
    ages: LogAges | None = None,
    wiring: Wiring | None = None,
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
    asked = Asked(policies, now, scan and seed is None, None if seed is None else _draw(seed))
    part = (
        read_part(settings, asked, stop, Counter(), wiring)
        if logs.folders is None
        else read_parts(logs, asked, stop, wiring)
    )
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
    notices = part.notices
    if asked.scan and retention:
        idle = idle_override_warnings(policies[-1], retention, holdings.by_schema)
        notices = replace(notices, warnings=[*notices.warnings, *map(escape_surrogates, idle)])
    return make_estimate(found, holdings, notices, profile=settings.profile, provenance=provenance)


def _draw(seed: int) -> "Draw":
    from random import Random  # noqa: PLC0415 - few estimates are of a sample

    return Random(seed).randrange  # noqa: S311 - it need not be a secret


def _forecasts(part: Part, asked: Asked, fields: Fields) -> list[Forecast]:
    """Return the forecast under each of the policies."""
    if asked.draw:
        from asynclog.forecast.sampled_forecast import SampledForecasts  # noqa: PLC0415

        samples = [sample for each in part.samples for sample in each.samples]
        forecasts = SampledForecasts(samples, asked.now, shortest_line(fields))
        return [forecasts.forecast(policy, number) for number, policy in enumerate(asked.policies)]
    return [
        builder.forecast(part.views[number * len(IN_DAYS) :], part.most, fields)
        for number, builder in enumerate(builders(part.states, part.staying, asked))
    ]


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


def _add_ages(ages: LogAges, part: Part, cutoffs: Cutoffs) -> None:
    """Add what each segment holds, with what has expired of it today as far as that is known."""
    ages.policy = cutoffs.policy
    for name, state in part.states.items():
        stats = part.views[0].get(name) or (project(state, cutoffs) if isinstance(state, SegmentStats) else None)
        ages.add(stats or state)


def _refuse_unknown(retention: Sequence[str], policy: Policy, states: Iterable[SegmentState]) -> None:
    for word in retention:
        refuse_unknown(f"--retention {word}", scope_of(word), policy, states)
