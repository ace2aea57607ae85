"""`asynclog explain`: options -> settings and policy -> why each segment is as it is."""

import argparse
import os

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level, logs_of
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.logs import Logs
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.result import ExplainResult
from asynclog.report.explain.text import as_text

HELP = Help(
    description="Show for each segment, or for one, which records of which schema keep it and until when, "
    "what is overdue and since when, and which lines are unreadable and why. Nothing is changed.",
    example="asynclog explain logs.jsonl --path audit/logs.jsonl --schemas schemas.yaml",
    exits={
        **ALWAYS,
        0: "done",
        3: "done, but some segments could not be read",
    },
)


class ExplainOptions(groups.TimedOptions, frozen=True, kw_only=True):
    """The options of `asynclog explain`."""

    segment: str | None
    schema: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "segment", metavar="SEGMENT", nargs="?", help="one segment, by name or path (default: all of them)"
    )
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    parser.add_argument("--schema", metavar="KEY", help="only this audit schema: NAME, or NAME:VERSION, or a pattern")


def run(options: ExplainOptions, call: Call) -> CommandResult[ExplainResult]:
    """Return the explanation that these options ask for."""
    from asynclog.runner.explain import explain_log

    settings = _log_of(logs_of(options), options.segment)
    with call.signals.deferred("while the log was read"):
        return explain_log(settings, options.segment, options.schema, call.signals)


COMMAND = Command(HELP, ExplainOptions, add_arguments, run, as_text, log_level)


def _log_of(logs: Logs, segment: str | None) -> Settings:
    """Return the settings of the log, of many the one that has the segment. Raise ConfigurationError."""
    if logs.folders is None:
        return logs.settings
    wanted = os.path.realpath(os.path.dirname(segment)) if segment and "/" in segment else ""
    folder = next((each for each in logs.folders if os.path.realpath(each) == wanted), None)
    if folder is None:
        import shlex

        raise ConfigurationError(
            f"{logs.path} stands for {len(logs.folders):,} logs: name one of their segments by its path, as in "
            f"explain {shlex.quote(logs.a_segment)}, or one log with {logs.name_one}"
        )
    return logs.at(folder)
