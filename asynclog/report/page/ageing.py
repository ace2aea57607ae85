"""The sections with charts: how old what is there is, and what of the rest expires in the next 90 days. Pure."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from asynclog.forecast.ages import due_by_day
from asynclog.formatting import pluralize
from asynclog.report.page.charts import AHEAD, ages_chart, axis_of, due_chart, legend
from asynclog.report.page.markup import Column, code, note, section, size, table, words
from asynclog.report.page.schema_facts import SchemaFacts, largest

MOST_CHARTS = 12
MOST_ROWS = 200  # of a table by schema
_TIMES = (7, 30, AHEAD)


def ages_section(facts: Mapping[str, SchemaFacts], now: int, title: str) -> str:
    """Return a chart for each schema, of the largest if there are many, all on the same axis."""
    return groups_section({"": facts}, now, title)


def groups_section(groups: Mapping[str, Mapping[str, SchemaFacts]], now: int, title: str) -> str:
    """Return the charts of several logs, by the policy that they share; all on the same axis."""
    most = max(MOST_CHARTS // max(len(groups), 1), 1)
    shown = {name: largest(facts, most) for name, facts in groups.items()}
    axis = axis_of([each for found in shown.values() for each in found], now)
    charts = []
    for group, (name, found) in enumerate(shown.items()):
        charts += [f"<h3>{words(name)}</h3>"] if name and found else []
        charts += [ages_chart(each, axis, f"ages-{group}-{place}") for place, each in enumerate(found)]
        left = len(groups[name]) - len(found)
        charts += [note(f"And {pluralize(left, 'smaller schema')}: in the tables below.")] if left else []
    undated = sum(each.ages.undated_bytes for facts in groups.values() for each in facts.values())
    apart = note(f"{size(undated)} are of no day, and not drawn: a wrong clock, or too many days.") if undated else ""
    intro = note("Bytes by the age of their records, the newest at the right; each schema has its own height.")
    return section("ages", title, intro, legend(), *charts, apart) if any(shown.values()) else ""


def due_section(due: Sequence[tuple[int, int]], now: int, facts: Mapping[str, SchemaFacts] | None = None) -> str:
    """Return what has not expired yet, and when it does: a chart by day, and a table of these schemas."""
    columns = [
        Column("schema"),
        Column("keeps"),
        *(Column(f"in {days} days", is_number=True) for days in _TIMES),
        Column("later", is_number=True),
        Column("never", is_number=True),
    ]
    rows = [_row(each) for each in list((facts or {}).values())[:MOST_ROWS]]
    intro = note(
        "Of what is there now and has not expired, by the day on which the last of a day's records expires. What comes "
        "in until then is not in it."
    )
    found = [due_chart(due, now), table("due-table", columns, rows)]
    return section("rest", f"When the rest expires: the next {AHEAD} days", intro, *found) if any(found) else ""


def _row(facts: SchemaFacts) -> list[str]:
    sums = list(accumulate(many for _, many in due_by_day(facts.fates, AHEAD)))
    left = [(fate.due, fate.bytes - fate.expired_bytes) for fate in facts.fates]
    never = sum(many for due, many in left if due is None)
    later = sum(many for due, many in left if due is not None and due > AHEAD)
    soon = [size(sums[days - 1]) for days in _TIMES]
    return [code(facts.name), words(facts.rule), *soon, size(later), size(never)]
