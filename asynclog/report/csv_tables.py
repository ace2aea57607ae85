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
_TIMES = ("oldest", "since", "deleted_oldest", "deleted_newest")
_OF_SCHEMA = ("schema", *SchemaTotals.__struct_fields__)

Cell = str | int | float | None


def is_csv(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a table of ours, which a new one may replace."""
    return head.startswith(f"{_FIRST},".encode())


def cleanup_csv(report: Report) -> bytes:
    """Return a table of a cleanup: what becomes of each schema, of each of many logs, and of each segment.

    One that a guard refused has the figures of what it would have done, and says that it was refused.
    """
    error = "; ".join(report.result.errors)
    status = "refused" if report.refused else report.result.status
    report = report.refused or report
    result = report.result
    same = {"log": result.log, "status": status, "now": result.now, "profile": result.profile}
    logs = list(_logs(result))
    rows = [
        *({_FIRST: "schema", **same, "schema": name, **_totals(each)} for name, each in report.schemas.items()),
        {_FIRST: "total", **same, **_sum(report), "reason": error},
        *({_FIRST: "log", **named, **_sum_of_log(each), "reason": "; ".join(each.errors)} for named, each in logs),
        *({_FIRST: "segment", **same, **_segment(row)} for row in result.actions),
        *({_FIRST: "segment", **named, **_segment(row)} for named, each in logs for row in each.actions),
    ]
    return _table([_FIRST, *same, *_OF_SCHEMA, "freed", *_OF_SEGMENT], rows)


def _totals(each: SchemaTotals) -> dict[str, Cell]:
    found: dict[str, Cell] = msgspec.structs.asdict(each)
    times = {name: None if found[name] is None else format_instant(int(found[name] or 0)) for name in _TIMES}
    return {**found, **times}


def _sum(report: Report) -> dict[str, Cell]:
    """Return the totals: records of all schemas, and the bytes that the log has shrunk by."""
    every = report.schemas.values()
    return _sum_of_log(report.result) | {
        "deleted_bytes": sum(each.deleted_bytes for each in every),
        "kept_bytes": sum(each.kept_bytes for each in every),
        "overdue_bytes": sum(each.overdue_bytes for each in every),
    }


def _sum_of_log(result: CleanupResult) -> dict[str, Cell]:
    return {
        "deleted": result.records.deleted,
        "kept": result.records.kept,
        "overdue": sum(result.overdue.records.values()),
        "oldest": result.overdue.oldest,
        "by_budget": sum(result.deleted_by_budget.values()),
        "deleted_oldest": result.deleted_oldest,
        "deleted_newest": result.deleted_newest,
        "freed": result.bytes.freed,
    }


def _logs(result: CleanupResult, profile: str | None = None) -> Iterator[tuple[dict[str, Cell], CleanupResult]]:
    """Yield each of many logs, with what names it: those at the paths of a pattern, or of all profiles."""
    for name, each in (result.profiles or {}).items():
        if each.logs is None:
            yield _named(each.log, each, name), each
        yield from _logs(each, name)
    for path, each in (result.logs or {}).items():
        yield _named(path, each, profile), each


def _named(path: str | None, result: CleanupResult, profile: str | None) -> dict[str, Cell]:
    return {"log": path, "status": result.status, "now": result.now, "profile": profile or result.profile}


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
