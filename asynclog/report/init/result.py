"""The result of `init`: the files that it wrote, and the schemas in them."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from asynclog.formatting import columns, escape_control, format_size
from asynclog.report.envelope import FORMAT, CommandResult
from asynclog.report.holdings import Holding, SegmentsRead
from asynclog.report.unjudged_segments import Unjudged
from asynclog.report.warnings import Neighbours


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `files` are absolute paths; `left_out` are keys that a YAML policy can't name."""

    status: Literal["success", "partial"]
    message: str
    format: Literal[1] = FORMAT
    log: str
    host: str
    user: str
    version: str
    reader: str
    files: list[str]
    schemas: dict[str, Holding]
    left_out: list[str]
    segments: SegmentsRead
    unread: dict[str, str]
    warnings: list[str]
    neighbours: Neighbours
    unjudged: Unjudged
    errors: list[str]


def as_text(answer: CommandResult[InitResult]) -> str:
    """Return the result as lines, without a newline at the end."""
    return "\n".join(_lines(answer.result))


def _lines(result: InitResult) -> Iterator[str]:
    yield escape_control(result.message)
    for path in result.files:
        yield f"  {escape_control(path)}"
    if result.schemas:
        rows = [["schema", "records", "size", "oldest", "newest"]]
        for name, holding in result.schemas.items():
            size = format_size(holding.bytes)
            rows.append([name, f"{holding.records:,}", size, holding.oldest or "", holding.newest or ""])
        yield ""
        yield from columns(rows, right={1, 2})
        yield ""
    for name in result.left_out:
        yield f"Left out: {escape_control(name)}: a YAML policy can't have a rule for it alone"
    for name, reason in result.unread.items():
        yield escape_control(f"Not read: {name}: {reason}")
    for warning in result.warnings:
        yield f"Warning: {escape_control(warning)}"
    yield "Nothing is deleted until you give retention_days. Then: asynclog check, asynclog cleanup --dry-run"
