"""The tables of a cleanup's page: by schema, what stays and why, and what is overdue. Pure."""

from collections.abc import Callable, Iterator, Mapping

from asynclog.report.cleanup.result import CleanupResult, Report, SchemaTotals
from asynclog.report.cleanup.schema_totals import sum_totals
from asynclog.report.page.ageing import MOST_ROWS
from asynclog.report.page.cleanup.wording import Wording
from asynclog.report.page.frame import span
from asynclog.report.page.markup import (
    NONE,
    Column,
    code,
    day,
    note,
    number,
    section,
    segments,
    sentence,
    size,
    table,
    words,
)
from asynclog.report.page.schema_facts import SchemaSummary
from asynclog.report.page.staying import Stay, staying_section, why_it_stays
from asynclog.timestamps import format_instant

Cell = Callable[[SchemaTotals], str]


def schema_section(report: Report, facts: Mapping[str, SchemaSummary], how: Wording) -> str:
    """Return the table by schema, whose totals are those of the report."""
    told = note("Sizes are of records as lines; what the log shrinks by, with blank lines and compression, is above.")
    found = schema_table("schema-table", report, facts, how)
    return section("schemas", "By schema", found, told) if found else ""


def schema_table(name: str, report: Report, facts: Mapping[str, SchemaSummary], how: Wording) -> str:
    """Return what becomes of the records of each schema."""
    totals = list(report.schemas.items())
    has_early = any(each.by_budget for _, each in totals)
    cells: dict[str, Cell] = {
        f"records {how.goes}": lambda each: number(each.deleted),
        "dated": lambda each: span(_known(each.deleted_oldest), _known(each.deleted_newest)),
        "size": lambda each: size(each.deleted_bytes),
        **({"of these early": lambda each: number(each.by_budget)} if has_early else {}),
        "records kept": lambda each: number(each.kept),
        "size kept": lambda each: size(each.kept_bytes),
        "overdue": lambda each: number(each.overdue),
    }
    columns = [Column("schema"), Column("keeps"), Column("cutoff")]
    columns += [Column(head, is_number=head != "dated") for head in cells]
    rows = [
        [code(schema), *_rule(facts.get(schema)), *(cell(each) for cell in cells.values())]
        for schema, each in totals[:MOST_ROWS]
    ]
    every = sum_totals({"": each} for _, each in totals).get("", SchemaTotals())
    foot = ["all", "", "", *(cell(every) for cell in cells.values())] if len(totals) > 1 else []
    more = note(f"And {len(totals) - MOST_ROWS:,} more, which are in the totals.") if len(totals) > MOST_ROWS else ""
    return table(name, columns, rows, foot) + more


def _rule(facts: SchemaSummary | None) -> list[str]:
    if facts is None:
        return [NONE, NONE]
    is_own = facts.scope in {facts.name, facts.name.rpartition(":")[0]}
    place = ", ".join(filter(None, ("" if is_own else facts.scope, facts.where)))
    cutoff = None if facts.cutoff is None else format_instant(facts.cutoff)
    return [f"<span>{sentence(facts.rule)}<small>{words(place)}</small></span>", day(cutoff)]


def stays_section(report: Report, facts: Mapping[str, SchemaSummary], how: Wording) -> str:
    """Return what stays and why, by schema; below it what belongs to no schema."""
    return staying_section(stays(report, facts), other_stays(report.result), f"What {how.stays}, and why")


def stays(report: Report, facts: Mapping[str, SchemaSummary]) -> Iterator[Stay]:
    """Yield what stays of each schema, and why."""
    for name, each in report.schemas.items():
        known = facts.get(name)
        dates = (known.oldest_left, known.newest_left) if known else (None, None)
        if each.kept:
            yield Stay(name, why_it_stays(known), (each.kept,) * 2, (each.kept_bytes,) * 2, *dates)
        if each.overdue:
            oldest = None if each.oldest is None else format_instant(each.oldest)
            yield Stay(name, "expired, but overdue", (each.overdue,) * 2, (each.overdue_bytes,) * 2, oldest, oldest)


def other_stays(result: CleanupResult) -> Iterator[str]:
    """Yield what stays and belongs to no schema, or is part of what does."""
    kept = result.kept
    if kept.unreadable:
        yield f"Unreadable lines, which stay for ever: {number(kept.unreadable)}"
    if kept.future:
        yield f"Records more than a day in the future, in the table above: {number(kept.future)}"
    if kept.implausible:
        yield f"Records from before 2000, which stay for ever, in the table above: {number(kept.implausible)}"
    if result.unjudged.segments:
        yield f"Segments that could not be judged: {segments(result.unjudged.segments)}, {size(result.unjudged.bytes)}"


def overdue_table(report: Report, how: Wording) -> str:
    """Return the table of what had to stay although it has expired."""
    columns = [
        Column("schema"),
        Column("records", is_number=True),
        Column("size", is_number=True),
        Column("oldest"),
        Column("expired since"),
    ]
    rows = [
        [code(name), number(each.overdue), size(each.overdue_bytes), _day(each.oldest), _day(each.since)]
        for name, each in report.schemas.items()
        if each.overdue
    ]
    found = table("overdue-table", columns, rows[:MOST_ROWS])
    return f"<p>Overdue: expired records that {'would stay' if how.is_dry else 'stay'}.</p>{found}" if found else ""


def _day(instant: int | None) -> str:
    return day(_known(instant))


def _known(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
