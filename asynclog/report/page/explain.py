"""The page of an explanation: why each segment is as it is, how old its records are, and when it goes. Pure."""

from collections.abc import Iterator, Mapping

from asynclog.forecast.ages import LogAges
from asynclog.formatting import pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.result import Explained, ExplainResult, Part
from asynclog.report.page.ageing import MOST_ROWS, ages_section, due_section
from asynclog.report.page.charts import due_of
from asynclog.report.page.document import document, room_beside
from asynclog.report.page.frame import Figure, about, attention, error_alarms, opening, rules, signature, span
from asynclog.report.page.markup import (
    Column,
    code,
    day,
    items,
    note,
    number,
    records,
    section,
    segments,
    size,
    table,
    words,
)
from asynclog.report.page.schema_facts import SchemaFacts, schema_facts
from asynclog.report.page.segment_lists import SegmentLine, segments_section
from asynclog.report.page.staying import Stay, staying_section, why_it_stays
from asynclog.timestamps import earliest_text, latest_text, parse_instant

_GROUPS = {"drop": "To be dropped", "rewrite": "To be rewritten", "skip": "To be skipped", "keep": "Kept"}
_EXAMPLES = 20


def explain_page(report: CommandResult[ExplainResult], ages: LogAges) -> bytes:
    """Return the page of this result."""
    result = report.result
    now = parse_instant(result.now or "") or 0
    facts = schema_facts(ages, now)
    parts_of = _by_schema(result)
    above = [
        opening(
            result, "Explanation", _headline(result), _figures(result), error_alarms(report.error, report.exit_code)
        ),
        ages_section(facts, now, "How old the records are"),
        _schemas(parts_of, facts),
        due_section(due_of(facts.values()), now, facts),
        staying_section(_stays(parts_of, facts), _for_ever(result), "What stays, and why"),
        attention(result, _unreadable(result)),
    ]
    below = [about(result), rules(result), signature("", "Reviewed")]
    room = room_beside([*above, *below])
    lines = map(_line, result.segments)
    listed = segments_section(lines, list(_GROUPS.values()), ["has all expired after"], room=room)
    return document(f"Explanation: {result.message}", result.version, [*above, listed, *below])


def _headline(result: ExplainResult) -> str:
    return f"Why segments stay or go: {result.message}" if result.segments else result.message


def _by_schema(result: ExplainResult) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for row in result.segments:
        for name, part in row.schemas.items():
            found.setdefault(name, []).append(part)
    return dict(sorted(found.items()))


def _figures(result: ExplainResult) -> Iterator[Figure]:
    for action, group in _GROUPS.items():
        found = [row for row in result.segments if row.action == action]
        if found:
            yield Figure(group.lower(), size(sum(row.bytes for row in found)), segments(len(found)))
    if result.segments:
        yield Figure("expired", records(sum(part.expired for row in result.segments for part in row.schemas.values())))


def _schemas(parts_of: Mapping[str, list[Part]], facts: Mapping[str, SchemaFacts]) -> str:
    numbers = ("records", "size", "expired")
    columns = [
        Column("schema"),
        Column("keeps"),
        *(Column(name, is_number=True) for name in numbers),
        Column("from, to"),
        Column("the last is kept until"),
    ]
    rows = [_row(name, parts, facts.get(name)) for name, parts in list(parts_of.items())[:MOST_ROWS]]
    more = note(f"And {len(parts_of) - MOST_ROWS:,} more.") if len(parts_of) > MOST_ROWS else ""
    return section("schemas", "By schema", table("schema-table", columns, rows), more)


def _row(name: str, parts: list[Part], known: SchemaFacts | None) -> list[str]:
    ends = [part.kept_until for part in parts]
    where = next((part.where for part in parts if part.where), None)
    place = where.rpartition("/")[2] if where else ""
    return [
        code(name),
        f"<span>{words(known.rule) if known else ''}<small>{words(place)}</small></span>",
        number(sum(part.records for part in parts)),
        size(sum(part.bytes for part in parts)),
        number(sum(part.expired for part in parts)),
        span(earliest_text(part.oldest for part in parts), latest_text(part.newest for part in parts)),
        "for ever" if None in ends else day(latest_text(ends)),
    ]


def _stays(parts_of: Mapping[str, list[Part]], facts: Mapping[str, SchemaFacts]) -> Iterator[Stay]:
    for name, parts in parts_of.items():
        known = facts.get(name)
        left = sum(part.records - part.expired for part in parts)
        if left:
            expired = known.ages.expired_bytes if known else 0
            many = sum(part.bytes for part in parts) - expired
            dates = (known.oldest_left, known.newest_left) if known else (None, None)
            yield Stay(name, why_it_stays(known), (left, left), (many, many), *dates)


def _for_ever(result: ExplainResult) -> Iterator[str]:
    unreadable = sum(row.unreadable for row in result.segments)
    if unreadable:
        yield f"Unreadable lines, which stay for ever: {number(unreadable)}"


def _unreadable(result: ExplainResult) -> str:
    """Return the first unreadable lines, each with its place and what is wrong with it."""
    found = [(row, line) for row in result.segments for line in row.lines]
    shown = [f"{code(row.segment)}, line {number(line.line)}: {words(line.why)}" for row, line in found[:_EXAMPLES]]
    more = sum(row.unreadable for row in result.segments) - len(shown)
    return items(shown) + (note(f"And {pluralize(more, 'more unreadable line')}.") if shown and more > 0 else "")


def _line(row: Explained) -> SegmentLine:
    after = words(row.gone_after[:10]) if row.gone_after else "never" if row.kept_for_ever else "unknown"
    reason = row.reason + (f"; has {', '.join(row.kept_for_ever)}" if row.kept_for_ever else "")
    return SegmentLine(_GROUPS[row.action], row.segment, reason, row.bytes, (after,))
