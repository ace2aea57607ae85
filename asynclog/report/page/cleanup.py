"""The page of a cleanup: of a dry run, of a run, or of a plan that was applied. Pure."""

from collections.abc import Iterator, Mapping

from asynclog.forecast.ages import LogAges, due_by_day
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.cleanup.text import headline
from asynclog.report.page.ageing import ages_section, due_section
from asynclog.report.page.charts import AHEAD
from asynclog.report.page.cleanup_tables import (
    Wording,
    log_section,
    overdue_table,
    schema_section,
    segment_section,
    stays_section,
)
from asynclog.report.page.document import document
from asynclog.report.page.frame import Figure, about, attention, opening, rules, signature, span
from asynclog.report.page.markup import code, day, items, records, segments, size
from asynclog.report.page.schema_facts import SchemaFacts, all_fates, schema_facts
from asynclog.timestamps import parse_instant

_DRY = Wording(
    is_dry=True,
    what="Dry run",
    goes="would go",
    stays="would stay",
    dropped="Would be dropped",
    rewritten="Would be rewritten",
    skipped="Would be skipped",
    signs="Approved",
)
_REFUSED = _DRY._replace(what="Refused cleanup", signs="Allowed")
_DONE = Wording(
    is_dry=False,
    what="Cleanup",
    goes="went",
    stays="stays",
    dropped="Dropped",
    rewritten="Rewritten",
    skipped="Skipped",
    signs="Checked",
)


def cleanup_page(report: Report, ages: LogAges, digest: str, *, dry_run: bool, of_plan: bool = False) -> bytes:
    """Return the page of this report; `digest` is that of the plan, `of_plan` whether it was made earlier.

    A run that a guard refused has the report of a dry run.
    """
    result = report.result
    how = _DRY if dry_run else _REFUSED if result.status == "dry_run" else _DONE
    if of_plan and how == _DONE:
        how = how._replace(what="Applied plan")
    now = parse_instant(result.now or "") or 0
    facts = schema_facts(ages, now)
    parts = [
        opening(result, how.what, headline(result), _figures(report, facts, how), _alarms(report, how)),
        log_section(result, how),
        ages_section(facts, now, f"How old the records are, and what {how.goes}"),
        schema_section(report, facts, how),
        due_section(facts, now, with_table=True),
        stays_section(report, facts, how),
        attention(result, overdue_table(report, how), _left_over(result)),
        segment_section(result, how),
        about(result, [("Run", code(result.run_id))] if result.run_id else []),
        rules(result),
        signature(digest, how.signs) if result.status != "skipped" else "",
    ]
    return document(f"{how.what}: {result.message}", result.version, parts)


def _alarms(report: Report, how: Wording) -> Iterator[str]:
    if how == _REFUSED:
        yield f"This run was refused (exit 5): {report.result.refusal}"
    elif report.result.refusal:
        yield f"A real run would be refused (exit 5): {report.result.refusal}"
    if report.error:
        yield report.error


def _figures(report: Report, facts: Mapping[str, SchemaFacts], how: Wording) -> Iterator[Figure]:
    result = report.result
    if not result.segments.total:
        return
    due = due_by_day(all_fates(facts.values()), AHEAD)
    due_records, due_bytes = sum(count for count, _ in due), sum(many for _, many in due)
    overdue, since = sum(result.overdue.records.values()), result.overdue.oldest
    yield Figure(f"{how.goes} now" if how.is_dry else how.goes, size(result.bytes.freed), _gone(result))
    yield Figure(how.stays, _left(report, how), records(result.records.kept))
    yield Figure(f"expires in the next {AHEAD} days", size(due_bytes), records(due_records))
    yield Figure("overdue", records(overdue), f"the oldest of {day(since)}" if since else "")
    yield Figure("unjudged", segments(result.unjudged.segments), size(result.unjudged.bytes))


def _gone(result: CleanupResult) -> str:
    """Return how many records go, and from when to when they are."""
    if not result.deleted_oldest:
        return records(result.records.deleted)
    return f"{records(result.records.deleted)}, {span(result.deleted_oldest, result.deleted_newest)}"


def _left(report: Report, how: Wording) -> str:
    """Return the size of the log after the run; of many logs, which is not known, how many segments there are."""
    if report.log_bytes is None:
        return segments(report.result.segments.total)
    return size(report.log_bytes - (report.result.bytes.freed if how.is_dry else 0))


def _left_over(result: CleanupResult) -> str:
    """Return what the next job has to deal with, and what writers appended meanwhile."""
    late = [f"Late: {code(name)} was appended by a writer meanwhile" for name in result.late_segments]
    pending = [f"Pending: {code(name)} is left for the next job" for name in result.recovery_pending]
    return items([*late, *pending])
