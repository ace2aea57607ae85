"""`--html` and `--csv`: the result of a command as files to look at, each written whole when the command has ended."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import msgspec

from asynclog.cli.files.option_file import OptionFile
from asynclog.cli.output import print_error
from asynclog.errors import ConfigurationError
from asynclog.forecast.ages import LogAges
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.csv_tables import cleanup_csv, is_csv
from asynclog.report.page.document import is_page


class Result(Protocol):
    """The result of a command, which can end with one more error."""

    def marred(self, sentence: str) -> Self: ...


R = TypeVar("R", bound=Result)


class ReportFiles:
    """The page and the table of one command; each None if it was not asked for.

    `ages` collects what the page draws while the log is read.
    """

    def __init__(self, html: str | None, csv: str | None) -> None:
        self._page = OptionFile("--html", html, "a page", is_page) if html else None
        self._table: OptionFile | None = None
        try:
            self._table = OptionFile("--csv", csv, "a table", is_csv) if csv else None
            if self._page and self._table and self._page.place == self._table.place:
                raise ConfigurationError(f"--html and --csv both name {csv}: give each a file of its own")
        except ConfigurationError:
            self.close()
            raise
        self.ages = LogAges() if html else None

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

    def tell_cleanup(
        self, report: Report, digest: str, *, with_keeps: bool, dry_run: bool = False, of_plan: bool = False
    ) -> Report:
        """Write the files of a cleanup, and return its report: without the segments that stay, unless `with_keeps`."""
        from asynclog.report.page.cleanup import cleanup_page

        def page(ages: LogAges) -> bytes:
            return cleanup_page(report, ages, digest, dry_run=dry_run, of_plan=of_plan)

        told = self.tell(report, page, lambda: cleanup_csv(report))
        return told if with_keeps else msgspec.structs.replace(told, result=_without_keeps(told.result))

    def tell_refused(self, report: Report, digest: str) -> None:
        """Write the files of a cleanup that a guard refused: what it would have done. Print what is wrong with them."""
        told = self.tell_cleanup(report, digest, with_keeps=True)
        for problem in told.result.errors[len(report.result.errors) :]:
            print_error(problem)


def _without_keeps(result: CleanupResult) -> CleanupResult:
    logs = {path: _without_keeps(each) for path, each in result.logs.items()} if result.logs else result.logs
    actions = [row for row in result.actions if row.action != "keep"]
    return msgspec.structs.replace(result, actions=actions, logs=logs)
