"""`asynclog cleanup`: options -> settings -> one job, or one for each profile -> its report."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from asynclog.cli.journal import set_up_logging
from asynclog.cli.metrics import MetricsFile, metrics_file
from asynclog.cli.output import show
from asynclog.cli.settings import settings_of
from asynclog.cli.signals import Signals
from asynclog.config.profiles import find_configuration, profile_names
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.job import Job, opened_job
from asynclog.report.document import Report
from asynclog.report.text import as_text
from asynclog.report.totals import combined, failed
from asynclog.stop import Stop


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
    settings = settings_of(given)
    file.is_about(settings)
    with opened_job(settings, dry_run=given["dry_run"], with_keeps=given["debug"]) as job:
        signals.in_flight = True
        return job.answer or _in_an_event_loop(job, signals.stop)


def _every_profile(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    """One after the other, in the file's order; a signal ends them all."""
    for name in ("path", "schemas", "profile", "metrics_file"):
        if given[name]:
            raise ConfigurationError(f"--all-profiles does not go with --{name.replace('_', '-')}")
    config = given["config"] or find_configuration()
    names = profile_names(config)
    if not names:
        raise ConfigurationError(f"{config}: there are no profiles")
    reports: dict[str, Report] = {}
    for name in names:
        if signals.stop.signal:
            break
        try:
            reports[name] = _one({**given, "config": config, "profile": name}, signals, file)
        except AsynclogError as error:
            reports[name] = failed(str(error), error.exit_code)
    return combined(reports)


def _in_an_event_loop(job: Job, stop: Stop) -> Report:
    """An event loop takes longer to start than many a job to say that there is nothing to do."""
    return anyio.run(partial(job.run, stop))
