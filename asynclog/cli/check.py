"""`asynclog check`: options -> settings and policy -> what they mean for the log as it is."""

import os
from typing import Any

from asynclog.cli.journal import set_up_logging
from asynclog.cli.output import show
from asynclog.cli.settings import policy_of, settings_of
from asynclog.cli.signals import Signals
from asynclog.config.settings import Settings
from asynclog.look import look
from asynclog.plan.guards import too_short
from asynclog.report.answers import Answer
from asynclog.report.coverage import CheckResult, Subject, make_coverage
from asynclog.report.coverage_text import as_text
from asynclog.report.inventory import take_inventory


def run(given: dict[str, Any], signals: Signals) -> int:
    """Checks what these options name and prints what came of it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    answer = _check(settings_of(given), signals)
    show(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code


def _check(settings: Settings, signals: Signals) -> Answer[CheckResult]:
    configuration = None if settings.profile is None else settings.source
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return Answer(CheckResult("skipped", message, configuration=configuration, profile=settings.profile))
    policy = policy_of(settings)
    with signals.held("while the log was read"):
        findings = look(settings, policy, signals.stop)
    inventory = take_inventory(findings or [])
    subject = Subject(configuration, settings.profile, os.path.join(settings.folder, settings.base), settings.schemas)
    warnings = [f"{short}: a cleanup would be refused" for short in too_short(policy, settings.guard)]
    if findings is None:
        warnings.append(f"{settings.folder} does not exist yet")
    elif not findings:
        warnings.append(f"{settings.folder} has no segment of {settings.base}")
    return inventory.answer(make_coverage(inventory, policy, subject, warnings))
