"""The page of a cleanup of one log: of a dry run, of a run, or of a plan that was applied. Pure."""

from collections.abc import Iterator, Sequence

from asynclog.forecast.ages import LogAges
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.cleanup.text import headline
from asynclog.report.page.ageing import ages_section, due_section
from asynclog.report.page.charts import AHEAD, due_of
from asynclog.report.page.cleanup.segments import segment_section
from asynclog.report.page.cleanup.tables import overdue_table, schema_section, stays_section
from asynclog.report.page.cleanup.troubles import troubles
from asynclog.report.page.cleanup.wording import DONE, DRY, REFUSED, Wording
from asynclog.report.page.document import document, room_beside
from asynclog.report.page.frame import Figure, about, attention, opening, rules, signature, span
from asynclog.report.page.markup import code, day, items, records, segments, size
from asynclog.report.page.schema_facts import schema_facts
from asynclog.timestamps import parse_instant


def cleanup_page(report: Report, ages: LogAges, digest: str, *, dry_run: bool, of_plan: bool = False) -> bytes:
    """Return the page of this report; `digest` is that of the plan, `of_plan` whether it was made earlier.

    Of a run that a guard refused, it shows what would have gone.
    """
    how, shown = _wording(report, dry_run=dry_run, of_plan=of_plan), report.refused or report
    result = shown.result
    now = parse_instant(result.now or "") or 0
    facts = schema_facts(ages, now)
    due = due_of(facts.values())
    above = [
        opening(result, how.what, _headline(report), cleanup_figures(shown, due, how), troubles(report, how)),
        ages_section(facts, now, f"How old the records are, and what {how.goes}"),
        schema_section(shown, facts, how),
        due_section(due, now, facts),
        stays_section(shown, facts, how),
        attention(result, overdue_table(shown, how), left_over(result)),
    ]
    below = [
        about(result, _run(result)),
        rules(result),
        signature(digest, how.signs) if result.status not in {"skipped", "error"} else "",
    ]
    listed = segment_section([("", result)], how, room_beside([*above, *below]))
    return document(f"{how.what}: {result.message}", result.version, [*above, listed, *below])


def _run(result: CleanupResult) -> list[tuple[str, str]]:
    """Return what else there is to say of a run: the plan that it made or applied, and its number."""
    plan = [("Plan", code(result.plan.path))] if result.plan else []
    return [*plan, *([("Run", code(result.run_id))] if result.run_id else [])]


def _headline(report: Report) -> str:
    """Return what was done; of a run that was refused or could not begin, why stands below."""
    if report.refused:
        return "Refused: nothing was deleted"
    return "Nothing was done" if report.result.status == "error" else headline(report.result)


def _wording(report: Report, *, dry_run: bool, of_plan: bool) -> Wording:
    if dry_run:
        return DRY
    if report.refused:
        return REFUSED
    return DONE._replace(what="Applied plan") if of_plan else DONE


def cleanup_figures(report: Report, due: Sequence[tuple[int, int]], how: Wording) -> Iterator[Figure]:
    """Yield the figures at the top; `due` are records and bytes that expire on each of the next days."""
    result = report.result
    if not result.segments.total:
        return
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
    return f"{records(result.records.deleted)}<br>{span(result.deleted_oldest, result.deleted_newest)}"


def _left(report: Report, how: Wording) -> str:
    """Return the size of the log after the run; of many logs, which is not known, how many segments there are."""
    if report.log_bytes is None:
        return segments(report.result.segments.total)
    return size(report.log_bytes - (report.result.bytes.freed if how.is_dry else 0))


def left_over(result: CleanupResult) -> str:
    """Return what the next job has to deal with, and what writers appended meanwhile."""
    late = [f"Late: {code(name)} was appended by a writer meanwhile" for name in result.late_segments]
    pending = [f"Pending: {code(name)} is left for the next job" for name in result.recovery_pending]
    return items([*late, *pending])
