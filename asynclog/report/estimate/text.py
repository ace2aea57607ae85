"""The result of `estimate` as text: one table, the what-if beside today's policy."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import UNSET

from asynclog.escaping import escape_control
from asynclog.formatting import fold, format_period, format_size, pluralize
from asynclog.report.budget import budget_in_words
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import BudgetFrees, BytesRead, EstimateResult, ForecastRow, Freed, Sample
from asynclog.report.provenance import in_brief
from asynclog.report.unjudged_segments import unjudged_in_words
from asynclog.tables import columns

_HEAD = ["schema", "keeps", "records", "size", "a day", "in the end"]


def as_text(report: CommandResult[EstimateResult], width: int | None = None) -> str:
    """Return the result as lines, without a newline at the end; tables fit into this width."""
    return "\n".join(_lines(report.result, width))


def _lines(result: EstimateResult, width: int | None) -> Iterator[str]:
    yield escape_control(result.message)
    if result.totals is not None:
        yield from _forecast(result, result.totals, width)
    yield from in_brief(result)
    for warning in result.warnings:
        yield f"Warning: {escape_control(warning)}"


def _forecast(result: EstimateResult, totals: ForecastRow, width: int | None) -> Iterator[str]:
    yield ""
    yield from columns(_rows(result, totals), right=set(range(2, len(_HEAD) + len(totals.frees))), width=width)
    yield ""
    yield "Freed: all that has expired by then. In the end: what stays if as much comes in each day as now."
    if result.packed.segments:
        yield _sizes(result)
    if result.budget:
        yield _budget(result.budget)
    if result.sample:
        yield from _sample(result.sample)
    if result.unknown.segments:
        yield (
            f"Not read yet: {pluralize(result.unknown.segments, 'segment')} of {format_size(result.unknown.bytes)}, "
            "which may hold anything: without --no-scan they are read"
        )
    for unread in fold(result.unread.items()):
        yield escape_control(f"Not read, and in no figure: {unread}")
    yield from unjudged_in_words(result.unjudged)
    yield f"Read for this: {_read(result.read)}"


def _sizes(result: EstimateResult) -> str:
    """Return which sizes are of unpacked lines, and which are of files."""
    packed = result.packed
    freed = "what all of them free" if len(result.schemas) > 1 else "what the first line says"
    hold = f"{'holds' if packed.segments == 1 else 'hold'} {format_size(packed.unpacked_bytes)} of lines"
    many = f"{pluralize(packed.segments, 'compressed segment')} of {format_size(packed.bytes)} {hold}"
    return f"Sizes are of unpacked lines; {freed} is of files: {many}"


def _budget(budget: BudgetFrees) -> str:
    """Return what goes for the budget now: later that depends on what comes in until then."""
    told = f"Budget: {budget_in_words(budget.max_bytes, budget.min_free)}, in none of these figures: "
    if budget.records is None or budget.bytes is None:
        return f"{told}what goes for it is known once all segments have been read, without --no-scan"
    over = f"; {format_size(budget.bytes_over)} over it stay" if budget.bytes_over else ""
    return f"{told}a cleanup now frees {format_size(budget.bytes)} more for it{over}"


def _sample(sample: Sample) -> Iterator[str]:
    """Yield what was drawn; nothing of a sample that is all there is, for then the figures are exact."""
    if sample.bytes >= sample.of:
        yield "No sample was needed: so little was not known that all of it was read"
        return
    yield (
        f"Estimated from {pluralize(sample.blocks, 'random block')} in {pluralize(sample.segments, 'segment')}, "
        f"{format_size(sample.bytes)} of {format_size(sample.of)} in {pluralize(sample.of_segments, 'segment')} "
        f"(--seed {sample.seed} draws the same)"
    )
    yield "±: with 95 % confidence. What was not read may hold schemas that are not named here"


def _read(read: BytesRead) -> str:
    """Return how much was read, never more than there is: a second reading is mentioned separately."""
    text = f"{format_size(min(read.bytes, read.of))} of {format_size(read.of)}"
    return f"{text}, some of it twice" if read.bytes > read.of else text


def _rows(result: EstimateResult, totals: ForecastRow) -> Iterator[list[str]]:
    yield [*_HEAD, *("frees now" if row.in_days == 0 else f"in {row.in_days} days" for row in totals.frees)]
    for name, today in result.schemas.items():
        yield _row(name, today)
        yield from _margins(result, today)
        other = result.what_if[name] if result.what_if else today
        if other.retention_s != today.retention_s:
            yield _what_if(_row("", other))
            yield from _margins(result, other, what_if=True)
    if len(result.schemas) > 1:
        yield _row("all", totals, all_of_it=True)
        yield from _margins(result, totals)
        if result.what_if_totals and result.what_if_totals != totals:
            yield _what_if(_row("", result.what_if_totals, all_of_it=True))
            yield from _margins(result, result.what_if_totals, what_if=True)


def _row(name: str, row: ForecastRow, *, all_of_it: bool = False) -> list[str]:
    keeps = "" if all_of_it else "for ever" if row.retention_s is None else format_period(row.retention_s)
    grows = row.steady_bytes is None and not row.steady_bytes_low
    return [
        name,
        keeps,
        _figure(row, "records", "{:,}".format),
        _figure(row, "bytes", format_size),
        _figure(row, "daily_bytes", format_size),
        "grows" if grows else _figure(row, "steady_bytes", format_size),
        *(_figure(each, "bytes", format_size) for each in row.frees),
    ]


def _figure(of: ForecastRow | Freed, name: str, in_words: Callable[[Any], str]) -> str:
    """Return the figure, or its bounds."""
    value, low, high = (getattr(of, name + end) for end in ("", "_low", "_high"))
    if value is not None:
        return in_words(value)
    return "?" if low is UNSET else f"{in_words(low)} to {in_words(high)}"


def _margins(result: EstimateResult, row: ForecastRow, *, what_if: bool = False) -> Iterator[list[str]]:
    """Yield the row below another that says how far off its figures may be; none if they are exact."""
    if not result.sample:
        return
    names = ("records", "bytes", "daily_bytes", "steady_bytes")
    held = [_margin(row, name) for name in names]
    cells = [*(["", "", "", held[3]] if what_if else held), *(_margin(each, "bytes") for each in row.frees)]
    if any(cells):
        yield ["", "", *cells]


def _margin(of: ForecastRow | Freed, name: str) -> str:
    """Return how far the figure may be off, in percent of it; empty if it is exact."""
    value, low, high = (getattr(of, name + end) for end in ("", "_low", "_high"))
    if value is None or low is UNSET or low == high:
        return ""
    if not value:
        return f"< {format_size(high) if name.endswith('bytes') else round(high)}"
    return f"±{max(high - value, value - low) / value:.1%}"


def _what_if(row: list[str]) -> list[str]:
    """Return the row to go below today's, without what is the same in both."""
    return ["  what if", row[1], "", "", "", *row[5:]]
