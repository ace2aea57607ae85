"""What the commands' parsers are made of: options that several of them share, and the form of their help."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeVar

from asynclog.errors import ConfigurationError

Number = TypeVar("Number", int, float)

# What makes a command's parser: `add_parser` of the subparsers of the whole.
AddParser = Callable[..., argparse.ArgumentParser]

# Exit codes that every command has.
ALWAYS = {
    1: "a bug, or an unforeseen error",
    2: "usage, configuration or schema error: nothing was touched",
    130: "stopped by SIGINT",
    143: "stopped by SIGTERM",
}


class Parser(argparse.ArgumentParser):
    """A parser that raises ConfigurationError for a word it does not know.

    To find out how wide the terminal is, argparse imports shutil: here only where there is help to be shown.
    """

    def __init__(self, **words: Any) -> None:
        super().__init__(**words, formatter_class=partial(argparse.HelpFormatter, width=80), allow_abbrev=False)

    def format_help(self) -> str:
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message} ({self.prog} --help says what there is)")


class Help(NamedTuple):
    """What the help of one command says: its line in the list of commands, and its own page."""

    summary: str
    description: str
    example: str
    exits: Mapping[int, str]


def command(add_parser: AddParser, told: Help, name: str, *aliases: str) -> argparse.ArgumentParser:
    """The parser of one command, which `run` of the module `asynclog.cli.<name>` carries out."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in sorted(told.exits.items()))
    parser = add_parser(
        name,
        aliases=aliases,
        help=told.summary,
        description=told.description,
        epilog=f"example:\n  {told.example}\n\nexit status:\n{codes}",
    )
    parser.set_defaults(module=f"asynclog.cli.{name}")
    return parser


def number(what: str, kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """Return what reads an option's value; where it is no such number the sentence says what to write."""

    def parsed(text: str) -> Number:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: write {what}") from None

    return parsed


def which_log(parser: argparse.ArgumentParser) -> None:
    """--config, --profile, --schemas, --path, --allow-unsafe-folder."""
    group = parser.add_argument_group("which log")
    add = group.add_argument
    add(
        "--config",
        metavar="FILE",
        help="asynclog.yaml or mxcp-site.yml; else the nearest one upwards from here, if it is yours or root's",
    )
    add(
        "--profile",
        metavar="NAME",
        help="which profile of it; else ASYNCLOG_PROFILE, else the file's own choice",
    )
    _path(group, "the log's base path, such as audit/logs.jsonl; no configuration is needed then")
    add(
        "--schemas",
        metavar="FILE",
        help="the audit schema definitions; else LOG's own registry, *_schemas.jsonl",
    )
    _allow_unsafe_folder(group)


def which_path(parser: argparse.ArgumentParser) -> None:
    """--path, --allow-unsafe-folder: for a command that takes no configuration."""
    group = parser.add_argument_group("which log")
    _path(group, "the log's base path, such as audit/logs.jsonl")
    _allow_unsafe_folder(group)


def _path(group: argparse._ActionsContainer, meaning: str) -> None:
    group.add_argument("--path", metavar="LOG", help=meaning)


def _allow_unsafe_folder(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--allow-unsafe-folder",
        action="store_true",
        help="as root, even in a folder that others may write to",
    )


def output(parser: argparse.ArgumentParser, *, debug: str) -> None:
    """--json, --debug, --quiet; `debug` says what more the command tells."""
    add = parser.add_argument_group("output").add_argument
    add("--json", action="store_true", help="print the result as JSON")
    add("--debug", action="store_true", help=debug)
    add("--quiet", action="store_true", help="print nothing when all went well")


def now(parser: argparse.ArgumentParser) -> None:
    """--now."""
    parser.add_argument("--now", metavar="INSTANT", help="take this for the present time, such as 2026-11-24T00:00:00Z")


def jobs(parser: argparse.ArgumentParser) -> None:
    """--jobs."""
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=number("a whole number such as 2", int),
        help="how many segments to work on at once; else one per processor",
    )


def catalog(parser: argparse.ArgumentParser) -> None:
    """--state, --no-catalog, --io-limit."""
    add = parser.add_argument
    add("--state", metavar="FOLDER", help="where to keep what was read; else systemd's, or ~/.local/state/asynclog")
    add("--no-catalog", action="store_true", help="neither use nor keep what earlier jobs have read")
    add("--io-limit", metavar="RATE", help="read and write no more than that, such as 200MB/s")


def deletion(parser: argparse.ArgumentParser) -> None:
    """--lock-wait, --break-lock, --weak-leases, --max-runtime, --double-check, --allow-delete-*."""
    add = parser.add_argument
    add("--lock-wait", metavar="DURATION", help="wait so long for another job on this log, such as 90s or 1h")
    add("--break-lock", action="store_true", help="take the lock of a job that is certain to be dead, on another host")
    add("--weak-leases", action="store_true", help="even where the folder's file leases can't be believed")
    add("--max-runtime", metavar="DURATION", help="begin nothing new after so long; the next job goes on there")
    add("--double-check", action="store_true", help="have every line that goes judged by a second reader first")
    add("--allow-delete-all", action="store_true", help="even if that is every record that a rule governs")
    add(
        "--allow-delete-percent",
        metavar="N",
        type=number("a number from 0 to 100, such as 78", float),
        help="the guard's limit for this run, instead of max_delete_percent or the usual 50",
    )
