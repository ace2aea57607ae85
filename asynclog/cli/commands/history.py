"""`asynclog history`: options -> settings -> the last runs of a log, or of many."""

import argparse

from asynclog.catalog.history import read_lines
from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level, logs_of
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.history.result import HistoryResult, HistoryRun, runs_from_lines
from asynclog.report.history.text import as_text
from asynclog.timestamps import parse_instant

HELP = Help(
    description="Show the last runs of `cleanup` and `apply` on a log: when, who, how many records, which plan, and "
    "the exit code; dry runs are marked. Each run leaves a line in the state folder, unless --no-catalog is used.",
    example="asynclog history --config /etc/asynclog/asynclog.yaml",
    exits={**ALWAYS, 0: "done"},
)


class HistoryOptions(groups.LogOptions, frozen=True, kw_only=True):
    """The options of `asynclog history`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.bare_log(parser)
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG)
    groups.state(parser, "where the history is kept")
    parser.set_defaults(jobs=None, no_catalog=False, io_limit=None)


def run(options: HistoryOptions, call: Call) -> CommandResult[HistoryResult]:
    """Return the runs of the log, or logs, that these options name, the latest last. Raise ConfigurationError."""
    del call
    logs = logs_of(options)
    each = [logs.settings] if logs.folders is None else [logs.at(folder) for folder in logs.folders]
    runs = [run for settings in each for run in _runs(settings)]
    if len(each) > 1:
        runs.sort(key=lambda run: parse_instant(run.began) or 0)
    path = escape_surrogates(logs.path)
    known = pluralize(len(runs), "run") if runs else "no run is known"
    message = f"{path}: {known}" if runs else f"{path}: {known} (in {escape_surrogates(logs.settings.state)})"
    return CommandResult(HistoryResult(status="success", message=message, log=path, runs=runs))


COMMAND = Command(HELP, HistoryOptions, add_arguments, run, as_text, log_level, as_text)


def _runs(settings: Settings) -> list[HistoryRun]:
    if not settings.base:
        raise ConfigurationError(f"{settings.source}: no log is named: name one with --path, or another profile")
    try:
        return runs_from_lines(read_lines(settings.state, settings.folder, settings.base))
    except OSError as error:
        raise ConfigurationError(f"{settings.state}: the history can't be read: {error.strerror}") from None
