"""`asynclog explain`: options -> settings and policy -> why each segment is as it is."""

from typing import Any

from asynclog.cli.command import settings_of
from asynclog.cli.logging import set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.report.explain.text import as_text
from asynclog.runner.explain import explain_log


def run(given: dict[str, Any], signals: Signals) -> int:
    """Explains what these options ask for and prints it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    settings = settings_of(given)
    with signals.deferred("while the log was read"):
        answer = explain_log(settings, given["segment"], given["schema"], signals)
    print_result(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code
