"""`asynclog check`: options -> settings and policy -> what they mean for the log as it is."""

import os
from typing import Any

import msgspec

from asynclog.cli.command import settings_of
from asynclog.cli.logging import set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.formatting import summarize_errors
from asynclog.plan.guards import short_retention_rules
from asynclog.report.check.result import CheckResult, Subject, make_coverage
from asynclog.report.check.text import as_text
from asynclog.report.envelope import CommandResult
from asynclog.report.holdings import sum_holdings
from asynclog.report.provenance import who
from asynclog.runner.inspect import inspect
from asynclog.runner.provenance import provenance_of


def run(given: dict[str, Any], signals: Signals) -> int:
    """Checks what these options name and prints what came of it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    answer = _check(settings_of(given), signals, strict=given["strict"])
    print_result(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code


def _check(settings: Settings, signals: Signals, *, strict: bool) -> CommandResult[CheckResult]:
    configuration = None if settings.profile is None else settings.source
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        provenance = provenance_of(settings)
        skipped = CheckResult("skipped", message, configuration=configuration, profile=settings.profile)
        return CommandResult(msgspec.structs.replace(skipped, log=provenance.log, **who(provenance)))
    policy = policy_of(settings)
    with signals.deferred("while the log was read"):
        seen = inspect(settings, policy, signals)
    inventory = sum_holdings(seen.states or [])
    log, provenance = os.path.join(settings.folder, settings.base), provenance_of(settings, policy)
    subject = Subject(configuration, settings.profile, log, settings.schemas, provenance)
    short = [f"{each}: a cleanup would be refused" for each in short_retention_rules(policy, settings.guard)]
    answer = inventory.answer(make_coverage(inventory, policy, subject, short, seen.notices))
    return _strictly(answer) if strict else answer


def _strictly(answer: CommandResult[CheckResult]) -> CommandResult[CheckResult]:
    """The same, with every warning an error."""
    wrong = summarize_errors([*answer.result.errors, *answer.result.warnings])
    return answer if wrong is None else CommandResult(answer.result, 3, wrong)
