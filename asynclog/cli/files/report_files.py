"""`--html` and `--csv`: the result of a command as files to look at, each written whole when the command has ended."""

from collections.abc import Callable, Sequence
from importlib import import_module
from signal import Signals
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import msgspec

from asynclog.cli.files.option_file import OptionFile
from asynclog.cli.files.plan_out import digest_of
from asynclog.cli.output import print_error
from asynclog.cli.signals import StoppedError
from asynclog.errors import AsynclogError, ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.forecast.ages import LogAges
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.csv_tables import cleanup_csv, is_csv
from asynclog.report.page.document import is_page
from asynclog.runner.cleanup import RefusedRunError
from asynclog.runner.steps.begin_cleanup import Run
from asynclog.runner.steps.provenance import provenance_of
from asynclog.timestamps import format_instant

if TYPE_CHECKING:
    from asynclog.report.page.cleanup.many_logs.parts import LogParts


class Result(Protocol):
    """The result of a command, which can end with one more error."""

    def marred(self, sentence: str) -> Self: ...


R = TypeVar("R", bound=Result)


class ReportFiles:
    """The page and the table of one command; each None if it was not asked for.

    `ages` collects what the page draws while the log is read.
    """

    def __init__(self, html: str | None, csv: str | None) -> None:
        self._page = OptionFile("--html", html, "a page", is_page) if html is not None else None
        self._table: OptionFile | None = None
        try:
            self._table = OptionFile("--csv", csv, "a table", is_csv) if csv is not None else None
        except ConfigurationError:
            self.close()
            raise
        self.ages = LogAges() if self._page else None
        if self._page:  # what is needed after a deletion is loaded before it: the package may be upgraded meanwhile
            for module in ("one_log", "many_logs.page"):
                import_module(f"asynclog.report.page.cleanup.{module}")
        self._parts: LogParts | None = None

    def close(self) -> None:
        for file in filter(None, (self._page, self._table)):
            file.close()

    def check(self, folders: Sequence[str]) -> None:
        """Raise ConfigurationError if a file would lie in one of these folders, or replace anything but its like."""
        for file in filter(None, (self._page, self._table)):
            file.check(folders)

    def tell(self, result: R, page: Callable[[LogAges], bytes], table: Callable[[], bytes] | None = None) -> R:
        """Write the files, and return the result; if that fails, with an error that says so."""
        try:
            if self._page and self.ages:
                self._page.write(page(self.ages))
            if self._table and table:
                self._table.write(table())
        except ConfigurationError as error:
            return result.marred(str(error))
        return result

    def begin_log(self) -> LogAges | None:
        """Return what collects the ages of the next log's records; None if no page draws them."""
        self.ages = LogAges() if self._page else None
        return self.ages

    def end_log(self, profile: str, path: str, report: Report) -> None:
        """Note what became of one log of several; `profile` is empty if they are those of one."""
        if self.ages is None:
            return
        if self._parts is None:
            from asynclog.report.page.cleanup.many_logs.parts import LogParts

            self._parts = LogParts()
        self._parts.add(profile, escape_surrogates(path), report, self.ages)
        self.ages = LogAges()

    def tell_cleanup(
        self, report: Report, digest: str, *, with_keeps: bool, dry_run: bool = False, of_plan: bool = False
    ) -> Report:
        """Write the files of a cleanup, and return its report: without the segments that stay, unless `with_keeps`."""
        parts = self._parts

        def page(ages: LogAges) -> bytes:
            if parts:
                from asynclog.report.page.cleanup.many_logs.page import logs_page

                return logs_page(report, parts, dry_run=dry_run)
            from asynclog.report.page.cleanup.one_log import cleanup_page

            return cleanup_page(report, ages, digest, dry_run=dry_run, of_plan=of_plan)

        told = self.tell(report, page, lambda: cleanup_csv(report))
        return told if with_keeps else msgspec.structs.replace(told, result=_without_keeps(told.result))

    def tell_failure(self, error: AsynclogError | StoppedError, run: Run, stopped: Signals | None, digest: str) -> None:
        """Write the files of a cleanup that ended with this error. Print what is wrong with them."""
        from asynclog.report.cleanup.combine import failed

        refused = error.found if isinstance(error, RefusedRunError) else None
        report = failed(str(error), error.exit_code, stopped, refused.report if refused else None)
        settings = run.settings
        facts = msgspec.structs.asdict(provenance_of(settings))
        about = {**facts, "profile": settings.profile, "now": format_instant(run.now), "run_id": run.run_id}
        report = msgspec.structs.replace(report, result=msgspec.structs.replace(report.result, **about))
        told = self.tell_cleanup(
            report,
            digest or (digest_of(refused) if refused else ""),
            with_keeps=True,
            dry_run=run.dry_run,
            of_plan=bool(digest),
        )
        for problem in told.result.errors[len(report.result.errors) :]:
            print_error(problem)


def _without_keeps(result: CleanupResult) -> CleanupResult:
    actions = [row for row in result.actions if row.action != "keep"]
    logs, profiles = _all_without_keeps(result.logs), _all_without_keeps(result.profiles)
    return msgspec.structs.replace(result, actions=actions, logs=logs, profiles=profiles)


def _all_without_keeps(results: dict[str, CleanupResult] | None) -> dict[str, CleanupResult] | None:
    return {name: _without_keeps(each) for name, each in results.items()} if results else results
