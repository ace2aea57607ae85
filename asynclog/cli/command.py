"""A command of the command line: what it consists of, what all of them share, and how one is run."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from asynclog.cli.options import PathOptions
from asynclog.cli.output import Printable, print_result, set_up_logging
from asynclog.cli.parser import Help
from asynclog.cli.signals import Signals
from asynclog.tables import wrapped

if TYPE_CHECKING:
    from asynclog.config.logs import Logs
    from asynclog.config.settings import Options, Settings
    from asynclog.runner.wiring import Wiring

Given = TypeVar("Given", bound=PathOptions)
Result = TypeVar("Result", bound=Printable)


class Call(msgspec.Struct, frozen=True):
    """The context of a command's work; `resources` are closed once its result is printed."""

    signals: Signals
    resources: ExitStack
    wiring: "Wiring | None" = None


class Command(msgspec.Struct, Generic[Given, Result], frozen=True):
    """A command: its help, its options, what it does with them, and how its result is printed.

    `fitted`, if it prints tables, makes the text for a terminal of so many columns. A text that is `verbatim`, such as
    a script, is none to have colours, or to be wrapped.
    """

    help: Help
    options: type[Given]
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Given, Call], Result]
    as_text: Callable[[Result], str]
    log_level: Callable[[PathOptions], str]
    fitted: Callable[[Result, int], str] | None = None
    verbatim: bool = False


def run_command(given: Namespace, signals: Signals, wiring: "Wiring | None" = None) -> int:
    """Run the command in these arguments, print its result, and return the exit status."""
    command: Command[Any, Any] = given.command
    options = command.options(**{name: getattr(given, name) for name in command.options.__struct_fields__})
    set_up_logging(command.log_level(options))
    with ExitStack() as resources:
        with _display(options, signals):
            result = command.run(options, Call(signals, resources, wiring))
        color = "never" if command.verbatim else options.color
        print_result(result, _text_of(command), as_json=options.json, quiet=options.quiet, color=color)
    status: int = result.exit_code
    return status


def _text_of(command: Command[Any, Result]) -> Callable[[Result], str]:
    """Return what makes the text of a result, for the width of the terminal if it goes to one."""
    if command.verbatim or sys.stdout is None or not sys.stdout.isatty():
        return command.as_text
    columns = os.get_terminal_size(sys.stdout.fileno()).columns
    if not columns:
        return command.as_text
    fitted = command.fitted or (lambda result, _columns: command.as_text(result))
    return lambda result: wrapped(fitted(result, columns), columns)


def _display(options: PathOptions, signals: Signals) -> AbstractContextManager[None]:
    """Return what shows the progress inside a `with`, if it is to be shown."""
    auto = options.progress == "auto" and not options.quiet and sys.stderr is not None and sys.stderr.isatty()
    if not auto and options.progress != "always":
        return nullcontext()
    from asynclog.cli.progress_display import displayed

    return displayed(signals, os.environ)


def log_level(options: PathOptions) -> str:
    """Return the level of a command's log messages."""
    return "DEBUG" if options.debug else "WARNING"


def log_level_of_cleanup(options: PathOptions) -> str:
    """Return the level for a command whose text includes the warnings: log them only if the result is JSON."""
    if options.debug:
        return "DEBUG"
    return "WARNING" if options.json and not options.quiet else "ERROR"


def settings_of(options: PathOptions) -> "Settings":
    """Return the settings of a command for one log, which need not have all options. Raise ConfigurationError."""
    from asynclog.config.resolve import resolve

    return resolve(_named(options), os.environ)


def logs_of(options: PathOptions) -> "Logs":
    """Return the log, or logs, of a command that is for many, too. Raise ConfigurationError."""
    from asynclog.config.logs import resolve_logs

    return resolve_logs(_named(options), os.environ)


def _named(options: PathOptions) -> "Options":
    from asynclog.config.settings import Options

    return {  # type: ignore[return-value]
        name: getattr(options, name) for name in Options.__annotations__ if name in options.__struct_fields__
    }
