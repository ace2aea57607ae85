"""`asynclog show`: a plan, or a saved report -> the same for people."""

import argparse
import json
from typing import Any

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.paths.usable_paths import absolute
from asynclog.config.reading.file_text import read_text
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.report.envelope import CommandResult
from asynclog.report.plan_file import parse_plan
from asynclog.report.show.result import Kind, ShowResult
from asynclog.report.show.saved_report import kind_of, text_of
from asynclog.report.show.text import as_text

LARGEST = 1 << 30  # bytes; a segment takes a few hundred

HELP = Help(
    description="Print a plan that `cleanup --dry-run --plan-out` wrote, or a report that --json printed, for people: "
    "what goes, by which rules, from when to when, and how large it is. Nothing else is read, and nothing changed.",
    example="asynclog show plan.json",
    exits={**ALWAYS, 0: "done"},
)


class ShowOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog show`."""

    file: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("file", metavar="FILE", help="the plan, or the report")
    groups.output(parser, debug=groups.DEBUG)
    parser.set_defaults(path=None, allow_unsafe_folder=False, jobs=None)


def run(options: ShowOptions, call: Call) -> CommandResult[ShowResult]:
    """Return the document in this file, and which kind it is. Raise ConfigurationError if it is none of ours."""
    del call
    path = absolute(options.file, "the file")
    text = read_text(path, LARGEST)
    document = _parsed(text, options.file)
    kind = kind_of(document) or "plan"
    if kind == "plan":
        parse_plan(text, options.file)
    else:
        text_of(document, kind, options.file)
    return CommandResult(
        ShowResult(
            status="success",
            message=f"{_NAMES.get(kind, f'The report of asynclog {kind}')}: {escape_surrogates(path)}",
            file=escape_surrogates(path),
            kind=kind,
            content=document,
        )
    )


COMMAND = Command(HELP, ShowOptions, add_arguments, run, as_text, log_level, as_text)

_NAMES: dict[Kind, str] = {"plan": "A plan", "error": "The report of a command that failed"}


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{source}: this is no plan and no report of asynclog: it is not JSON ({error})"
        ) from None
    if not isinstance(document, dict) or not (kind_of(document) or "checksum" in document or "segments" in document):
        raise ConfigurationError(
            f"{source}: this is no plan and no report of asynclog: name a file that --plan-out wrote, or --json printed"
        )
    return document
