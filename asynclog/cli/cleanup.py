"""`asynclog cleanup`: options -> settings -> one job, or one for each profile -> its report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from asynclog.cli.command import settings_of
from asynclog.cli.logging import level_for, set_up_logging
from asynclog.cli.metrics_file import MetricsFile, metrics_file
from asynclog.cli.output import bug_in_words, complain_of_bug, print_error, print_result
from asynclog.cli.signals import Signals, StoppedError
from asynclog.config.profiles import profile_names
from asynclog.config.settings import Settings
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.report.cleanup.combine import combined, failed
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import as_text
from asynclog.report.plan_file import is_plan, plan_to_text
from asynclog.runner.cleanup import CleanupRun, clean_up
from asynclog.runner.run import begin_run
from asynclog.storage.local.atomic_write import NamedFile, OccupiedError


def run(given: dict[str, Any], signals: Signals) -> int:
    """Runs the job that these options ask for and prints its report; the exit status."""
    set_up_logging(level_for(given))
    with metrics_file(given["metrics_file"], given["path"], dry_run=given["dry_run"]) as file:
        report = _every_profile(given, signals, file) if given["all_profiles"] else _one(given, signals, file)
        signals.finish()
        report = file.tell(report, as_json=given["json"])
        print_result(report, as_text, as_json=given["json"], quiet=given["quiet"])
    return report.exit_code


def _one(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    settings = settings_of(given)
    file.is_about(settings)
    with _plan_out(given["plan_out"], settings, dry_run=given["dry_run"]) as plan_out:
        found = clean_up(begin_run(settings, dry_run=given["dry_run"], verbose=given["debug"]), signals)
        signals.defer()
        if plan_out and not signals.signal:
            _write_plan(given["plan_out"], plan_out, found)
        return found.report


def _every_profile(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    """One after the other, in the file's order; a signal ends them all."""
    for name in ("path", "schemas", "profile", "metrics_file", "plan_out"):
        if given[name]:
            raise ConfigurationError(f"--all-profiles does not go with --{name.replace('_', '-')}")
    names = profile_names(given["config"])
    return combined({name: _this_profile({**given, "profile": name}, signals, file) for name in names})


def _this_profile(given: Mapping[str, Any], signals: Signals, file: MetricsFile) -> Report:
    """One of several: whatever ends it is its report."""
    try:
        with signals.interruptible():
            return _one(given, signals, file)
    except (AsynclogError, StoppedError) as error:
        return failed(str(error), error.exit_code, signals.signal)
    except Exception as error:
        if given["debug"]:
            complain_of_bug()
        return failed(bug_in_words(error), 1)


@contextmanager
def _plan_out(path: str | None, settings: Settings, *, dry_run: bool) -> Iterator[NamedFile | None]:
    """The file for the plan, if there is to be one. Raises ConfigurationError before the job begins."""
    if not path:
        yield None
        return
    if not dry_run:
        raise ConfigurationError("--plan-out writes down what a dry run says: use it with --dry-run")
    with _told(path):
        file = NamedFile(path, lambda _, head: is_plan(head))
    try:
        with _told(path):
            inside = settings.enabled and file.is_inside(settings.folder)
        if inside:
            raise ConfigurationError(
                f"--plan-out {path}: this lies in the log's own folder: name a file in another one"
            )
        with _told(path):
            file.check()
        yield file
    finally:
        file.close()


def _write_plan(path: str, file: NamedFile, found: CleanupRun) -> None:
    if found.plan is None or found.origin is None:
        print_error(f"--plan-out {path}: there is nothing to plan, and no plan is written")
        return
    with _told(path):
        file.write(plan_to_text(found.plan, found.origin).encode())


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Has an error be a sentence."""
    try:
        yield
    except OccupiedError as error:
        problem = f"something else than a plan of asynclog is there ({error}), and stays: name another file"
        raise ConfigurationError(f"--plan-out {path}: {problem}") from None
    except OSError as error:
        raise ConfigurationError(f"--plan-out {path}: the plan can't be written: {error.strerror}") from None
