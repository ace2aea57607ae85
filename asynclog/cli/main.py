"""From the words of a command line to an exit status."""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio

from asynclog.cli.arguments import parser
from asynclog.cli.output import complain, show, show_fatal
from asynclog.cli.signals import StoppedError, caught_signals
from asynclog.config.settings import Options, resolve
from asynclog.errors import AsynclogError
from asynclog.job import opened_job
from asynclog.report.document import Report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers with the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    try:
        given = vars(parser().parse_args(words))
        logging.basicConfig(format="asynclog: %(message)s", level="DEBUG" if given["debug"] else "WARNING")
        report = _cleanup(given)
        show(report, as_json=as_json, quiet=given["quiet"])
    except (AsynclogError, StoppedError) as error:
        show_fatal(str(error), as_json=as_json)
        return error.exit_code
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        hint = "this should not happen; --debug shows where it did"
        complain(f"{type(error).__name__}: {error}: {hint}")
        return 1
    return report.exit_code


def _cleanup(given: dict[str, Any]) -> Report:
    options: Options = {name: given[name] for name in Options.__annotations__}  # type: ignore[assignment]
    settings = resolve(options, os.environ)
    with (
        caught_signals() as signals,
        opened_job(settings, dry_run=given["dry_run"], with_keeps=given["debug"]) as job,
    ):
        if job.answer is not None:
            return job.answer
        signals.in_flight = True
        return anyio.run(partial(job.run, signals.stop))
