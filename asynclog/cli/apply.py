"""`asynclog apply`: a plan file and options -> one job that does what the plan says -> its report."""

from typing import Any

from asynclog.cli.command import settings_of
from asynclog.cli.logging import level_for, set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.config.reading import read_text
from asynclog.config.units import seconds
from asynclog.report.cleanup.text import as_text
from asynclog.report.plan_file import plan_from_text
from asynclog.runner.cleanup import clean_up
from asynclog.runner.run import begin_run
from asynclog.timestamps import SECOND

LARGEST = 1 << 30  # bytes; a segment has some hundred


def run(given: dict[str, Any], signals: Signals) -> int:
    """Carries out the plan that these options name and prints the report; the exit status."""
    set_up_logging(level_for(given))
    settings = settings_of(given)
    valid_for = int(seconds("--max-age", given["max_age"]) * SECOND)
    reviewed = plan_from_text(read_text(given["file"], LARGEST), given["file"], valid_for)
    report = clean_up(begin_run(settings, approved=reviewed, verbose=given["debug"]), signals).report
    signals.finish()
    print_result(report, as_text, as_json=given["json"], quiet=given["quiet"])
    return report.exit_code
