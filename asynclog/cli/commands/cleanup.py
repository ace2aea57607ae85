"""`asynclog cleanup`: options -> settings -> one job, or one for each profile -> its report."""

import argparse
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level_of_cleanup, logs_of
from asynclog.cli.files import report_options
from asynclog.cli.files.metrics_file import MetricsFile, metrics_file
from asynclog.cli.files.plan_out import digest_of, planned_file, write_plan
from asynclog.cli.parser import ALWAYS, Help
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import as_text

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles


# Bytes that a dry run has found to go so far, by device.
Freed = Counter[int]

HELP = Help(
    description="Delete the records that have expired under their own audit schema's rule, and nothing else; if the "
    "profile sets a budget (max_bytes, min_free), then the oldest segments, too, as long as the log is over it.",
    example="asynclog cleanup --path audit/logs.jsonl --schemas schemas.yaml --dry-run",
    exits={
        **ALWAYS,
        0: "done, or nothing to do",
        3: "partly done: segments failed, too much is overdue or unjudged, or no metrics; the report says why",
        4: "another job holds the log",
        5: "refused by a guard: nothing was touched",
        6: "refused by the profile's hook `before`: nothing was touched",
    },
)


class CleanupOptions(groups.DeletionOptions, frozen=True, kw_only=True):
    """The options of `asynclog cleanup`."""

    dry_run: bool
    plan_out: str | None
    all_profiles: bool
    max_overdue: str | None
    metrics_file: str | None
    html: str | None
    csv: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.bare_log(parser)
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG_DECISIONS)
    add = parser.add_argument
    add("-n", "--dry-run", action="store_true", help="say what would be deleted, and touch nothing")
    add(
        "--plan-out",
        metavar="FILE",
        help="write a dry run's plan to this file, to review and apply; never overwrites anything but a plan",
    )
    report_options.html(parser)
    report_options.csv(parser)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    groups.deletion(parser)
    add("--all-profiles", action="store_true", help="clean up each profile's log in turn, even if one fails")
    add(
        "--max-overdue",
        metavar="DURATION",
        help="exit 3 if something that expired longer ago than this, such as 7d, is still there, or if a segment that "
        "could not be judged is older",
    )
    add(
        "--metrics-file",
        metavar="FILE",
        help="write metrics of the run to this file, for Prometheus: a *.prom file in node_exporter's textfile "
        "folder; never overwrites anything but metrics",
    )


def run(options: CleanupOptions, call: Call) -> Report:
    """Run the job that these options ask for, or one for each profile, and return the report."""
    metrics = metrics_file(options.metrics_file, options.path, dry_run=options.dry_run)
    file = call.resources.enter_context(metrics)
    named = {"--html": options.html, "--csv": options.csv, "--plan-out": options.plan_out}
    report_options.must_differ({**named, "--metrics-file": options.metrics_file})
    freed: Freed = Counter()
    if options.all_profiles:
        from asynclog.cli.several_cleanups import every_profile

        report = every_profile(options, call, lambda each, book: _one(each, call, file, freed, book))
    else:
        report = _one(options, call, file, freed)
    call.signals.finish()
    return report


COMMAND = Command(HELP, CleanupOptions, add_arguments, run, as_text, log_level_of_cleanup, as_text)


def _one(
    options: CleanupOptions, call: Call, file: MetricsFile, freed: Freed, book: "ReportFiles | None" = None
) -> Report:
    """Clean up the log of these options, or each of many; `book` are the files about all profiles, if there are any."""
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.lifecycle.attend_run import attended
    from asynclog.runner.lifecycle.record_run import recorded
    from asynclog.runner.steps.begin_cleanup import begin_run
    from asynclog.runner.steps.budget import note_freed

    logs, files = logs_of(options), book
    if not options.all_profiles:
        files = call.resources.enter_context(report_options.files_of([logs], options.html, options.csv))
    own = files if book is None else None
    settings, dry_run = logs.settings, options.dry_run

    def tell(report: Report, digest: str) -> Report:
        return own.tell_cleanup(report, digest, with_keeps=options.debug, dry_run=dry_run) if own else report

    if logs.folders is not None:
        from asynclog.cli.several_cleanups import every_log

        return every_log(
            logs,
            options,
            call,
            freed=freed,
            files=files,
            tell=lambda report: tell(report, ""),
            failure_told=lambda run: report_options.failure_told(own, run, call.signals),
        )
    file.is_about(settings)
    with planned_file(options.plan_out, settings, dry_run=dry_run) as plan_out:
        verbose, ages = options.debug or files is not None, files.begin_log() if files else None
        run = begin_run(settings, dry_run=dry_run, verbose=verbose, wiring=call.wiring, freed=freed, ages=ages)

        def work() -> Report:
            found = clean_up(run, call.signals)
            note_freed(found.plan, freed, dry_run=dry_run)
            call.signals.defer()
            report = found.report
            if plan_out and not call.signals.signal:
                report = write_plan(plan_out, found)
            report = tell(report, digest_of(found) if own else "")
            return file.tell(report, as_json=options.json)

        told = report_options.failure_told(own, run, call.signals)
        attend = partial(attended, settings, run.run_id, work, call.signals, dry_run=dry_run, failure_told=told)
        return recorded(run, attend)
