"""The options --html and --csv, and the files that they ask for: only then is `report_files` imported."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asynclog.cli.signals import Signals, StoppedError
from asynclog.errors import AsynclogError, ConfigurationError

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles
    from asynclog.config.logs import Logs
    from asynclog.runner.steps.begin_cleanup import Run


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


def must_differ(files: Mapping[str, str | None]) -> None:
    """Raise ConfigurationError if two of these options name one file, by whatever path."""
    places: dict[str, str] = {}
    for option, path in files.items():
        if path:
            other = places.setdefault(_place(path), option)
            if other != option:
                raise ConfigurationError(f"{other} and {option} both name {path}: give each a file of its own")


def _place(path: str) -> str:
    """Return where a path leads to; itself if the working folder is deleted, where nothing can be written."""
    try:
        return os.path.realpath(path)
    except OSError:
        return path


@contextmanager
def files_of(logs: "Sequence[Logs]", html: str | None, csv: str | None = None) -> Iterator["ReportFiles | None"]:
    """Yield the files of a command about these logs, of one profile each; None if it is to write none.

    Raise ConfigurationError, before anything is done, if a file can't be written there.
    """
    if html is None and csv is None:
        yield None
        return
    must_differ({"--html": html, "--csv": csv})
    from asynclog.cli.files.report_files import ReportFiles

    files = ReportFiles(html, csv)
    try:
        files.check([folder for each in logs if each.settings.enabled for folder in each.all_folders])
        yield files
    finally:
        files.close()


@contextmanager
def failure_told(files: "ReportFiles | None", run: "Run", signals: Signals, digest: str = "") -> Iterator[None]:
    """Inside the `with`, write the files also of a run that is refused, is stopped, or can't begin.

    `digest` is that of the plan that is applied, if it is.
    """
    try:
        yield
    except (AsynclogError, StoppedError) as error:
        if files:
            signals.defer()
            files.tell_failure(error, run, signals.signal, digest)
        raise
