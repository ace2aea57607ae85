"""The section about what stays: of which schema, why, how much, and how old it is. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from asynclog.report.page.ageing import MOST_ROWS
from asynclog.report.page.frame import span
from asynclog.report.page.markup import Column, bounds, code, items, note, number, section, size, table, words
from asynclog.report.page.schema_facts import OWN_RULES, SchemaSummary

_COLUMNS = [
    Column("schema"),
    Column("why"),
    Column("records", is_number=True),
    Column("size", is_number=True),
    Column("from, to"),
]


class Stay(NamedTuple):
    """The part of a schema that stays for one reason; records and bytes lie between two figures, which may be equal."""

    schema: str
    why: str
    records: tuple[int | None, int | None]
    bytes: tuple[int | None, int | None]
    oldest: str | None
    newest: str | None


def why_it_stays(facts: SchemaSummary | None) -> str:
    """Return why records of a schema that have not expired stay."""
    if facts is None:
        return "not expired"
    if facts.retention is None:
        return _WITHOUT_PERIOD.get(facts.rule, facts.rule)
    return f"not expired yet: kept for {facts.rule}"


_WITHOUT_PERIOD = {
    "for ever": "its rule keeps it for ever",
    "no rule: kept": "no rule governs it",
    "switched off: kept": "its rule is switched off",
    OWN_RULES: "not expired, or kept by its log's own rule",
}


def staying_table(name: str, rows: Sequence[Stay]) -> str:
    """Return what stays, by schema and reason."""
    columns = _COLUMNS if any(row.oldest for row in rows) else _COLUMNS[:-1]
    cells = [
        [
            code(row.schema),
            words(row.why),
            bounds(*row.records, number),
            bounds(*row.bytes, size),
            span(row.oldest, row.newest),
        ][: len(columns)]
        for row in rows[:MOST_ROWS]
    ]
    more = note(f"And {len(rows) - MOST_ROWS:,} more.") if len(rows) > MOST_ROWS else ""
    return table(name, columns, cells) + more


def staying_section(rows: Iterable[Stay], others: Iterable[str], title: str) -> str:
    """Return what stays, by schema and reason; `others` are sentences about what belongs to no schema, as HTML."""
    return section("stays", title, staying_table("stay-table", list(rows)), items(others))
