"""`--metrics-file`: the outcome of a run, as a file for Prometheus, however the run ends."""

import errno
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING

from asynclog.cli.output import print_error
from asynclog.cli.parser import value_of
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.report.cleanup.result import Report

if TYPE_CHECKING:
    from asynclog.cli.files.user_named_file import NamedFile
    from asynclog.config.settings import Settings
    from asynclog.report.metrics import Labels, Run, Status

# A file with this beginning is ours to replace.
_HEAD = b"# HELP asynclog_"


class MetricsFile:
    """The metrics file of one run, made by `metrics_file`. Without a path it does nothing."""

    def __init__(self, path: str | None, *, dry_run: bool) -> None:
        self._path = path
        self._file: NamedFile | None = None
        self._trouble: OSError | None = None
        self._dry_run = dry_run
        self._begun = time.monotonic()
        self._settings: Settings | None = None
        self._report: Report | None = None
        self._before: tuple[Labels, float] | None = None

    def open(self) -> None:
        """Open the folder of the file. If that fails, the write reports it.

        What makes metrics is imported now: where the package is upgraded meanwhile, it may be gone at the end of the
        run, and the report with it.
        """
        if self._path is not None:
            import_module("asynclog.report.metrics")
            from asynclog.cli.files.user_named_file import NamedFile

            try:
                self._file = NamedFile(self._path, _is_metrics)
            except OSError as error:
                self._trouble = error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def check(self) -> None:
        """Raise ConfigurationError if anything else is there."""
        if self._file is not None:
            with suppress(OSError), self._told():  # the write reports it
                self._file.check()

    @contextmanager
    def _told(self) -> Iterator[None]:
        from asynclog.cli.files.user_named_file import OccupiedError

        try:
            yield
        except OccupiedError as error:
            problem = f"something other than metrics of asynclog is there ({error}), and stays"
            raise ConfigurationError(f"--metrics-file {self._path}: {problem}") from None

    def keep_out_of(self, folder: str) -> None:
        """Raise ConfigurationError, and write no file, if it would lie in this folder, the log's own."""
        if self._file is not None and self._file.is_in(folder):
            path, self._path = self._path, None
            raise ConfigurationError(f"--metrics-file {path}: this is the log's own folder: name a file elsewhere")

    def is_about(self, settings: "Settings") -> None:
        """Note which log the run is about. Raise ConfigurationError as `keep_out_of` does."""
        self._settings = settings
        if settings.enabled:  # else the folder need not exist
            self.keep_out_of(settings.folder)

    def tell(self, report: Report, *, as_json: bool) -> Report:
        """Write this report's metrics, and return the report; if that fails, with an error that says so.

        With JSON, print the error to stderr, too: otherwise printing the report does that.
        """
        self._report = report
        problem = self._written(report.exit_code, report.result.status)
        if problem and as_json:
            print_error(problem)
        return report.marred(escape_surrogates(problem)) if problem else report

    def tell_end(self, error: BaseException) -> None:
        """Write what is known of a run that this error ends."""
        problem = self._written(getattr(error, "exit_code", 1), "error")
        if problem:
            print_error(problem)

    def _written(self, exit_code: int, status: "Status") -> str:
        """Write the metrics; return why that could not be done, empty if it could."""
        if self._path is None:
            return ""
        # Most runs write none: importing it takes a fifth of the time of a small job.
        from asynclog.report.metrics import exposition, last_success, log_labels, metrics

        try:
            if self._file is None:
                raise self._trouble or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            with self._told():
                if self._before is None:  # only once: later the file is this run's own
                    before = self._file.read().decode(errors="replace")
                    self._before = last_success(before) or (log_labels(None, ""), 0)
                run = self._run(exit_code, status, *self._before)
                self._file.write(exposition(metrics(run, self._report)))
        except ConfigurationError as error:
            return str(error)
        except OSError as error:
            return f"--metrics-file {self._path}: the metrics can't be written: {error.strerror}"
        return ""

    def _run(self, exit_code: int, status: "Status", before: "Labels", success: float) -> "Run":
        from asynclog.report.metrics import Run, log_labels

        now, settings = time.time(), self._settings
        # If the log is unknown, reuse the previous file's labels.
        labels, free, size = before, None, None
        if settings is not None:
            labels = log_labels(settings.profile, os.path.join(settings.folder, settings.base))
            free, size = _space(settings.folder)
        if exit_code == 0 and not self._dry_run and not (self._report and self._report.judged_nothing):
            success = now
        elif labels != before:
            success = 0
        return Run(labels, now, time.monotonic() - self._begun, exit_code, status, self._dry_run, success, free, size)


@contextmanager
def metrics_file(path: str | None, log: str | None, *, dry_run: bool) -> Iterator[MetricsFile]:
    """Yield the metrics file at `path` for one run, inside the `with`; an error that ends the run is recorded there.

    `log` is the log's path if known. Raise ConfigurationError if the file would lie in the log's folder, or if
    something other than metrics of ours is in the way.
    """
    file = MetricsFile(path, dry_run=dry_run)
    file.open()
    with closing(file):
        if log is not None:
            file.keep_out_of(os.path.dirname(log))
        file.check()
        try:
            yield file
        except BaseException as error:
            file.tell_end(error)
            raise


def tell_usage_error(words: Sequence[str], error: ConfigurationError) -> None:
    """Write the metrics of a run whose command line could not be understood."""
    path, log = value_of("--metrics-file", words), value_of("--path", words)
    with suppress(ConfigurationError), metrics_file(path, log, dry_run=bool({"-n", "--dry-run"} & {*words})):
        raise error


def _is_metrics(name: str, head: bytes) -> bool:
    """Return whether a file is ours, by its content; an empty one only by its name, because it may be a new log."""
    return head.startswith(_HEAD) or (not head and name.endswith(".prom"))


def _space(folder: str) -> tuple[int | None, int | None]:
    """Return free space (for ordinary users) and size of the folder's file system, in bytes; None if unknown."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None, None
    return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
