"""`asynclog cleanup`: options -> settings -> one job, or one for each profile -> its report."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from asynclog.cli.files import is_inside, write_whole
from asynclog.cli.journal import set_up_logging
from asynclog.cli.metrics import MetricsFile, metrics_file
from asynclog.cli.output import bug_in_words, complain, complain_of_bug, show
from asynclog.cli.settings import settings_of
from asynclog.cli.signals import Signals, StoppedError
from asynclog.config.profiles import find_configuration, profile_names
from asynclog.config.settings import Settings
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.job import Job, opened_job
from asynclog.report.document import Report
from asynclog.report.text import as_text
from asynclog.report.totals import combined, failed


def run(given: dict[str, Any], signals: Signals) -> int:
    """Runs the job that these options ask for and prints its report; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    with metrics_file(given["metrics_file"], given["path"], dry_run=given["dry_run"]) as file:
        report = _every_profile(given, signals, file) if given["all_profiles"] else _one(given, signals, file)
        signals.in_flight, signals.moment = False, "while the result was written: the job itself was over"
        report = file.tell(report, as_json=given["json"])
        show(report, as_text, as_json=given["json"], quiet=given["quiet"])
    return report.exit_code


def _one(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    settings, plan_out = settings_of(given), given["plan_out"]
    file.is_about(settings)
    if plan_out:
        _check_plan_out(plan_out, settings, dry_run=given["dry_run"])
    with opened_job(settings, dry_run=given["dry_run"], with_keeps=given["debug"]) as job:
        report = carried_out(job, signals)
        if plan_out and not signals.stop.signal:
            _write_plan(plan_out, job)
        return report


def _every_profile(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    """One after the other, in the file's order; a signal ends them all."""
    for name in ("path", "schemas", "profile", "metrics_file", "plan_out"):
        if given[name]:
            raise ConfigurationError(f"--all-profiles does not go with --{name.replace('_', '-')}")
    config = given["config"] or find_configuration()
    names = profile_names(config)
    if not names:
        raise ConfigurationError(f"{config}: there are no profiles")
    return combined(
        {name: _this_profile({**given, "config": config, "profile": name}, signals, file) for name in names}
    )


def _this_profile(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    """One of several: whatever ends it is its report."""
    try:
        with signals.heeded():
            return _one(given, signals, file)
    except (AsynclogError, StoppedError) as error:
        return failed(str(error), error.exit_code, signals.stop.signal)
    except Exception as error:
        if given["debug"]:
            complain_of_bug()
        return failed(bug_in_words(error), 1)


def carried_out(job: Job, signals: Signals) -> Report:
    """The report of the job once it is over. From here on a signal only asks it to stop.

    An event loop takes longer to start than many a job to say that there is nothing to do.
    """
    signals.in_flight = True
    return job.answer or anyio.run(partial(job.run, signals.stop))


def _check_plan_out(path: str, settings: Settings, *, dry_run: bool) -> None:
    if not dry_run:
        raise ConfigurationError("--plan-out writes down what a dry run says: use it with --dry-run")
    if settings.enabled and is_inside(path, settings.folder):
        raise ConfigurationError(f"--plan-out {path}: this lies in the log's own folder: name a file in another one")


def _write_plan(path: str, job: Job) -> None:
    text = job.plan_file()
    if text is None:
        complain(f"--plan-out {path}: there is nothing to plan, and no plan is written")
        return
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"--plan-out {path}: the plan can't be written: {error.strerror}") from None
