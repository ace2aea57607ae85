"""`asynclog apply`: a plan file and options -> one job that carries out the plan -> its report."""

import argparse
import os
from functools import partial

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level_of_cleanup, settings_of
from asynclog.cli.files import report_options
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.logs import one_log
from asynclog.config.paths.usable_paths import absolute
from asynclog.config.paths.wildcards import escaped
from asynclog.config.reading.file_text import read_text
from asynclog.config.settings import Settings
from asynclog.config.values.units import seconds
from asynclog.errors import ConfigurationError
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import as_text
from asynclog.report.plan_file import PlanFile, approved_plan, parse_plan
from asynclog.report.plan_origin import PlannedConfiguration
from asynclog.timestamps import SECOND

LARGEST = 1 << 30  # bytes; a segment takes a few hundred

HELP = Help(
    description="Carry out a plan that `cleanup --dry-run --plan-out` wrote: nothing beyond it, nothing that has "
    "changed since, and only what has expired under the policy of that plan, or is still over its budget. The plan "
    "knows its log, configuration and policy: name none, unless the plan is somebody else's file.",
    example="asynclog apply plan.json",
    exits={
        **ALWAYS,
        0: "done, or nothing left to do: what has changed since was skipped",
        2: "usage, configuration or schema error, or not a plan for what is there: nothing was touched",
        3: "partly done: some segments failed; the report says why",
        4: "another job holds the log",
        5: "refused by a guard: nothing was touched",
        6: "refused by the profile's hook `before`: nothing was touched",
    },
)


class ApplyOptions(groups.DeletionOptions, frozen=True, kw_only=True):
    """The options of `asynclog apply`."""

    file: str
    max_age: str
    html: str | None
    csv: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("file", metavar="FILE", help="the plan")
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG_DECISIONS)
    report_options.html(parser)
    report_options.csv(parser)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    groups.deletion(parser)
    parser.add_argument(
        "--max-age", metavar="DURATION", default="24h", help="refuse a plan that is older than this (default: 24h)"
    )


def run(options: ApplyOptions, call: Call) -> Report:
    """Carry out the plan that these options name, and return the report."""
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.lifecycle.attend_run import attended
    from asynclog.runner.lifecycle.record_run import recorded
    from asynclog.runner.steps.begin_cleanup import begin_run

    valid_for = int(seconds("--max-age", options.max_age) * SECOND)
    plan, settings = _plan_and_settings(options)
    files = call.resources.enter_context(report_options.files_of([one_log(settings)], options.html, options.csv))
    approved = approved_plan(plan, options.file, valid_for)
    verbose, ages = options.debug or files is not None, files.ages if files else None
    run = begin_run(settings, verbose=verbose, approved=approved, wiring=call.wiring, ages=ages)

    def work() -> Report:
        report = clean_up(run, call.signals).report
        call.signals.defer()
        if files:
            report = files.tell_cleanup(report, plan.checksum, of_plan=True, with_keeps=options.debug)
        return report

    told = report_options.failure_told(files, run, call.signals, plan.checksum)
    attend = partial(attended, settings, run.run_id, work, call.signals, dry_run=False, failure_told=told)
    report = recorded(run, attend)
    call.signals.finish()
    return report


def _plan_and_settings(options: ApplyOptions) -> tuple[PlanFile, Settings]:
    """Return the plan, and the settings that the command line asks for, or the plan if that names no log."""
    if any((options.config, options.profile, options.path, options.schemas)):
        settings = settings_of(options)
        return parse_plan(read_text(options.file, LARGEST), options.file), settings
    text = read_text(absolute(options.file, "the plan"), LARGEST, "plan")
    plan = parse_plan(text, options.file)
    if plan.configuration is None:
        return plan, settings_of(options)
    try:
        return plan, settings_of(_as_planned(options, plan.configuration))
    except ConfigurationError as error:
        problem = "what this plan was made under can't be used any more"
        raise ConfigurationError(f"{options.file}: {problem}: {error}") from None


def _as_planned(options: ApplyOptions, under: PlannedConfiguration) -> ApplyOptions:
    """Return the options as if the command line had named what the plan was made under."""
    return msgspec.structs.replace(
        options,
        config=under.path,
        profile=under.profile,
        path=None
        if under.log is None
        else os.path.join(escaped(os.path.dirname(under.log)), os.path.basename(under.log)),
        schemas=under.schemas,
    )


COMMAND = Command(HELP, ApplyOptions, add_arguments, run, as_text, log_level_of_cleanup, as_text)
