"""The result of `help`: one page of it."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT, CommandResult


class HelpResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `command` is the one that the page is about, None for the list of all."""

    status: Literal["success"]
    message: str
    format: Literal[1] = FORMAT
    command: str | None
    page: str


def as_text(report: CommandResult[HelpResult]) -> str:
    """Return the page, without a newline at the end."""
    return report.result.page.rstrip("\n")
