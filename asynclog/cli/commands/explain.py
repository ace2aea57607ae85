"""`asynclog explain`: options -> settings and policy -> why each segment is as it is."""

import argparse
import os
from typing import TYPE_CHECKING

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level, logs_of
from asynclog.cli.files import report_options
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.configuration_file import MXCPS, OURS, nearest
from asynclog.config.logs import Logs
from asynclog.config.paths.usable_paths import working_folder
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.result import ExplainResult
from asynclog.report.explain.text import as_text

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles

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
    html: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "segment",
        metavar="SEGMENT",
        nargs="?",
        help="one segment, by name or path (default: all of them); or, without a configuration, the log",
    )
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG)
    report_options.html(parser)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    parser.add_argument("--schema", metavar="KEY", help="only this audit schema: NAME, or NAME:VERSION, or a pattern")


def run(options: ExplainOptions, call: Call) -> CommandResult[ExplainResult]:
    """Return the explanation that these options ask for."""
    from asynclog.runner.explain import explain_log

    options = _with_bare_log(options)
    logs = logs_of(options)
    settings = _log_of(logs, options.segment)
    files = call.resources.enter_context(report_options.files_of([logs], options.html))
    ages = files.ages if files else None
    with call.signals.deferred("while the log was read"):
        found = explain_log(settings, options.segment, options.schema, call.signals, ages=ages, wiring=call.wiring)
    return _with_files(files, found) if files else found


def _with_files(files: "ReportFiles", found: CommandResult[ExplainResult]) -> CommandResult[ExplainResult]:
    from asynclog.report.page.explain import explain_page

    return files.tell(found, lambda ages: explain_page(found, ages))


COMMAND = Command(HELP, ExplainOptions, add_arguments, run, as_text, log_level)


def _with_bare_log(options: ExplainOptions) -> ExplainOptions:
    """Return the options with the log that a path alone means: that of the segment, or the log itself, all of it."""
    segment = options.segment
    if not segment or not os.path.isfile(segment) or options.path or options.config or options.profile:
        return options
    if any(nearest(name, working_folder()) for name in (OURS, MXCPS)):
        return options
    from asynclog.config.paths.path_problems import log_of

    log = log_of(segment)
    return msgspec.structs.replace(options, path=log or segment, segment=segment if log else None)


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
