"""Charts as inline SVG: bytes by age with each schema's cutoff, and what expires on each of the next days. Pure.

Bars stretch with the page, in an inner drawing; what is written keeps its size. Each bar has its figures as a tooltip,
each chart its message as text for a screen reader.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from asynclog.forecast.ages import DayFate, due_by_day
from asynclog.formatting import format_size, pluralize
from asynclog.report.page.markup import code, size, words
from asynclog.report.page.schema_facts import SchemaFacts, all_fates
from asynclog.timestamps import DAY, LAST, format_instant

AHEAD: Final = 90  # days that a page looks ahead

# The fates of records, in the order in which bars are stacked: their class in the style sheet, and in words.
EXPIRED, SOON, LATER, EVER = range(4)
CLASSES = ("expired", "soon", "later", "ever")
MEANINGS = ("expired", f"expires within {AHEAD} days", "expires later", "never expires")

_MOST_BARS = 100
_WIDTHS = (1, 2, 7, 14, 28, 91, 182, 364)  # days of a bar
_OUTLIERS = 0.005  # of the bytes may be older than the first bar: it has them too
_UNIT = 10  # the width of a bar in its drawing, gap and all
_TALLEST = 100
_SMALLEST = 3.5  # so that a bar that is not empty is seen


class Axis(NamedTuple):
    """The bars of a chart by age: so many, of `width` days each, the first of them from the day `start` on."""

    start: int
    width: int
    bars: int

    @property
    def end(self) -> int:
        return self.start + self.width * self.bars

    def bar_of(self, day: int) -> int:
        return min(max((day - self.start) // self.width, 0), self.bars - 1)


def axis_of(facts: Iterable[SchemaFacts], now: int) -> Axis:
    """Return the axis for these schemas, from their oldest day to today; a few much older records don't count."""
    today = now // DAY
    days: dict[int, int] = {}
    for fate in all_fates(facts):
        day = min(fate.day, today)
        days[day] = days.get(day, 0) + fate.bytes
    span = today + 1 - _first_day(days, today)
    width = next((each for each in _WIDTHS if span <= each * _MOST_BARS), -(-span // _MOST_BARS))
    bars = max(-(-span // width), 1)
    return Axis(today + 1 - bars * width, width, bars)


def _first_day(days: Mapping[int, int], today: int) -> int:
    first = min(days, default=today)
    allowed, older = sum(days.values()) * _OUTLIERS, 0
    for day in sorted(days):
        if older <= allowed and (today - day) * 2 < today - first:
            return day  # leaving out so few makes the axis less than half as long
        older += days[day]
        if older > allowed:
            break
    return first


def legend() -> str:
    """Return what the colours of the bars mean."""
    marks = "".join(
        f'<li><span class="key {name}"></span>{meaning}' for name, meaning in zip(CLASSES, MEANINGS, strict=True)
    )
    return f'<ul class="legend">{marks}</ul>'


def ages_chart(facts: SchemaFacts, axis: Axis, name: str) -> str:
    """Return the chart of one schema: its bytes by age, and its cutoff as a line."""
    bars: list[list[list[int]]] = [[[0, 0] for _ in CLASSES] for _ in range(axis.bars)]
    for fate in facts.fates:
        for kind, records, many in _parts(fate):
            part = bars[axis.bar_of(fate.day)][kind]
            part[0], part[1] = part[0] + records, part[1] + many
    highest = max((sum(part[1] for part in bar) for bar in bars), default=0)
    drawn = "".join(
        _bar(place, [(CLASSES[kind], part[1]) for kind, part in enumerate(bar)], highest, _tip(axis, place, bar))
        for place, bar in enumerate(bars)
        if any(records for records, _ in bar)
    )
    gone = sum(fate.expired_bytes for fate in facts.fates)
    expired = f' <span class="expired">{size(gone)} expired</span>' if gone else ""
    caption = (
        f"<figcaption>{code(facts.name)} <span>{words(_period(facts))}</span> <span>{size(facts.bytes)}</span>{expired}"
        f"<small>tallest bar {format_size(highest)} in {pluralize(axis.width, 'day')}</small></figcaption>"
    )
    drawing = _drawing(name, _told(facts), axis.bars, drawn, f"{_cutoff_line(facts, axis)}{_dates(axis)}")
    return f'<figure class="ages">{caption}{drawing}</figure>'


def _parts(fate: DayFate) -> Iterator[tuple[int, int, int]]:
    """Yield class, records and bytes of what has expired of a day, and of what has not."""
    if fate.expired:
        yield EXPIRED, fate.expired, fate.expired_bytes
    if fate.records > fate.expired:
        kind = EVER if fate.due is None else SOON if fate.due <= AHEAD else LATER
        yield kind, fate.records - fate.expired, fate.bytes - fate.expired_bytes


def _period(facts: SchemaFacts) -> str:
    return facts.rule if facts.retention is None else f"kept for {facts.rule}"


def _tip(axis: Axis, place: int, bar: Sequence[Sequence[int]]) -> str:
    start = axis.start + place * axis.width
    end = _date(start + axis.width - 1)
    days = f"up to {end}" if place == 0 else end if axis.width == 1 else f"{_date(start)} to {end}"
    parts = ", ".join(
        f"{MEANINGS[kind]}: {pluralize(records, 'record')} ({format_size(many)})"
        for kind, (records, many) in enumerate(bar)
        if records
    )
    return f"{days}: {parts}"


def _told(facts: SchemaFacts) -> str:
    """Return what the chart says, in words."""
    sums = [[0, 0] for _ in CLASSES]
    for fate in facts.fates:
        for kind, records, many in _parts(fate):
            sums[kind][0] += records
            sums[kind][1] += many
    parts = [
        f"{MEANINGS[kind]}: {pluralize(records, 'record')}, {format_size(many)}"
        for kind, (records, many) in enumerate(sums)
        if records
    ]
    cutoff = "" if facts.cutoff is None else f" The cutoff is {format_instant(facts.cutoff)}."
    return f"{facts.name}: bytes by age. {'; '.join(parts) or 'Nothing has a date'}.{cutoff}"


def _cutoff_line(facts: SchemaFacts, axis: Axis) -> str:
    """Return the line at the cutoff with its date; only the words if it lies before all that is drawn."""
    if facts.cutoff is None:
        return ""
    share = (facts.cutoff / DAY - axis.start) / (axis.end - axis.start) * 100
    label = f"cutoff {format_instant(facts.cutoff)[:10]}"
    if share < 0:
        return f'<text class="cutoff" x="0" y="11">← {label}</text>'
    anchor, gap = ("end", -5) if share > 50 else ("start", 5)
    return (
        f'<line class="cutoff" x1="{share:.3f}%" x2="{share:.3f}%" y1="0" y2="72"/>'
        f'<text class="cutoff" x="{share:.3f}%" dx="{gap}" y="11" text-anchor="{anchor}">{label}</text>'
    )


def _dates(axis: Axis) -> str:
    """Return the dates below the bars."""
    days = [axis.start + (axis.end - axis.start) * quarter // 4 for quarter in range(4)]
    return _ticks([*map(_date, days), "now"])


def due_of(facts: Iterable[SchemaFacts]) -> list[tuple[int, int]]:
    """Return records and bytes that expire on each of the next days, of all these schemas."""
    return due_by_day(all_fates(facts), AHEAD)


def due_chart(due: Sequence[tuple[int, int]], now: int) -> str:
    """Return the chart of what expires on each of the next days, all schemas together; nothing if nothing does."""
    highest = max(many for _, many in due)
    if not any(records for records, _ in due):
        return ""
    bars = "".join(
        _bar(
            place,
            [("soon", many)],
            highest,
            f"{_after(now, place + 1)}: {pluralize(records, 'record')}, {format_size(many)}",
        )
        for place, (records, many) in enumerate(due)
        if records
    )
    records, many = (sum(each[part] for each in due) for part in (0, 1))
    told = f"Within {AHEAD} days {pluralize(records, 'record')} more expire, {format_size(many)}: by day."
    ticks = _ticks(["now", *(_after(now, AHEAD * quarter // 4) for quarter in range(1, 5))])
    caption = (
        f"<figcaption><span>{size(many)} in the next {AHEAD} days</span>"
        f"<small>tallest bar {format_size(highest)} in 1 day</small></figcaption>"
    )
    return f'<figure class="due">{caption}{_drawing("due", told, AHEAD, bars, ticks)}</figure>'


def _drawing(name: str, told: str, bars: int, drawn: str, written: str) -> str:
    return (
        f'<svg role="img" aria-labelledby="{name}-told" width="100%" height="92"><title id="{name}-told">{words(told)}'
        f'</title><svg y="16" width="100%" height="56" viewBox="0 0 {bars * _UNIT} {_TALLEST}" '
        f'preserveAspectRatio="none">{drawn}</svg><line class="base" x1="0" x2="100%" y1="72" y2="72"/>{written}</svg>'
    )


def _bar(place: int, parts: Iterable[tuple[str, int]], highest: int, tip: str) -> str:
    """Return one bar of stacked parts, from the bottom up."""
    top, drawn = float(_TALLEST), ""
    for kind, many in parts:
        if many:
            height = max(many / highest * _TALLEST, _SMALLEST)
            top -= height
            place_and_size = f'x="{place * _UNIT + 1}" y="{top:.2f}" width="{_UNIT - 1}" height="{height:.2f}"'
            drawn += f'<rect class="{kind}" {place_and_size}/>'
    return f"<g><title>{words(tip)}</title>{drawn}</g>"


def _ticks(labels: Sequence[str]) -> str:
    last = len(labels) - 1
    anchors = ["start", *["middle"] * (last - 1), "end"]
    return "".join(
        f'<text class="{"fine" if place % 2 else "tick"}" x="{place * 100 // last}%" y="88" text-anchor="{anchor}">'
        f"{label}</text>"
        for place, (label, anchor) in enumerate(zip(labels, anchors, strict=True))
    )


def _date(day: int) -> str:
    return format_instant(min(day * DAY, LAST))[:10]


def _after(now: int, days: int) -> str:
    return format_instant(min(now + days * DAY, LAST))[:10]
