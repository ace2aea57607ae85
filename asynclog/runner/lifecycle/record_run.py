"""Record a run in the history of its log, however it ends."""

import logging
import time
from collections.abc import Callable

import msgspec

from asynclog.catalog.history import append_line
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_control, escape_surrogates
from asynclog.executors.rate_limit import RateLimiter
from asynclog.report.cleanup.result import Report
from asynclog.report.history.result import HistoryRun, run_to_line
from asynclog.runner.steps.begin_cleanup import Run
from asynclog.runner.steps.provenance import provenance_of
from asynclog.runner.steps.report_cleanup import NO_CATALOG, plan_ref
from asynclog.timestamps import format_instant

logger = logging.getLogger("asynclog")


def recorded(run: Run, work: Callable[[], Report]) -> Report:
    """Do this work and return its report; add a line to the history of the log, also if the work raises.

    A log that is switched off, or whose folder is not there, has no history; nor has any without a state folder. A
    history that can't be written is a warning, but beside an error of the run, which then stands alone.
    """
    settings = run.settings
    if not (settings.enabled and settings.state):
        return work()
    try:
        report = work()
    except BaseException as error:
        code = getattr(error, "exit_code", 1)
        _record(_entry(run, None, code, str(error) or type(error).__name__), run)
        raise
    problem = _record(_entry(run, report, report.exit_code, report.error), run)
    is_told = any(NO_CATALOG in warning for warning in report.result.warnings)  # of the same folder
    return with_warnings(report, [problem] if problem and not is_told else [])


def with_warnings(report: Report, sentences: list[str]) -> Report:
    """Return the report with these warnings, too, and log them."""
    if not sentences:
        return report
    for sentence in sentences:
        logger.warning(escape_control(sentence))
    result = report.result
    return msgspec.structs.replace(
        report, result=msgspec.structs.replace(result, warnings=[*result.warnings, *map(escape_surrogates, sentences)])
    )


def _entry(run: Run, report: Report | None, exit_code: int, error: str | None) -> HistoryRun:
    about, result = provenance_of(run.settings), report.result if report else None
    return HistoryRun(
        began=format_instant(run.started),
        duration_s=round(time.monotonic() - run.begun, 3),
        command="apply" if run.approved else "cleanup",
        dry_run=run.dry_run,
        run_id=run.run_id,
        log=escape_surrogates(run.path),
        profile=run.settings.profile and escape_surrogates(run.settings.profile),
        host=about.host,
        user=about.user,
        version=about.version,
        status=result.status if result else "error",
        records=result.records.deleted if result else 0,
        bytes=result.bytes.freed if result else 0,
        oldest=result.deleted_oldest if result else None,
        newest=result.deleted_newest if result else None,
        plan=result.plan if result else plan_ref(run),
        exit_code=exit_code,
        error=error and escape_surrogates(error),
    )


def _record(entry: HistoryRun, run: Run) -> str:
    """Write an entry; return why that was not possible, empty if it was, or if there is no log to have a history."""
    settings = run.settings
    if not _is_there(run):
        return ""
    try:
        append_line(settings.state, settings.folder, settings.base, run_to_line(entry))
    except OSError as error:
        return f"{settings.state}: the history can't be written: {error.strerror}"
    return ""


def _is_there(run: Run) -> bool:
    """Return whether there is a log, if only one that can't be opened."""
    try:
        with run.wiring.opened_source(run.settings, RateLimiter()):
            return True
    except FileNotFoundError:
        return False
    except ConfigurationError:
        return True
