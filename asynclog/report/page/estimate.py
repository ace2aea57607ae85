"""The page of an estimate: how much there is, how old it is, and what a policy frees now and later. Pure."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import UNSET

from asynclog.forecast.ages import LogAges
from asynclog.formatting import format_period, percentage
from asynclog.report.budget import budget_in_words
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import EstimateResult, ForecastRow, Freed, Sample
from asynclog.report.page.ageing import MOST_ROWS, ages_section, due_section
from asynclog.report.page.charts import due_of
from asynclog.report.page.document import document
from asynclog.report.page.frame import Figure, about, attention, error_alarms, opening, rules, signature, span
from asynclog.report.page.markup import (
    Column,
    bounds,
    code,
    items,
    note,
    number,
    section,
    segments,
    sentence,
    size,
    table,
    words,
)
from asynclog.report.page.schema_facts import SchemaFacts, schema_facts
from asynclog.report.page.staying import Stay, staying_section, why_it_stays
from asynclog.timestamps import parse_instant


def estimate_page(report: CommandResult[EstimateResult], ages: LogAges) -> bytes:
    """Return the page of this result."""
    result = report.result
    now = parse_instant(result.now or "") or 0
    facts = schema_facts(ages, now)
    unread = [f"{code(name)} is in no figure: {words(reason)}" for name, reason in result.unread.items()][:MOST_ROWS]
    parts = [
        opening(
            result, _what(result.sample), result.message, _figures(result), error_alarms(report.error, report.exit_code)
        ),
        _sample(result.sample) if result.sample else "",
        ages_section(facts, now, "How old the records are, and what a cleanup deletes"),
        _schemas(result),
        due_section(due_of(facts.values()), now),
        staying_section(_stays(result, facts), [], "What stays after a cleanup now, and why"),
        attention(result, items(unread)),
        about(result),
        rules(result),
        signature("", "Reviewed"),
    ]
    return document(f"Estimate: {result.message}", result.version, parts)


def _what(sample: Sample | None) -> str:
    if sample is None or sample.bytes >= sample.of:
        return "Estimate"
    return f"Estimate from a random sample of {percentage(sample.bytes, sample.of)}, seed {sample.seed},"


def _figures(result: EstimateResult) -> Iterator[Figure]:
    totals = result.totals
    if totals is None:
        return
    for each in totals.frees:
        name = "goes now" if each.in_days == 0 else f"within {each.in_days} days"
        yield Figure(name, _figure(each, "bytes", size), _figure(each, "records", number, " records"))
    yield Figure("in the log", _figure(totals, "bytes", size), _figure(totals, "records", number, " records"))


def _figure(of: ForecastRow | Freed, name: str, form: Callable[[int], str], unit: str = "") -> str:
    """Return a figure with its unit, or its bounds; of a sample both."""
    value, low, high = (getattr(of, name + end) for end in ("", "_low", "_high"))
    if value is None or low in (UNSET, None) or low == high:
        return bounds(*_limits(of, name), form) + unit
    return f"<span>{form(round(value))}{unit}<small>{form(round(low))} to {form(round(high))}</small></span>"


def _limits(of: ForecastRow | Freed, name: str) -> tuple[int | None, int | None]:
    """Return what a figure lies between: twice itself if it is exact; None where that is not known."""
    value, low, high = (getattr(of, name + end) for end in ("", "_low", "_high"))
    if value is not None:
        return round(value), round(value)
    return (None, None) if low in (UNSET, None) else (round(low), round(high))


def _sample(sample: Sample) -> str:
    """Return what the sample was, and what its figures mean."""
    if sample.bytes >= sample.of:
        return section("sample", "No sample was needed", "<p>So little was not known that all of it was read.</p>")
    return section(
        "sample",
        "From a sample",
        f"<p>{number(sample.blocks)} random blocks were read, in {number(sample.segments)} of "
        f"{segments(sample.of_segments)}: {size(sample.bytes)} of {size(sample.of)}, "
        f"{percentage(sample.bytes, sample.of)}. Below each figure is the interval in which the true one lies with "
        f"{sample.confidence * 100:.0f} % confidence.</p>",
        note(
            f"<code>--seed {sample.seed}</code> draws the same sample. A sample does not tell how old all records are, "
            "and what was not read may hold schemas that are not named here."
        ),
    )


def _schemas(result: EstimateResult) -> str:
    """Return the table by schema, with what another policy would do below each."""
    totals = result.totals
    if totals is None:
        return ""
    times = ["frees now" if each.in_days == 0 else f"in {each.in_days} days" for each in totals.frees]
    numbers = ["records", "size", "size a day", "in the end", *times]
    columns = [Column("schema"), Column("keeps"), *(Column(name, is_number=True) for name in numbers)]
    rows: list[list[str]] = []
    for name, row in list(result.schemas.items())[:MOST_ROWS]:
        rows.append([f"<span>{code(name)}<small>{span(row.oldest, row.newest)}</small></span>", *_cells(row)])
        other = result.what_if[name] if result.what_if else row
        if other.retention_s != row.retention_s:
            rows.append([f"<small>what if: {words(name)}</small>", *_cells(other)])
    foot = ["all", *_cells(totals, all_of_it=True)]
    if result.what_if_totals and result.what_if_totals != totals:
        rows.append(["<small>what if: all</small>", *_cells(result.what_if_totals, all_of_it=True)])
    more = len(result.schemas) - MOST_ROWS
    told = [
        note(f"And {more:,} more schemas, which are in the totals.") if more > 0 else "",
        note("Freed: all that has expired by then. In the end: what stays if as much comes in each day as now."),
        _budget(result),
    ]
    return section("schemas", "By schema", table("schema-table", columns, rows, foot), *told)


def _cells(row: ForecastRow, *, all_of_it: bool = False) -> list[str]:
    keeps = "" if all_of_it else "for ever" if row.retention_s is None else sentence(format_period(row.retention_s))
    grows = row.steady_bytes is None and not row.steady_bytes_low
    return [
        keeps,
        _figure(row, "records", number),
        _figure(row, "bytes", size),
        _figure(row, "daily_bytes", size),
        "grows" if grows else _figure(row, "steady_bytes", size),
        *(_figure(each, "bytes", size) for each in row.frees),
    ]


def _budget(result: EstimateResult) -> str:
    budget = result.budget
    if budget is None:
        return ""
    told = f"Budget: {words(budget_in_words(budget.max_bytes, budget.min_free))}, in none of these figures"
    if budget.records is None or budget.bytes is None:
        return note(f"{told}.")
    return note(f"{told}: a cleanup now frees {size(budget.bytes)} more for it, {number(budget.records)} records.")


def _stays(result: EstimateResult, facts: Mapping[str, SchemaFacts]) -> Iterator[Stay]:
    """Yield what is left of each schema; if one of its figures is not exact, so is what is left."""
    for name, row in result.schemas.items():
        known, now = facts.get(name), row.frees[0]
        dates = (known.oldest_left, known.newest_left) if known else (None, None)
        records, many = _rest(row, now, "records"), _rest(row, now, "bytes")
        if records != (0, 0):
            yield Stay(name, why_it_stays(known) if known else _why(row), records, many, *dates)


def _why(row: ForecastRow) -> str:
    """Return why records stay, if their days are not known."""
    if row.retention_s is None:
        return "nothing lets it expire: for ever, or no rule"
    return f"not expired yet: kept for {format_period(row.retention_s)}"


def _rest(row: ForecastRow, now: Freed, name: str) -> tuple[int | None, int | None]:
    low, high = _limits(row, name)
    gone_low, gone_high = _limits(now, name)
    if low is None or high is None or gone_low is None or gone_high is None:
        return None, None
    return max(low - gone_high, 0), high - gone_low
