"""The result of a command as one CSV table, for a spreadsheet: a row a schema, one for all, and a row a segment. Pure.

The first column says what a row is about, and its name makes the file one of ours. Numbers are plain. Text that a
spreadsheet would take for a formula has an apostrophe before it.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import SimpleNamespace
from typing import Any

import msgspec

from asynclog.escaping import escape_control
from asynclog.report.cleanup.result import ActionRow, CleanupResult, Report, SchemaTotals
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import EstimateResult, ForecastRow
from asynclog.timestamps import format_instant

_FIRST = "asynclog_row"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_OF_SEGMENT = (
    "segment",
    "action",
    "outcome",
    "reason",
    "unjudged",
    "bytes_before",
    "bytes_after",
    "unpacked_bytes",
)
_OF_SCHEMA = ("schema", *SchemaTotals.__struct_fields__)

Cell = str | int | float | None


def is_csv(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a table of ours, which a new one may replace."""
    return head.startswith(f"{_FIRST},".encode())


def cleanup_csv(report: Report) -> bytes:
    """Return a table of a cleanup: what becomes of the records of each schema, and of each segment."""
    result = report.result
    same = {"log": result.log, "status": result.status, "now": result.now}
    rows = [
        *({_FIRST: "schema", **same, "schema": name, **_totals(each)} for name, each in report.schemas.items()),
        {_FIRST: "total", **same, **_sum(report)},
        *({_FIRST: "segment", **same, **each} for each in _segments(result)),
    ]
    return _table([_FIRST, *same, *_OF_SCHEMA, *_OF_SEGMENT], rows)


def _totals(each: SchemaTotals) -> dict[str, Cell]:
    found: dict[str, Cell] = msgspec.structs.asdict(each)
    times = {
        name: None if found[name] is None else format_instant(int(found[name] or 0)) for name in ("oldest", "since")
    }
    return {**found, **times}


def _sum(report: Report) -> dict[str, Cell]:
    """Return the totals of the log: records of all schemas, and the bytes that it has shrunk by."""
    result, every = report.result, report.schemas.values()
    return {
        "deleted": result.records.deleted,
        "deleted_bytes": sum(each.deleted_bytes for each in every),
        "kept": result.records.kept,
        "kept_bytes": sum(each.kept_bytes for each in every),
        "overdue": sum(result.overdue.records.values()),
        "overdue_bytes": sum(each.overdue_bytes for each in every),
        "oldest": result.overdue.oldest,
        "by_budget": sum(result.deleted_by_budget.values()),
    }


def _segments(result: CleanupResult) -> Iterator[dict[str, Cell]]:
    """Yield the segments of the log, or of all logs."""
    for row in result.actions:
        yield _segment(row)
    for path, each in (result.logs or {}).items():
        for row in each.actions:
            yield _segment(row) | {"log": path}


def _segment(row: ActionRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: getattr(row, name) for name in _OF_SEGMENT}
    return cells | {"reason": row.outcome_reason or row.reason, "deleted": sum(row.deleted_per_schema.values())}


def estimate_csv(report: CommandResult[EstimateResult]) -> bytes:
    """Return a table of an estimate: a row for each schema and all of them, and below them those of another policy."""
    result = report.result
    same = {"log": result.log, "status": result.status, "now": result.now}
    rows = [
        {_FIRST: kind, **same, "schema": name, **_forecast(row)}
        for kind, schemas, totals in (
            ("schema", result.schemas, result.totals),
            ("what_if", result.what_if or {}, result.what_if_totals),
        )
        for name, row in [*schemas.items(), *([(None, totals)] if totals else [])]
    ]
    for row in rows:
        if row["schema"] is None:
            row[_FIRST] = "total" if row[_FIRST] == "schema" else "what_if_total"
    columns = dict.fromkeys(chain([_FIRST, *same, "schema"], *rows))
    return _table(columns, rows)


def _forecast(row: ForecastRow) -> dict[str, Cell]:
    """Return the figures of a row; those of a time are named after it, as in `frees_30d_bytes`."""
    cells = {name: value for name, value in msgspec.structs.asdict(row).items() if name != "frees"}
    for each in row.frees:
        figures = {name: value for name, value in msgspec.structs.asdict(each).items() if name not in {"in_days", "at"}}
        cells |= {f"frees_{each.in_days}d_{name}": value for name, value in figures.items()}
    return {name: None if value is msgspec.UNSET else value for name, value in cells.items()}


def _table(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    lines: list[str] = []
    writer = csv.DictWriter(SimpleNamespace(write=lines.append), list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return "".join(lines).encode()


def _cell(value: Cell) -> Cell:
    if not isinstance(value, str):
        return value
    text = escape_control(value)
    return f"'{text}" if value.startswith(_FORMULA) else text
