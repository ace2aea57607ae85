"""From the arguments of a command line to an exit status."""

import gc
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from asynclog.cli.output import bug_in_words, complain_of_bug, show_fatal
from asynclog.cli.parser import as_help, make_parser, value_of
from asynclog.cli.signals import StoppedError, caught_signals
from asynclog.errors import AsynclogError, ConfigurationError

if TYPE_CHECKING:
    from asynclog.runner.wiring import Wiring

_SELDOM = 50_000  # GC threshold: most of our objects live as long as the job


def main(arguments: Sequence[str] | None = None, wiring: "Wiring | None" = None) -> int:
    """Run one command, the only one of its process; return the exit status."""
    gc.set_threshold(_SELDOM)
    try:
        return _run(sys.argv[1:] if arguments is None else arguments, wiring)
    finally:
        gc.freeze()  # skips the garbage collection at interpreter exit


def _run(words: Sequence[str], wiring: "Wiring | None") -> int:
    try:
        with caught_signals() as signals:
            given = _understood(as_help(words))
            from asynclog.cli.command import run_command

            status = run_command(given, signals, wiring)
    except (AsynclogError, StoppedError) as error:
        _show_fatal(str(error), words)
        return error.exit_code
    except Exception as error:
        if "--debug" in words:
            complain_of_bug()
        _show_fatal(bug_in_words(error), words)
        return 1
    return status


def _show_fatal(sentence: str, words: Sequence[str]) -> None:
    from asynclog.cli.colors import choice_in

    show_fatal(sentence, as_json="--json" in words, color=choice_in(words))


def _understood(words: Sequence[str]) -> Namespace:
    try:
        given = make_parser(words).parse_args(words)
        if getattr(given, "log", None) is not None:
            import_module("asynclog.cli.bare_log").take_bare_log(given, words)
        return given
    except ConfigurationError as error:
        if value_of("--metrics-file", words):
            import_module("asynclog.cli.files.metrics_file").tell_usage_error(words, error)
        raise
