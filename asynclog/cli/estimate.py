"""`asynclog estimate`: options -> settings and policies -> what they free, and when."""

from typing import Any

from asynclog.cli.command import settings_of
from asynclog.cli.logging import set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.report.estimate.text import as_text
from asynclog.runner.estimate import estimate_log


def run(given: dict[str, Any], signals: Signals) -> int:
    """Estimates what these options ask for and prints it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    settings = settings_of(given)
    with signals.deferred("while the log was read"):
        answer = estimate_log(settings, given["retention"], signals, scan=not given["no_scan"])
    print_result(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code
