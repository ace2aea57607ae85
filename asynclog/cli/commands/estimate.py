"""`asynclog estimate`: options -> settings and policies -> what they free, and when."""

import argparse
from typing import TYPE_CHECKING

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level, logs_of
from asynclog.cli.files import report_options
from asynclog.cli.parser import ALWAYS, Help
from asynclog.errors import ConfigurationError
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import EstimateResult
from asynclog.report.estimate.text import as_text

if TYPE_CHECKING:
    from asynclog.cli.files.report_files import ReportFiles

HELP = Help(
    description="Show for each audit schema how much there is, how much comes in, and what the policy frees now and in "
    "7, 30 and 90 days; beside it, what another retention would free. Nothing is changed.",
    example="asynclog estimate --path audit/logs.jsonl --schemas schemas.yaml --retention api_operations=60",
    exits={
        **ALWAYS,
        0: "done",
        3: "done, but some segments could not be read: they are not counted",
    },
)


class EstimateOptions(groups.TimedOptions, frozen=True, kw_only=True):
    """The options of `asynclog estimate`."""

    retention: list[str]
    no_scan: bool
    sample: bool
    seed: int | None
    html: str | None
    csv: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.bare_log(parser)
    groups.which_log(parser)
    groups.output(parser, debug=groups.DEBUG)
    add = parser.add_argument
    add(
        "--retention",
        metavar="NAME=DAYS",
        action="append",
        default=[],
        help="what if this were its rule: NAME=60 or NAME=36h for all versions, NAME:2=60, *=60 for all others, "
        "NAME=none for ever; NAME may be a pattern, such as api_*",
    )
    report_options.html(parser)
    report_options.csv(parser)
    groups.now(parser)
    groups.jobs(parser)
    groups.catalog(parser)
    add("--no-scan", action="store_true", help="read nothing: if the catalog is not exact, show bounds")
    add(
        "--sample",
        action="store_true",
        help="read only a random sample, 1 %% of a large log, and show figures with 95 %% intervals",
    )
    add(
        "--seed",
        metavar="N",
        type=groups.number("a whole number such as 1", int),
        help="draw the same sample as another run with this number (default: another one each time)",
    )


def run(options: EstimateOptions, call: Call) -> CommandResult[EstimateResult]:
    """Return the estimate that these options ask for."""
    from asynclog.runner.estimate import estimate_log

    seed = _seed(options)
    logs = logs_of(options)
    logs.must_share_policy("estimate")
    files = call.resources.enter_context(report_options.files_of([logs], options.html, options.csv))
    ages = files.ages if files and seed is None else None  # a sample does not know the ages of all
    with call.signals.deferred("while the log was read"):
        found = estimate_log(
            logs,
            options.retention,
            call.signals,
            scan=not options.no_scan,
            seed=seed,
            ages=ages,
            wiring=call.wiring,
        )
    return _with_files(files, found) if files else found


def _seed(options: EstimateOptions) -> int | None:
    """Return the seed of the sample, None for no sample. Raise ConfigurationError for options that contradict."""
    if not options.sample:
        if options.seed is not None:
            raise ConfigurationError("--seed is for a sample: add --sample, or leave it out")
        return None
    if options.no_scan:
        raise ConfigurationError("--sample reads a part of the log, and --no-scan nothing: leave one of them out")
    if options.seed is not None:
        return options.seed
    from secrets import randbits

    return randbits(32)


def _with_files(files: "ReportFiles", found: CommandResult[EstimateResult]) -> CommandResult[EstimateResult]:
    from asynclog.report.csv_tables import estimate_csv
    from asynclog.report.page.estimate import estimate_page

    return files.tell(found, lambda ages: estimate_page(found, ages), lambda: estimate_csv(found))


COMMAND = Command(HELP, EstimateOptions, add_arguments, run, as_text, log_level, as_text)
