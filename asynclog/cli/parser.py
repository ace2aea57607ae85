"""The command line: its commands, and the layout of their help. Only parses; `config` interprets the values.

The module of a command, `asynclog.cli.commands.<name>`, defines its options; it is imported only for that command.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any, NoReturn

import msgspec

from asynclog.errors import ConfigurationError

COMMANDS = {
    "presets": "list the products whose logs are known, and show how to configure one",
    "init": "write a first configuration for a log",
    "check": "validate configuration and policy, and show which rule governs what",
    "estimate": "show what the policy frees now and later, and what another retention would",
    "explain": "show why each segment is kept or not, and when it goes",
    "cleanup": "delete the records that have expired",
    "apply": "carry out a reviewed plan",
}
_ALIASES = {"cleanup": ["log-cleanup"]}

# Exit codes that every command has.
ALWAYS = {
    1: "a bug, or an unforeseen error",
    2: "usage, configuration or schema error: nothing was touched",
    130: "stopped by SIGINT",
    143: "stopped by SIGTERM",
}


class Help(msgspec.Struct, frozen=True):
    """The help page of one command."""

    description: str
    example: str
    exits: Mapping[int, str]


class Parser(argparse.ArgumentParser):
    """A parser that raises ConfigurationError for an argument that it does not know; `words` are the command line.

    argparse imports shutil to find the terminal's width: avoid that unless there is help to show.
    """

    def __init__(self, *, words: Sequence[str] = (), **keywords: Any) -> None:
        self._words = words
        super().__init__(**keywords, formatter_class=partial(argparse.HelpFormatter, width=80), allow_abbrev=False)

    def format_help(self) -> str:
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        hint = _quotes(self._words) if message.startswith("unrecognized arguments") else ""
        raise ConfigurationError(f"{message}{hint} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Print version and reader, looked up only on demand."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from asynclog.records.kernel import choose_reader
        from asynclog.version import VERSION

        reader = choose_reader(os.environ.get("ASYNCLOG_READER"))
        sys.stdout.write(f"asynclog {VERSION}\nreader: {reader}\n")
        parser.exit()


def make_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of this command line, which raises ConfigurationError for an unknown argument.

    Only the command that these words name gets its options.
    """
    top = Parser(words=words, prog="asynclog", description="Retention for JSONL audit logs, per audit schema.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version, and which reader is in use")
    add_parser = top.add_subparsers(metavar="COMMAND", required=True).add_parser
    named = next((word for word in words if not word.startswith("-")), "")
    for name, summary in COMMANDS.items():
        aliases = _ALIASES.get(name, [])
        parser = add_parser(name, aliases=aliases, help=summary)
        if named in {name, *aliases}:
            command = import_module(f"asynclog.cli.commands.{name}").COMMAND
            _describe(parser, command.help)
            command.add_arguments(parser)
            parser.set_defaults(command=command)
    return top


def _describe(parser: argparse.ArgumentParser, page: Help) -> None:
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in sorted(page.exits.items()))
    parser.description = page.description
    parser.epilog = f"example:\n  {page.example}\n\nexit status:\n{codes}"


def _quotes(words: Sequence[str]) -> str:
    """Say what to do if --path has several values, as if the shell had replaced a * in it; else return nothing."""
    values = words[words.index("--path") + 1 :][:2] if "--path" in words else ()
    if len(values) == 2 and not any(value.startswith("-") for value in values):
        return ": --path takes one path: put one with a * in quotes, as in --path '/var/log/*/logs.jsonl'"
    return ""


def value_of(option: str, words: Sequence[str]) -> str | None:
    """Return the value of an option on a `cleanup` command line that the parser has refused; None without one."""
    said = None
    if words[:1] in (["cleanup"], ["log-cleanup"]):
        for word, following in pairwise([*words, ""]):
            if word == option and following and not following.startswith("-"):
                said = following
            elif word.startswith(f"{option}="):
                said = word.removeprefix(f"{option}=")
    return said or None
