"""`asynclog apply`: a plan file and options -> one job that carries out the plan -> its report."""

import argparse

from asynclog.cli import options as groups
from asynclog.cli import page_options
from asynclog.cli.command import Call, Command, log_level_of_cleanup, settings_of
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.logs import one_log
from asynclog.config.reading.file_text import read_text
from asynclog.config.units import seconds
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import as_text
from asynclog.report.plan_file import checksum_of, plan_from_text
from asynclog.timestamps import SECOND

LARGEST = 1 << 30  # bytes; a segment takes a few hundred

HELP = Help(
    description="Carry out a plan that `cleanup --dry-run --plan-out` wrote: nothing beyond it, nothing that has "
    "changed since, and only what has expired under the policy of that plan, or is still over its budget.",
    example="asynclog apply plan.json --config /etc/asynclog/asynclog.yaml",
    exits={
        **ALWAYS,
        0: "done, or nothing left to do: what has changed since was skipped",
        2: "usage, configuration or schema error, or not a plan for this log and policy: nothing was touched",
        3: "partly done: some segments failed; the report says why",
        4: "another job holds the log",
        5: "refused by a guard: nothing was touched",
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
    page_options.html(parser)
    page_options.csv(parser)
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
    from asynclog.runner.steps.begin_cleanup import begin_run

    settings = settings_of(options)
    files = call.resources.enter_context(page_options.files_of(one_log(settings), options.html, options.csv))
    valid_for = int(seconds("--max-age", options.max_age) * SECOND)
    text = read_text(options.file, LARGEST)
    approved = plan_from_text(text, options.file, valid_for)
    verbose, ages = options.debug or files is not None, files.ages if files else None
    run = begin_run(settings, verbose=verbose, approved=approved, wiring=call.wiring, ages=ages)
    report = clean_up(run, call.signals).report
    call.signals.finish()
    if files:
        report = files.tell_cleanup(report, checksum_of(text), of_plan=True, with_keeps=options.debug)
    return report


COMMAND = Command(HELP, ApplyOptions, add_arguments, run, as_text, log_level_of_cleanup)
