"""Combine the reports of several logs: each under its profile's name, or its path, and the totals above. Pure."""

from collections.abc import Iterable, Mapping
from signal import Signals
from typing import Any, TypeVar

import msgspec

from asynclog.formatting import deletion, pluralize, summarize_errors
from asynclog.report.cleanup.result import (
    Bytes,
    CleanupResult,
    DeletedSchema,
    Kept,
    Overdue,
    Records,
    Report,
    Segments,
)
from asynclog.report.cleanup.schema_totals import sum_totals
from asynclog.report.packed_segments import Packed
from asynclog.report.provenance import Provenance, who
from asynclog.report.unjudged_segments import combined_unjudged
from asynclog.report.warnings.combined_notices import combined_neighbours
from asynclog.statistics import sum_counts
from asynclog.timestamps import earliest_text, latest_text

Figures = TypeVar("Figures", Records, Bytes, Packed, Segments)

# Exit codes, the worst first: signals, a bug, then runs that touched nothing, then those partly done.
_WORST_FIRST = (143, 130, 1, 2, 5, 6, 4, 3, 0)


def failed(sentence: str, exit_code: int, stopped: Signals | None = None, refused: Report | None = None) -> Report:
    """Return the report of a run that could not begin, was `stopped` early by this signal, or was refused."""
    result = CleanupResult("error", sentence, stopped=stopped.name if stopped else None, errors=[sentence])
    return Report(result, exit_code, sentence, refused=refused)


def combined_logs(
    reports: Mapping[str, Report], unlisted: Iterable[str], warnings: Iterable[str], *, dry_run: bool
) -> Report:
    """Return the combined report of the logs at these paths, with the errors and warnings that are of none of them."""
    found = combined(reports, "log", dry_run=dry_run)
    result, unlisted = found.result, list(unlisted)
    result = msgspec.structs.replace(
        result,
        status="partial" if unlisted else result.status,
        warnings=[*warnings, *result.warnings],
        errors=[*unlisted, *result.errors],
        profiles=None,
        logs=result.profiles,
    )
    code = next(code for code in _WORST_FIRST if code in {found.exit_code, 3 if unlisted else 0})
    return msgspec.structs.replace(found, result=result, exit_code=code, error=summarize_errors(result.errors) or None)


def combined(reports: Mapping[str, Report], what: str = "profile", *, dry_run: bool) -> Report:
    """Return the combined report of all profiles, in their order. Its exit code is the worst."""
    results = [report.result for report in reports.values()]
    dry = any(result.status == "dry_run" for result in results)
    records = _sum(Records(), [result.records for result in results])
    wrong = [f"{name}: {report.error}" for name, report in reports.items() if report.error is not None]
    stopped = [result.stopped for result in results if result.stopped]
    result = CleanupResult(
        status="partial" if wrong else "dry_run" if dry else "success",
        message=f"{deletion(records.deleted, dry_run=dry_run)} in {pluralize(len(reports), what)}",
        deleted_per_schema=_counts(result.deleted_per_schema for result in results),
        deleted_schemas=_deleted_schemas([result.deleted_schemas for result in results]),
        deleted_oldest=earliest_text(result.deleted_oldest for result in results),
        deleted_newest=latest_text(result.deleted_newest for result in results),
        now=earliest_text(result.now for result in results),
        **_who(results),
        stopped=stopped[0] if stopped else None,
        records=records,
        deleted_by_budget=_counts(result.deleted_by_budget for result in results),
        kept=_kept([result.kept for result in results]),
        overdue=_overdue([result.overdue for result in results]),
        unjudged=combined_unjudged([result.unjudged for result in results]),
        bytes=_sum(Bytes(), [result.bytes for result in results]),
        packed=_sum(Packed(), [result.packed for result in results]),
        segments=_sum(Segments(), [result.segments for result in results]),
        warnings=[f"{name}: {warning}" for name, report in reports.items() for warning in report.result.warnings],
        neighbours=combined_neighbours([result.neighbours for result in results]),
        errors=wrong,
        lease_max_ms=max((result.lease_max_ms for result in results), default=0.0),
        duration_s=round(sum(result.duration_s for result in results), 3),
        profiles={name: report.result for name, report in reports.items()},
    )
    codes = {report.exit_code for report in reports.values()} | {0}
    code = next(code for code in _WORST_FIRST if code in codes)
    return Report(
        result, code, summarize_errors(wrong) or None, sum_totals(report.schemas for report in reports.values())
    )


def _who(results: Iterable[CleanupResult]) -> dict[str, Any]:
    """Return who ran it: the same for all, but a run that could not begin does not say."""
    ran = next((result for result in results if result.host), CleanupResult("error", ""))
    return who(Provenance(host=ran.host, user=ran.user, version=ran.version, reader=ran.reader))


def _sum(nothing: Figures, parts: Iterable[Figures]) -> Figures:
    total = msgspec.structs.asdict(nothing)
    for part in parts:
        total = {name: number + getattr(part, name) for name, number in total.items()}
    return type(nothing)(**total)


def _kept(parts: Iterable[Kept]) -> Kept:
    parts = list(parts)
    return Kept(
        unreadable=sum(part.unreadable for part in parts),
        future=sum(part.future for part in parts),
        implausible=sum(part.implausible for part in parts),
        no_policy=_counts(part.no_policy for part in parts),
    )


def _deleted_schemas(parts: Iterable[Mapping[str, DeletedSchema]]) -> dict[str, DeletedSchema]:
    """Return the sum for each schema; its rule only if it is the same for all."""
    total: dict[str, DeletedSchema] = {}
    for part in parts:
        for key, each in part.items():
            total[key] = _both(total[key], each) if key in total else each
    return dict(sorted(total.items()))


def _both(one: DeletedSchema, other: DeletedSchema) -> DeletedSchema:
    same = (one.rule, one.retention_s) == (other.rule, other.retention_s)
    return DeletedSchema(
        records=one.records + other.records,
        bytes=one.bytes + other.bytes,
        oldest=earliest_text((one.oldest, other.oldest)),
        newest=latest_text((one.newest, other.newest)),
        rule=one.rule if same else None,
        retention_days=one.retention_days if same else None,
        retention_s=one.retention_s if same else None,
    )


def _overdue(parts: Iterable[Overdue]) -> Overdue:
    parts = list(parts)
    return Overdue(_counts(part.records for part in parts), earliest_text(part.oldest for part in parts))


def _counts(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sorted(sum_counts(parts).items()))
