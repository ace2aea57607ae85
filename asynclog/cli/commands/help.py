"""`asynclog help`: the page of one command, or the list of all."""

import argparse

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level
from asynclog.cli.parser import ALIASES, ALWAYS, COMMANDS, Help, make_parser
from asynclog.config.nearest_name import did_you_mean
from asynclog.errors import ConfigurationError
from asynclog.report.envelope import CommandResult
from asynclog.report.help.result import HelpResult, as_text

HELP = Help(
    description="Show the help of a command, which is also what its --help shows; without one, the list of commands.",
    example="asynclog help cleanup",
    exits={**ALWAYS, 0: "done"},
)


class HelpOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog help`."""

    about: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("about", metavar="COMMAND", nargs="?", help="which one (default: the list of all)")
    groups.output(parser, debug=groups.DEBUG)
    parser.set_defaults(path=None, allow_unsafe_folder=False, jobs=None)


def run(options: HelpOptions, call: Call) -> CommandResult[HelpResult]:
    """Return the page that was asked for. Raise ConfigurationError if there is no such command."""
    del call
    known = {alias: name for name, aliases in ALIASES.items() for alias in aliases} | {name: name for name in COMMANDS}
    if options.about is None:
        page = make_parser(["--help"]).format_help()
        return CommandResult(HelpResult(status="success", message="All commands", command=None, page=page))
    if options.about not in known:
        near = did_you_mean(options.about, known) or f": there are {', '.join(COMMANDS)}"
        raise ConfigurationError(f"there is no command {options.about!r}{near} (see asynclog --help)")
    name = known[options.about]
    parser = make_parser([name]).named
    page = parser.format_help() if parser else ""
    return CommandResult(HelpResult(status="success", message=f"asynclog {name}", command=name, page=page))


COMMAND = Command(HELP, HelpOptions, add_arguments, run, as_text, log_level, verbatim=True)
