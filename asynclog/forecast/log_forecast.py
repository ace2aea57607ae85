"""Forecast what a policy does to a log: how much it holds of each schema, and what expires today and later.

A figure for a time is all that has expired by then, today's included: what a cleanup would delete at that time, if
there were none before and nothing new came in.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from asynclog.forecast.bounds import NOTHING, Bounds
from asynclog.forecast.expiry import expired, reclaimable
from asynclog.forecast.ingest_rate import daily
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import rule_for
from asynclog.records.fields import MXCP_FIELDS, Fields, shortest_line
from asynclog.schemas import SchemaKey
from asynclog.statistics import SchemaStats, SegmentStats, total
from asynclog.timestamps import DAY

IN_DAYS = (0, 7, 30, 90)


class SchemaForecast(msgspec.Struct, frozen=True):
    """One schema, or all of them, under one policy.

    `oldest` and `newest` leave out future and implausible records. `retention_s` is None if nothing expires.
    `steady` is what is held in the end if as much comes in each day as now: None if that grows without limit. `frees`
    has one amount for each of IN_DAYS.
    """

    held: Bounds
    oldest: int | None
    newest: int | None
    retention_days: int | None
    retention_s: int | None
    daily: Bounds
    steady: Bounds | None
    frees: tuple[Bounds, ...]


class Forecast(msgspec.Struct, frozen=True):
    """The outlook for each schema, in order, and for the whole log.

    The bytes that `total` frees are those that the log shrinks by: they include the blank lines of dropped segments,
    which belong to no schema.
    """

    schemas: dict[SchemaKey, SchemaForecast]
    total: SchemaForecast


def times(now: int) -> tuple[int, ...]:
    """Return the instants that a forecast is for."""
    return tuple(now + days * DAY for days in IN_DAYS)


class ForecastBuilder:
    """Count what has expired in each segment under this policy, at each of the times from the cutoffs' `now` on.

    The statistics may have been made under any policy, but what is future in them must be future at `now`. Nothing is
    freed in the segments named in `staying`.
    """

    def __init__(
        self, all_stats: Iterable[SegmentStats], cutoffs: Cutoffs, staying: Container[str] = frozenset()
    ) -> None:
        self._cutoffs = cutoffs
        self._at_times = [cutoffs.at(time) for time in times(cutoffs.now)]
        self._known: dict[SchemaKey, tuple[int, ...] | None] = {}
        self._rows = [(stats, [] if stats.segment in staying else self._row(stats)) for stats in all_stats]

    def _row(self, stats: SegmentStats) -> list[list[Bounds]]:
        """Return for each time the bounds of each schema; empty if nothing expires at any of them, as usual."""
        limits = [self._limits(count.schema) for count in stats.schemas]
        pairs = list(zip(stats.schemas, limits, strict=True))
        if all(not cutoffs or (count.oldest is not None and count.oldest >= cutoffs[-1]) for count, cutoffs in pairs):
            return []
        return [
            [expired(count, cutoffs[number]) if cutoffs else NOTHING for count, cutoffs in pairs]
            for number in range(len(IN_DAYS))
        ]

    def _limits(self, schema: SchemaKey) -> tuple[int, ...] | None:
        """Return the cutoffs of a schema, the earliest first; None if its records never expire."""
        if schema not in self._known:
            found = [cutoffs.before(schema) for cutoffs in self._at_times]
            self._known[schema] = tuple(each for each in found if each is not None) or None
        return self._known[schema]

    def doubts(self) -> Iterator[tuple[int, str]]:
        """Yield pairs of a time's index and a segment for which the statistics can't tell exactly what has expired."""
        for stats, row in self._rows:
            for number, amounts in enumerate(row):
                if not all(each is NOTHING or each.is_exact for each in amounts):
                    yield number, stats.segment

    def forecast(
        self, judged: Sequence[Mapping[str, SegmentStats]], unknown_bytes: int = 0, fields: Fields = MXCP_FIELDS
    ) -> Forecast:
        """Return the forecast for the log with these segments, and `unknown_bytes` more that were never read.

        Those hold as many records as there is room for, at the most, with these fields.
        `judged` has, for each time, the statistics of segments that were scanned under this policy for that time.
        """
        unknown = Bounds(0, unknown_bytes // shortest_line(fields), 0, unknown_bytes)
        gone: defaultdict[SchemaKey, list[Bounds]] = defaultdict(lambda: [NOTHING] * len(IN_DAYS))
        counts: defaultdict[SchemaKey, list[SchemaStats]] = defaultdict(list)
        frees = [unknown] * len(IN_DAYS)
        for stats, row in self._rows:
            for count in stats.schemas:
                counts[count.schema].append(count)
            for number, told in enumerate(row):
                exact = judged[number].get(stats.segment)
                amounts = _judged(exact) if exact else told
                for count, amount in zip(stats.schemas, amounts, strict=True):
                    if amount is not NOTHING:
                        gone[count.schema][number] = gone[count.schema][number].plus(amount)
                frees[number] = frees[number].plus(reclaimable(stats, amounts))
        schemas = {key: _schema_forecast(counts[key], gone[key], self._cutoffs, unknown) for key in sorted(counts)}
        return Forecast(schemas, _total(counts.values(), list(schemas.values()), frees, unknown))


def _judged(stats: SegmentStats) -> list[Bounds]:
    return [Bounds.exactly(count.expired, count.expired_bytes) for count in stats.schemas]


def _schema_forecast(
    counts: Sequence[SchemaStats], gone: Iterable[Bounds], cutoffs: Cutoffs, unknown: Bounds
) -> SchemaForecast:
    rule = rule_for(cutoffs.policy, counts[0].schema)
    retention = rule.retention if rule else None
    rate = daily(counts, cutoffs.now, unknown)
    held = total(counts)
    return SchemaForecast(
        Bounds.exactly(held.records, held.bytes).plus(unknown),
        held.oldest,
        held.newest,
        rule.retention_days if rule else None,
        rule.retention_s if rule else None,
        rate,
        None if retention is None else rate.times(_days(retention)),
        tuple(gone) if retention is None else tuple(each.plus(unknown) for each in gone),
    )


def _days(period: int) -> float:
    """Return a period in days. Whole days stay an integer: there may be more of them than a float can hold."""
    return period / DAY if period % DAY else period // DAY


def _total(
    counts: Iterable[Sequence[SchemaStats]],
    forecasts: Sequence[SchemaForecast],
    frees: Iterable[Bounds],
    unknown: Bounds,
) -> SchemaForecast:
    """Return the sum of all schemas. Unknown bytes may be of a schema of their own, and all of one day."""
    rate = unknown
    steady: Bounds | None = None if unknown.bytes_high else NOTHING
    for each in forecasts:
        rate = rate.plus(each.daily)
        if each.daily.records_high:
            steady = None if steady is None or each.steady is None else steady.plus(each.steady)
    held = total(chain.from_iterable(counts))
    return SchemaForecast(
        Bounds.exactly(held.records, held.bytes).plus(unknown),
        held.oldest,
        held.newest,
        None,
        None,
        rate,
        steady,
        tuple(frees),
    )
