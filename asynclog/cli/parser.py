"""The command line: its commands, and the layout of their help. Only parses; `config` interprets the values.

The module of a command, `asynclog.cli.commands.<name>`, defines its options; it is imported only for that command.
"""

import argparse
import os
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
    "show": "print a plan or a saved report for people",
    "history": "show the last runs of a log",
    "help": "show the help of a command",
    "completion": "print the script that completes commands and options in a shell",
}
ALIASES = {"cleanup": ["log-cleanup"]}
ALONE = {"-h", "--help", "-V", "--version"}  # what needs no command

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

    `named` is the parser of the command that they name, which knows its options. argparse imports shutil to find the
    terminal's width: avoid that unless there is help to show.
    """

    def __init__(self, *, words: Sequence[str] = (), **keywords: Any) -> None:
        self._words = words
        self.named: Parser | None = None
        self.page: Help | None = None
        super().__init__(**keywords, formatter_class=partial(argparse.HelpFormatter, width=80), allow_abbrev=False)

    def format_help(self) -> str:
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def print_help(self, file: object = None) -> None:
        """Print it as a result is: argparse ignores that it could not be written."""
        from asynclog.cli.output import print_text

        del file
        print_text(self.format_help().removesuffix("\n"))

    def arguments(self) -> list[argparse.Action]:
        """Return its options and positional arguments, apart from those that its help does not show."""
        return [each for each in self._actions if each.help is not argparse.SUPPRESS]

    def error(self, message: str) -> NoReturn:
        from asynclog.cli.usage_errors import in_words

        raise ConfigurationError(in_words(message, self._words, self.named or self))


class _Version(argparse.Action):
    """Print version and reader, looked up only on demand."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from asynclog.records.kernel import choose_reader
        from asynclog.version import VERSION

        reader = choose_reader(os.environ.get("ASYNCLOG_READER"))
        if "--json" in self.const:
            from asynclog.cli.output import print_document
            from asynclog.report.version.result import VersionResult

            print_document(VersionResult("success", f"asynclog {VERSION}", VERSION, reader))
        else:
            from asynclog.cli.output import print_text

            print_text(f"asynclog {VERSION}\nreader: {reader}")
        parser.exit()


def make_parser(words: Sequence[str]) -> Parser:
    """Return the parser of this command line, which raises ConfigurationError for an unknown argument.

    Only the command that these words name gets its options. Raise ConfigurationError if they name none.
    """
    top = Parser(words=words, prog="asynclog", description="Retention for JSONL audit logs, per audit schema.")
    version = "print the version, and which reader is in use; with --json as JSON"
    top.add_argument("-V", "--version", action=_Version, nargs=0, const=words, help=version)
    add_parser = top.add_subparsers(metavar="COMMAND", required=True).add_parser
    named = next((word for word in words if not word.startswith("-")), "")
    for name, summary in COMMANDS.items():
        aliases = ALIASES.get(name, [])
        parser = add_parser(name, aliases=aliases, help=summary, words=words)
        if named in {name, *aliases}:
            top.named = _with_options(parser, name)
    is_alone = words and {*words} <= {*ALONE, "--json"} and {*words} != {"--json"}
    if not is_alone and (top.named is None or words[0] != named):
        from asynclog.cli.usage_errors import no_command

        raise ConfigurationError(no_command(words))
    return top


def every_parser() -> dict[str, Parser]:
    """Return the parser of each command, with its options, by its name."""
    return {name: make_parser([name]).named or Parser() for name in COMMANDS}


def as_help(words: Sequence[str]) -> Sequence[str]:
    """Return the command line that shows the help which these words ask for; else the same words."""
    if not words:
        return ["--help"]
    if words[0] in {"-h", "--help"} and len(words) > 1 and not words[1].startswith("-"):
        return ["help", *words[1:]]
    return words


def _with_options(parser: Parser, name: str) -> Parser:
    command = import_module(f"asynclog.cli.commands.{name}").COMMAND
    parser.page = command.help
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in sorted(parser.page.exits.items()))
    parser.description = parser.page.description
    parser.epilog = f"example:\n  {parser.page.example}\n\nexit status:\n{codes}"
    command.add_arguments(parser)
    parser.set_defaults(command=command)
    return parser


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
