"""Run one cleanup after the other, in each folder that a path stands for or for each profile, whatever ends one."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from asynclog.cli.command import Call, logs_of
from asynclog.cli.files import report_options
from asynclog.cli.output import bug_in_words, complain_of_bug
from asynclog.cli.signals import StoppedError
from asynclog.config.configuration_file import profile_names
from asynclog.config.logs import Logs
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.policy.rules import Policy
from asynclog.report.cleanup.combine import combined, failed
from asynclog.report.cleanup.result import Report
from asynclog.runner.cleanup import RefusedRunError, clean_up
from asynclog.runner.lifecycle.attend_run import attended
from asynclog.runner.lifecycle.record_run import recorded
from asynclog.runner.report_all_cleanups import report_on_all, shared_policy
from asynclog.runner.steps.begin_cleanup import Run, begin_run
from asynclog.runner.steps.budget import note_freed

if TYPE_CHECKING:
    from asynclog.cli.commands.cleanup import CleanupOptions, Freed
    from asynclog.cli.files.report_files import ReportFiles

Clean = Callable[["CleanupOptions", "ReportFiles | None"], Report]


def every_profile(options: "CleanupOptions", call: Call, clean: Clean) -> Report:
    """Clean up one profile after the other, in the file's order, and return the combined report.

    `clean` does so for the options of one, and notes its log in the files that are about all.
    """
    for name in ("path", "schemas", "profile", "metrics_file", "plan_out"):
        if getattr(options, name):
            raise ConfigurationError(f"--all-profiles does not go with --{name.replace('_', '-')}")
    names = profile_names(options.config)
    of_profile = {name: msgspec.structs.replace(options, profile=name) for name in names}
    files = call.resources.enter_context(_files_of_all(list(of_profile.values())))
    reports = {}
    for name, each in of_profile.items():
        call.signals.progress.part = f"profile {name}"
        reports[name] = _whatever_ends(partial(clean, each, files), each, call)
        if files and reports[name].result.logs is None:
            files.end_log(name, reports[name].result.log or "", reports[name])
    report = combined(reports, dry_run=options.dry_run)
    return files.tell_cleanup(report, "", with_keeps=options.debug, dry_run=options.dry_run) if files else report


def _files_of_all(of_profile: "Sequence[CleanupOptions]") -> AbstractContextManager["ReportFiles | None"]:
    """Return the files about the logs of all profiles; one that can't be used is told when its turn comes."""
    html, csv = of_profile[0].html, of_profile[0].csv
    logs = []
    for each in of_profile if (html, csv) != (None, None) else ():
        with suppress(ConfigurationError):
            logs.append(logs_of(each))
    return report_options.files_of(logs, html, csv)


def every_log(  # noqa: PLR0913 - what is asked, and what is shared by all
    logs: Logs,
    options: "CleanupOptions",
    call: Call,
    *,
    freed: "Freed",
    files: "ReportFiles | None",
    tell: Callable[[Report], Report],
    failure_told: Callable[[Run], AbstractContextManager[None]],
) -> Report:
    """Clean up the log in one folder after the other, and return the combined report, which `tell` has told.

    An error that ends all of it passes `failure_told`.
    """
    for name in ("metrics_file", "plan_out"):
        if getattr(options, name):
            raise ConfigurationError(
                f"--{name.replace('_', '-')} is for one log, and {logs.path} stands for many: name one with "
                f"{logs.name_one}"
            )
    is_dry, verbose = options.dry_run, options.debug or files is not None
    profile = options.profile or "" if options.all_profiles else ""
    whole = begin_run(logs.settings, dry_run=is_dry, wiring=call.wiring)

    def clean(folder: str, policy: Policy | None) -> Report:
        run = begin_run(
            logs.at(folder),
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
            note_freed(found.plan, freed, dry_run=is_dry)
            return found.report

        return recorded(run, work)

    def clean_all() -> Report:
        policy, reports = shared_policy(logs), dict[str, Report]()
        for folder in call.signals.progress.each(logs.folders or ()):
            path = os.path.join(folder, logs.settings.base)
            reports[path] = _whatever_ends(partial(clean, folder, policy), options, call)
            if files:
                files.end_log(profile, path, reports[path])
            if call.signals.signal:
                break
        report = report_on_all(logs, policy, reports, dry_run=is_dry)
        return tell(msgspec.structs.replace(report, result=msgspec.structs.replace(report.result, run_id=whole.run_id)))

    told = failure_told(whole)
    return attended(logs.settings, whole.run_id, clean_all, call.signals, dry_run=is_dry, failure_told=told)


def _whatever_ends(run: Callable[[], Report], options: "CleanupOptions", call: Call) -> Report:
    """Run one cleanup of several, and return its report, whatever ended it."""
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
