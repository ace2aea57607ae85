"""The result of `show` as text: the plan, or the report as the run that made it would have printed it."""

import msgspec

from asynclog.report.envelope import CommandResult
from asynclog.report.plan_file import PlanFile
from asynclog.report.show.plan_text import plan_text
from asynclog.report.show.result import ShowResult
from asynclog.report.show.saved_report import text_of


def as_text(report: CommandResult[ShowResult], width: int | None = None) -> str:
    """Return the document as lines, without a newline at the end; a plan's tables fit into this width.

    Raise ConfigurationError if it is not whole.
    """
    result = report.result
    if result.kind == "plan":
        return plan_text(msgspec.convert(result.content, PlanFile), width)
    return f"{result.message}\n\n{text_of(result.content, result.kind, result.file)}"
