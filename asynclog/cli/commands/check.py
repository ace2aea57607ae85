"""`asynclog check`: options -> settings and policy -> what they mean for the log as it is."""

import argparse

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level, logs_of
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.logs import Logs
from asynclog.config.policy_file import policy_of
from asynclog.formatting import summarize_errors
from asynclog.plan.guards import short_retention_rules
from asynclog.policy.rules import Policy
from asynclog.report.check.build import Subject, make_coverage
from asynclog.report.check.result import CheckResult
from asynclog.report.check.text import as_text
from asynclog.report.envelope import CommandResult
from asynclog.report.holdings import Holdings, sum_holdings
from asynclog.report.provenance import who
from asynclog.report.warnings.notices import Notices

HELP = Help(
    description="Validate configuration and policy, and show the rule of each audit schema in the log, "
    "the schemas that have none, and the rules that match nothing. Nothing is changed.",
    example="asynclog check --config /etc/asynclog/asynclog.yaml",
    exits={
        **ALWAYS,
        0: "valid, even if a schema has no rule",
        3: "valid, but some segments could not be read, or, with --strict, there is a warning",
    },
)


class CheckOptions(groups.LogOptions, frozen=True, kw_only=True):
    """The options of `asynclog check`."""

    strict: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.bare_log(parser)
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG)
    groups.jobs(parser)
    groups.catalog(parser)
    parser.add_argument("--strict", action="store_true", help="exit 3 if there is any warning")


def run(options: CheckOptions, call: Call) -> CommandResult[CheckResult]:
    """Return the result of checking the log that these options name."""
    return _check(logs_of(options), call, strict=options.strict)


COMMAND = Command(HELP, CheckOptions, add_arguments, run, as_text, log_level, as_text)


def _check(logs: Logs, call: Call, *, strict: bool) -> CommandResult[CheckResult]:
    from asynclog.runner.steps.provenance import provenance_of

    settings = logs.settings
    configuration = None if settings.profile is None else settings.source
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        provenance = provenance_of(settings)
        skipped = CheckResult("skipped", message, configuration=configuration, profile=settings.profile)
        return CommandResult(msgspec.structs.replace(skipped, log=provenance.log, **who(provenance)))
    logs.must_share_policy("check")
    policy = policy_of(settings)
    with call.signals.deferred("while the log was read"):
        holdings, notices = _seen(logs, policy, call)
    log, provenance = logs.path, provenance_of(settings, policy)
    schemas = policy.source.path if policy.source else settings.schemas
    subject = Subject(configuration, settings.profile, log, schemas, provenance, settings.fields, settings.budget)
    short = [f"{each}: a cleanup would be refused" for each in short_retention_rules(policy, settings.guard)]
    report = holdings.command_result(make_coverage(holdings, policy, subject, short, notices))
    return _strictly(report) if strict else report


def _seen(logs: Logs, policy: Policy, call: Call) -> tuple[Holdings, Notices]:
    """Return what the log, or all of them, hold, and what needs attention."""
    if logs.folders is None:
        from asynclog.runner.inspect import inspect

        states, notices = inspect(logs.settings, policy, call.signals, call.wiring)
        return sum_holdings(states or []), notices
    from asynclog.runner.inspect_all import inspect_all

    found = inspect_all(logs, policy, call.signals, call.wiring)
    return sum_holdings(found.states).with_failures(found.failures), found.notices


def _strictly(report: CommandResult[CheckResult]) -> CommandResult[CheckResult]:
    """Return the same result, with every warning as an error."""
    wrong = summarize_errors([*report.result.errors, *report.result.warnings])
    return report if wrong is None else CommandResult(report.result, 3, wrong)
