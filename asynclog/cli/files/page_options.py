"""The options --html and --csv, and the files that they ask for: only then is what makes these imported."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles
    from asynclog.config.logs import Logs


def html(parser: argparse.ArgumentParser) -> None:
    """Add --html."""
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write a page with charts to this file, for a browser or paper; never overwrites anything but such a page",
    )


def csv(parser: argparse.ArgumentParser) -> None:
    """Add --csv."""
    parser.add_argument(
        "--csv",
        metavar="FILE",
        help="write the figures to this file, for a spreadsheet; never overwrites anything but such a file",
    )


@contextmanager
def files_of(logs: "Logs", html: str | None, csv: str | None = None) -> Iterator["ReportFiles | None"]:
    """Yield the files of a command about these logs, None if it is to write none.

    Raise ConfigurationError, before anything is done, if a file can't be written there.
    """
    if not html and not csv:
        yield None
        return
    from asynclog.cli.files.report_files import ReportFiles

    logs.must_share_policy("a page" if html else "a table")
    files = ReportFiles(html, csv)
    try:
        files.check((logs.folders or (logs.settings.folder,)) if logs.settings.enabled else ())
        yield files
    finally:
        files.close()
