"""Make the result of `estimate`: what a policy frees, and would free with other days."""

from collections.abc import Iterable

import msgspec

from asynclog.forecast.bounds import Bounds
from asynclog.forecast.log_forecast import IN_DAYS, Forecast, SchemaForecast, times
from asynclog.formatting import format_size, pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.estimate.result import BudgetFrees, BytesRead, EstimateResult, ForecastRow, Freed, Sample, Unknown
from asynclog.report.holdings import Holdings
from asynclog.report.packed_segments import Packed
from asynclog.report.provenance import Provenance
from asynclog.report.warnings.notices import Notices
from asynclog.timestamps import LAST, format_instant


def sum_budgets(budgets: Iterable[BudgetFrees]) -> BudgetFrees | None:
    """Return the sum for several logs of one profile, each of which has this budget for itself; None for none."""
    each = list(budgets)
    if not each:
        return None
    if any(one.records is None for one in each):
        return BudgetFrees(each[0].max_bytes, each[0].min_free)
    return msgspec.structs.replace(
        each[0],
        records=sum(one.records or 0 for one in each),
        bytes=sum(one.bytes or 0 for one in each),
        bytes_over=sum(one.bytes_over or 0 for one in each),
    )


class Estimate(msgspec.Struct, frozen=True):
    """The result of an estimate. `what_if` is None if no other days were given, `sample` if there was none."""

    now: int
    today: Forecast
    what_if: Forecast | None
    read: BytesRead
    packed: Packed
    unknown: Unknown
    bounded: bool
    budget: BudgetFrees | None = None
    sample: Sample | None = None


def make_estimate(
    found: Estimate, holdings: Holdings, notices: Notices, *, profile: str | None, provenance: Provenance
) -> CommandResult[EstimateResult]:
    """Return the result of the command; segments that could not be read are its error."""
    return holdings.command_result(
        EstimateResult(
            status="partial" if holdings.failures else "success",
            message=_message(found.today.total.frees[0], found.budget),
            profile=profile,
            now=format_instant(found.now),
            **msgspec.structs.asdict(provenance),
            schemas=_rows(found.today, found),
            what_if=_rows(found.what_if, found) if found.what_if else None,
            totals=_row(found.today.total, found),
            what_if_totals=_row(found.what_if.total, found) if found.what_if else None,
            budget=found.budget,
            read=found.read,
            packed=found.packed,
            unknown=found.unknown,
            sample=found.sample,
            unread=holdings.unread,
            warnings=notices.warnings,
            neighbours=notices.neighbours,
            unjudged=notices.unjudged,
            errors=holdings.failures,
        )
    )


def _message(now: Bounds, budget: BudgetFrees | None) -> str:
    low, high = round(now.records_low), round(now.records_high)
    least, most = format_size(round(now.bytes_low)), format_size(round(now.bytes_high))
    more = ""
    if budget and budget.records and budget.bytes is not None:
        more = f", and {budget.records:,} more for the log's budget ({format_size(budget.bytes)})"
    if now.is_exact:
        return f"A cleanup now would delete {pluralize(low, 'record')} ({least}){more}"
    if now.records is not None and now.bytes is not None:
        about = f"{pluralize(round(now.records), 'record')} ({format_size(round(now.bytes))}; "
        return f"A cleanup now would delete about {about}with 95 % confidence {least} to {most}){more}"
    return f"A cleanup now would delete {low:,} to {high:,} records ({least} to {most}){more}"


def _rows(forecast: Forecast, found: Estimate) -> dict[str, ForecastRow]:
    return {str(key): _row(each, found) for key, each in forecast.schemas.items()}


def _row(forecast: SchemaForecast, found: Estimate) -> ForecastRow:
    held, daily, steady = forecast.held, forecast.daily, forecast.steady
    row = ForecastRow(
        records=_whole(held.records),
        bytes=_whole(held.bytes),
        oldest=None if forecast.oldest is None else format_instant(forecast.oldest),
        newest=None if forecast.newest is None else format_instant(forecast.newest),
        retention_days=forecast.retention_days,
        retention_s=forecast.retention_s,
        daily_records=_rounded(daily.records),
        daily_bytes=_rounded(daily.bytes),
        steady_bytes=_whole(steady.bytes) if steady else None,
        frees=_freed(forecast, found),
    )
    if not found.bounded:
        return row
    return msgspec.structs.replace(
        row,
        records_low=round(held.records_low),
        records_high=round(held.records_high),
        bytes_low=round(held.bytes_low),
        bytes_high=round(held.bytes_high),
        daily_records_low=round(daily.records_low, 3),
        daily_records_high=round(daily.records_high, 3),
        daily_bytes_low=round(daily.bytes_low, 3),
        daily_bytes_high=round(daily.bytes_high, 3),
        steady_bytes_low=round(steady.bytes_low) if steady else None,
        steady_bytes_high=round(steady.bytes_high) if steady else None,
    )


def _freed(forecast: SchemaForecast, found: Estimate) -> list[Freed]:
    rows = []
    for days, at, amount in zip(IN_DAYS, times(found.now), forecast.frees, strict=True):
        row = Freed(
            in_days=days,
            at=format_instant(min(at, LAST)),
            records=_whole(amount.records),
            bytes=_whole(amount.bytes),
        )
        if found.bounded:
            row = msgspec.structs.replace(
                row,
                records_low=round(amount.records_low),
                records_high=round(amount.records_high),
                bytes_low=round(amount.bytes_low),
                bytes_high=round(amount.bytes_high),
            )
        rows.append(row)
    return rows


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
