"""`asynclog cleanup`: options -> settings -> one job -> its report."""

import os
from functools import partial
from typing import Any

import anyio

from asynclog.cli.journal import set_up_logging
from asynclog.cli.metrics import metrics_file
from asynclog.cli.output import show
from asynclog.cli.signals import Signals
from asynclog.config.options import Options
from asynclog.config.settings import resolve
from asynclog.job import Job, opened_job
from asynclog.report.document import Report
from asynclog.stop import Stop


def run(given: dict[str, Any], signals: Signals) -> int:
    """Runs the job that these options ask for and prints its report; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    options: Options = {name: given[name] for name in Options.__annotations__}  # type: ignore[assignment]
    with metrics_file(given["metrics_file"], given["path"], dry_run=given["dry_run"]) as file:
        settings = resolve(options, os.environ)
        file.is_about(settings)
        with opened_job(settings, dry_run=given["dry_run"], with_keeps=given["debug"]) as job:
            signals.in_flight = True
            report = job.answer or _in_an_event_loop(job, signals.stop)
        signals.in_flight, signals.moment = False, "while the result was written: the job itself was over"
        report = file.tell(report, as_json=given["json"])
        show(report, as_json=given["json"], quiet=given["quiet"])
    return report.exit_code


def _in_an_event_loop(job: Job, stop: Stop) -> Report:
    """An event loop takes longer to start than many a job to say that there is nothing to do."""
    return anyio.run(partial(job.run, stop))
