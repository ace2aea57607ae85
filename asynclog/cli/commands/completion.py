"""`asynclog completion`: the script that makes a shell complete commands and options."""

import argparse
from typing import Literal

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level
from asynclog.cli.parser import ALWAYS, Help, every_parser
from asynclog.report.completion.result import CompletionResult, as_text
from asynclog.report.envelope import CommandResult

Shell = Literal["bash", "zsh", "fish"]

HELP = Help(
    description="Print the script that makes a shell complete asynclog's commands and options, for its start-up file: "
    'in bash eval "$(asynclog completion bash)".',
    example="asynclog completion bash",
    exits={**ALWAYS, 0: "done"},
)


class CompletionOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog completion`."""

    shell: Shell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("shell", metavar="SHELL", choices=["bash", "zsh", "fish"], help="bash, zsh or fish")
    groups.output(parser, debug=groups.DEBUG)
    parser.set_defaults(path=None, allow_unsafe_folder=False, jobs=None)


def run(options: CompletionOptions, call: Call) -> CommandResult[CompletionResult]:
    """Return the script for the shell that was named."""
    from asynclog.cli.completion_script import script_for

    del call
    script = script_for(options.shell, every_parser())
    message = f"Completion for {options.shell}"
    return CommandResult(CompletionResult(status="success", message=message, shell=options.shell, script=script))


COMMAND = Command(HELP, CompletionOptions, add_arguments, run, as_text, log_level, verbatim=True)
