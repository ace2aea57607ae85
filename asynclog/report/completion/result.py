"""The result of `completion`: a script for a shell."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT, CommandResult


class CompletionResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document."""

    status: Literal["success"]
    message: str
    format: Literal[1] = FORMAT
    shell: Literal["bash", "zsh", "fish"]
    script: str


def as_text(report: CommandResult[CompletionResult]) -> str:
    """Return the script, without a newline at the end."""
    return report.result.script.rstrip("\n")
