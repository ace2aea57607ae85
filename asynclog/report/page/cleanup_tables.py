"""The tables of a cleanup's page: by schema, what stays and why, what is overdue, and the segments. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from asynclog.formatting import plural
from asynclog.report.cleanup.result import NOT_BEGUN, NOT_READ, ActionRow, CleanupResult, Report, SchemaTotals
from asynclog.report.cleanup.schema_totals import sum_totals
from asynclog.report.page.ageing import MOST_ROWS
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
from asynclog.report.page.schema_facts import SchemaFacts
from asynclog.report.page.segment_lists import SegmentLine, segments_section
from asynclog.report.page.staying import Stay, staying_section, why_it_stays
from asynclog.timestamps import format_instant


class Wording(NamedTuple):
    """How a page says it: in the conditional for a dry run."""

    is_dry: bool
    what: str
    goes: str
    stays: str
    dropped: str
    rewritten: str
    skipped: str
    signs: str


Cell = Callable[[SchemaTotals], str]


def schema_section(report: Report, facts: Mapping[str, SchemaFacts], how: Wording) -> str:
    """Return the table by schema, whose totals are those of the report."""
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
    columns += [Column(name, is_number=name != "dated") for name in cells]
    rows = [
        [code(name), *_rule(facts.get(name)), *(cell(each) for cell in cells.values())]
        for name, each in totals[:MOST_ROWS]
    ]
    every = sum_totals({"": each} for _, each in totals).get("", SchemaTotals())
    foot = ["all", "", "", *(cell(every) for cell in cells.values())]
    more = note(f"And {len(totals) - MOST_ROWS:,} more, which are in the totals.") if len(totals) > MOST_ROWS else ""
    told = note("Sizes are of records as lines; what the log shrinks by, with blank lines and compression, is above.")
    return section("schemas", "By schema", table("schema-table", columns, rows, foot), more, told) if rows else ""


def _rule(facts: SchemaFacts | None) -> list[str]:
    if facts is None:
        return [NONE, NONE]
    place = ", ".join(filter(None, (facts.scope, facts.where)))
    cutoff = None if facts.cutoff is None else format_instant(facts.cutoff)
    return [f"<span>{words(facts.rule)}<small>{words(place)}</small></span>", day(cutoff)]


def stays_section(report: Report, facts: Mapping[str, SchemaFacts], how: Wording) -> str:
    """Return what stays and why, by schema; below it what belongs to no schema."""
    return staying_section(_stays(report, facts), _other_stays(report.result), f"What {how.stays}, and why")


def _stays(report: Report, facts: Mapping[str, SchemaFacts]) -> Iterator[Stay]:
    for name, each in report.schemas.items():
        known = facts.get(name)
        dates = (known.oldest_left, known.newest_left) if known else (None, None)
        if each.kept:
            yield Stay(name, why_it_stays(known), (each.kept,) * 2, (each.kept_bytes,) * 2, *dates)
        if each.overdue:
            oldest = None if each.oldest is None else format_instant(each.oldest)
            yield Stay(name, "expired, but overdue", (each.overdue,) * 2, (each.overdue_bytes,) * 2, oldest, oldest)


def _other_stays(result: CleanupResult) -> Iterator[str]:
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


def _outcome(result: CleanupResult) -> str:
    """Return in words what became of one log of several."""
    if result.errors:
        return "; ".join(result.errors)
    return result.message if result.status == "skipped" else result.status.replace("_", " ")


def log_section(result: CleanupResult, how: Wording) -> str:
    """Return the table of logs, if the run was about many: those that went wrong first."""
    columns = [
        Column("log"),
        Column("outcome"),
        *(Column(name, is_number=True) for name in (f"records {how.goes}", "size")),
    ]
    logs = sorted((result.logs or {}).items(), key=lambda each: not each[1].errors)
    rows = [
        [
            code(path),
            sentence(_outcome(each)),
            number(each.records.deleted),
            size(each.bytes.freed),
        ]
        for path, each in logs[:MOST_ROWS]
    ]
    foot = ["all", "", number(result.records.deleted), size(result.bytes.freed)]
    more = note(f"And {len(logs) - MOST_ROWS:,} more, which are in the totals.") if len(logs) > MOST_ROWS else ""
    return section("logs", "By log", table("log-table", columns, rows, foot), more) if rows else ""


def segment_section(result: CleanupResult, how: Wording) -> str:
    """Return the segments of the log, or of all logs, by what becomes of them."""
    groups = ["Failed", how.dropped, how.rewritten, how.skipped, "Kept"]
    return segments_section(_lines(result, how), groups, ["size after"])


def _lines(result: CleanupResult, how: Wording) -> Iterator[SegmentLine]:
    """Yield each segment with its reason; those that a stopped job did not reach are one line."""
    unreached: dict[str, list[int]] = {}
    for name, row in _named_rows(result):
        reason = row.outcome_reason or row.reason
        if reason in {NOT_READ, NOT_BEGUN}:
            unreached.setdefault(reason, []).append(row.bytes_before)
        else:
            yield _line(row, name, reason, how)
    for reason, sizes in unreached.items():
        many = f"{len(sizes):,} {plural(len(sizes), 'segment')}"
        yield SegmentLine(how.skipped, many, reason, sum(sizes), segments=len(sizes))


def _named_rows(result: CleanupResult) -> Iterator[tuple[str, ActionRow]]:
    yield from ((row.segment, row) for row in result.actions)
    for path, each in (result.logs or {}).items():
        yield from ((f"{path.rpartition('/')[0]}/{row.segment}", row) for row in each.actions)


def _line(row: ActionRow, name: str, reason: str, how: Wording) -> SegmentLine:
    match row.outcome, row.action:
        case "failed", _:
            return SegmentLine("Failed", name, reason, row.bytes_before)
        case "skipped", _:
            return SegmentLine(how.skipped, name, reason, row.bytes_before)
        case _, "drop":
            return SegmentLine(how.dropped, name, reason, row.bytes_before)
        case _, "rewrite":
            return SegmentLine(how.rewritten, name, reason, row.bytes_before, (size(row.bytes_after),))
        case _:
            return SegmentLine("Kept", name, reason, row.bytes_before)
