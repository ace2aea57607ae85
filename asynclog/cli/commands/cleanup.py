"""`asynclog cleanup`: options -> settings -> one job, or one for each profile -> its report."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level_of_cleanup, logs_of
from asynclog.cli.files import page_options
from asynclog.cli.files.metrics_file import MetricsFile, metrics_file
from asynclog.cli.files.plan_out import digest_of, planned_file, write_plan
from asynclog.cli.output import bug_in_words, complain_of_bug
from asynclog.cli.parser import ALWAYS, Help
from asynclog.cli.signals import StoppedError
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import as_text

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles
    from asynclog.config.logs import Logs
    from asynclog.runner.cleanup import CleanupRun


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
    page_options.html(parser)
    page_options.csv(parser)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    groups.deletion(parser)
    add = parser.add_argument
    add("-n", "--dry-run", action="store_true", help="say what would be deleted, and touch nothing")
    add(
        "--plan-out",
        metavar="FILE",
        help="write a dry run's plan to this file, to review and apply; never overwrites anything but a plan",
    )
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
    freed: Freed = Counter()
    report = _every_profile(options, call, file, freed) if options.all_profiles else _one(options, call, file, freed)
    call.signals.finish()
    return report


COMMAND = Command(HELP, CleanupOptions, add_arguments, run, as_text, log_level_of_cleanup, as_text)


def _one(
    options: CleanupOptions, call: Call, file: MetricsFile, freed: Freed, book: "ReportFiles | None" = None
) -> Report:
    """Clean up the log of these options, or each of many; `book` are the files about all profiles, if there are any."""
    from asynclog.runner.attend_run import attended
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.record_run import recorded
    from asynclog.runner.steps.begin_cleanup import begin_run

    logs = logs_of(options)
    files = book
    if not options.all_profiles:
        files = call.resources.enter_context(page_options.files_of([logs], options.html, options.csv))
    if logs.folders is not None:
        return _every_log(logs, logs.folders, options, call, freed, files=files)
    settings = logs.settings
    file.is_about(settings)
    with planned_file(options.plan_out, settings, dry_run=options.dry_run) as plan_out:
        dry_run, verbose, ages = (
            options.dry_run,
            options.debug or files is not None,
            files.begin_log() if files else None,
        )
        run = begin_run(settings, dry_run=dry_run, verbose=verbose, wiring=call.wiring, freed=freed, ages=ages)

        def work() -> Report:
            with page_options.failure_told(None if options.all_profiles else files, run, call.signals):
                found = clean_up(run, call.signals)
            _note(found, freed, dry_run=options.dry_run)
            call.signals.defer()
            report = found.report
            if plan_out and not call.signals.signal:
                report = write_plan(plan_out, found)
            if files and not options.all_profiles:
                report = _told(files, report, digest_of(found), options)
            return file.tell(report, as_json=options.json)

        return recorded(run, partial(attended, settings, run.run_id, work, call.signals, dry_run=options.dry_run))


def _told(files: "ReportFiles", report: Report, digest: str, options: CleanupOptions) -> Report:
    """Write the files that were asked for about this report, and return it."""
    return files.tell_cleanup(report, digest, with_keeps=options.debug, dry_run=options.dry_run)


def _note(found: "CleanupRun", freed: Freed, *, dry_run: bool) -> None:
    """Note what a dry run does not free, and a run would have freed before it comes to the next log."""
    from asynclog.plan.budget_drops import freed_by_device

    if dry_run and found.plan:
        freed.update(freed_by_device(found.plan))


def _every_profile(options: CleanupOptions, call: Call, file: MetricsFile, freed: Freed) -> Report:
    """Clean up one profile after the other, in the file's order, and return the combined report."""
    from asynclog.config.configuration_file import profile_names
    from asynclog.report.cleanup.combine import combined

    for name in ("path", "schemas", "profile", "metrics_file", "plan_out"):
        if getattr(options, name):
            raise ConfigurationError(f"--all-profiles does not go with --{name.replace('_', '-')}")
    names = profile_names(options.config)
    of_profile = {name: msgspec.structs.replace(options, profile=name) for name in names}
    files = call.resources.enter_context(_files_of_all(list(of_profile.values())))
    reports = {}
    for name, each in of_profile.items():
        call.signals.progress.part = f"profile {name}"
        reports[name] = _whatever_ends(partial(_one, each, call, file, freed, files), each, call)
        if files and reports[name].result.logs is None:
            files.end_log(name, reports[name].result.log or "", reports[name])
    report = combined(reports, dry_run=options.dry_run)
    return _told(files, report, "", options) if files else report


