"""`asynclog estimate`: options -> settings and policies -> what they free, and when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict

from asynclog.cli.command import settings_of
from asynclog.cli.logging import set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.forecast.log_forecast import IN_DAYS, ForecastBuilder, times
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.overrides import scope_of, with_retention
from asynclog.policy.schema_names import refuse_unknown
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import BytesRead, Estimate, EstimateResult, Unknown, make_estimate
from asynclog.report.estimate.text import as_text
from asynclog.report.holdings import sum_holdings
from asynclog.report.warnings import noticed
from asynclog.runner.inspect import LogInspection, notices_of_none, opened_look
from asynclog.runner.provenance import provenance_of
from asynclog.types import Policy, Segment, SegmentState, SegmentStats


def run(given: dict[str, Any], signals: Signals) -> int:
    """Estimates what these options ask for and prints it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    answer = answer_of(settings_of(given), given["retention"], signals, scan=not given["no_scan"])
    print_result(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code


def answer_of(
    settings: Settings, words: Sequence[str], signals: Signals, *, scan: bool
) -> CommandResult[EstimateResult]:
    """The estimate; `words` are those of --retention. Raises AsynclogError, and StoppedError where a signal came."""
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CommandResult(
            EstimateResult("skipped", message, profile=settings.profile, **asdict(provenance_of(settings)))
        )
    policy = policy_of(settings)
    provenance = provenance_of(settings, policy)
    policies = [policy, with_retention(policy, words)] if words else [policy]
    with signals.held("while the log was read"), opened_look(settings, Policy(), signals.stop) as look:
        if look is None:
            message = f"Nothing to estimate: {settings.folder} does not exist yet"
            _refuse_unknown(words, policy, [])
            nothing = EstimateResult("success", message, profile=settings.profile, **asdict(provenance))
            return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
        found = _estimate(look, policies, words, scan=scan)
        inventory, notices = sum_holdings(look.findings.values()), look.notices(policy)
    return make_estimate(found, inventory, notices, profile=settings.profile, provenance=provenance)


def _refuse_unknown(words: Sequence[str], policy: Policy, findings: Iterable[SegmentState]) -> None:
    for word in words:
        refuse_unknown(f"--retention {word}", scope_of(word), policy, findings)


def _estimate(look: LogInspection, policies: list[Policy], words: Sequence[str], *, scan: bool) -> Estimate:
    """From the catalog; and with `scan`, what it does not know or leaves in doubt is read."""
    look.recall()
    if scan:
        look.read()
    _refuse_unknown(words, policies[0], look.findings.values())
    ledgers = _ledgers(look, policies)
    wanted = _wanted(ledgers) if scan else {}
    views = [Cutoffs(policy, at) for policy in policies for at in times(look.now)]
    judged = look.judge(views, wanted)
    if wanted:
        ledgers = _ledgers(look, policies)  # without the segments that have changed meanwhile
    unknown = [each for each in look.findings.values() if isinstance(each, Segment) and each.is_readable]
    unknown_bytes = sum(segment.fingerprint.size for segment in unknown)
    today, *others = (
        ledger.forecast(judged[number * len(IN_DAYS) :], unknown_bytes) for number, ledger in enumerate(ledgers)
    )
    return Estimate(
        now=look.now,
        today=today,
        what_if=others[0] if others else None,
        read=BytesRead(look.bytes_read, sum(segment.fingerprint.size for segment in look.segments.values())),
        unknown=Unknown(len(unknown), unknown_bytes),
        bounded=not scan,
    )


def _ledgers(look: LogInspection, policies: list[Policy]) -> list[ForecastBuilder]:
    censuses = [finding for finding in look.findings.values() if isinstance(finding, SegmentStats)]
    staying = {segment.name for segment in look.segments.values() if segment.obstacle}
    return [ForecastBuilder(censuses, Cutoffs(policy, look.now), staying) for policy in policies]


def _wanted(ledgers: list[ForecastBuilder]) -> dict[str, list[int]]:
    """For each segment that leaves a doubt, the views that would resolve it: one for each policy and time, in order."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for number, ledger in enumerate(ledgers):
        for time, segment in ledger.doubts():
            wanted[segment].append(number * len(IN_DAYS) + time)
    return wanted