def _files_of_all(of_profile: Sequence[CleanupOptions]) -> AbstractContextManager["ReportFiles | None"]:
    """Return the files about the logs of all profiles; one that can't be used is told when its turn comes."""
    html, csv = of_profile[0].html, of_profile[0].csv
    logs = []
    for each in of_profile if html or csv else ():
        with suppress(ConfigurationError):
            logs.append(logs_of(each))
    return page_options.files_of(logs, html, csv)


def _every_log(  # noqa: PLR0913 - what is asked, and what is shared by all
    logs: "Logs",
    folders: Sequence[str],
    options: CleanupOptions,
    call: Call,
    freed: Freed,
    *,
    files: "ReportFiles | None",
) -> Report:
    """Clean up the log in one of these folders after the other, and return the combined report."""
    from asynclog.runner.attend_run import attended
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.record_run import recorded
    from asynclog.runner.report_on_all import report_on_all, shared_policy
    from asynclog.runner.steps.begin_cleanup import begin_run

    for name in ("metrics_file", "plan_out"):
        if getattr(options, name):
            raise ConfigurationError(
                f"--{name.replace('_', '-')} is for one log, and {logs.path} stands for many: name one with "
                f"{logs.name_one}"
            )
    policy = shared_policy(logs)

    def clean(folder: str) -> Report:
        settings, is_dry, verbose = logs.at(folder), options.dry_run, options.debug or files is not None
        run = begin_run(
            settings,
            dry_run=is_dry,
            verbose=verbose,
            wiring=call.wiring,
            policy=policy,
            freed=freed,
            ages=files.begin_log() if files else None,
        )

        def work() -> Report:
            found = clean_up(run, call.signals)
            call.signals.defer()
            _note(found, freed, dry_run=is_dry)
            return found.report

        return recorded(run, work)

    run_id = os.urandom(8).hex()

    def clean_all() -> Report:
        reports: dict[str, Report] = {}
        for folder in call.signals.progress.each(folders):
            path = os.path.join(folder, logs.settings.base)
            reports[path] = _whatever_ends(partial(clean, folder), options, call)
            if files:
                files.end_log(options.profile or "" if options.all_profiles else "", path, reports[path])
            if call.signals.signal:
                break
        report = report_on_all(logs, policy, reports, dry_run=options.dry_run)
        report = msgspec.structs.replace(report, result=msgspec.structs.replace(report.result, run_id=run_id))
        return _told(files, report, "", options) if files and not options.all_profiles else report

    return attended(logs.settings, run_id, clean_all, call.signals, dry_run=options.dry_run)


def _whatever_ends(run: Callable[[], Report], options: CleanupOptions, call: Call) -> Report:
    """Run one cleanup of several, and return its report, whatever ended it."""
    from asynclog.report.cleanup.combine import failed
    from asynclog.runner.cleanup import RefusedRunError

    try:
        with call.signals.interruptible():
            return run()
    except RefusedRunError as error:
        return failed(str(error), error.exit_code, call.signals.signal, error.found.report)
    except (AsynclogError, StoppedError) as error:
        return failed(str(error), error.exit_code, call.signals.signal)
    except Exception as error:
        if options.debug:
            complain_of_bug()
        return failed(bug_in_words(error), 1)
