"""Forecast from samples of segments, and from what is known of others exactly: the same figures, with intervals.

A figure is a sum over lines. So it is estimated from what the lines of each block that was read contribute to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from asynclog.forecast.bounds import NOTHING, Bounds
from asynclog.forecast.expiry import between, expired, reclaimable
from asynclog.forecast.ingest_rate import DAYS
from asynclog.forecast.log_forecast import IN_DAYS, Forecast, SchemaForecast
from asynclog.forecast.sample_estimator import (
    Density,
    Estimator,
    Interval,
    Moments,
    Sampled,
    interval,
    weighted_sum,
)
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, retention_for, rule_for
from asynclog.schemas import SchemaKey
from asynclog.statistics import SegmentStats, earliest, latest
from asynclog.timestamps import DAY

HELD, _RECENT, _TODAY = -3, -2, -1  # figures beside those of the views, which are numbered by policy and time

# A figure of one schema, or what all schemas free on the disk.
_Figure = tuple[SchemaKey | None, int]
_Amounts = dict[int, float]  # by the number of the block


class Observations:
    """What the blocks of one sample contribute to each figure, seen at `now`."""

    def __init__(self, now: int) -> None:
        midnight = now // DAY * DAY
        self._recent, self._today = (midnight - DAYS * DAY, midnight), (midnight, midnight + DAY)
        self.records: defaultdict[_Figure, _Amounts] = defaultdict(dict)
        self.bytes: defaultdict[_Figure, _Amounts] = defaultdict(dict)
        self.oldest: dict[SchemaKey, int | None] = {}
        self.newest: dict[SchemaKey, int | None] = {}

    def add(self, number: int, stats: SegmentStats, gone: Sequence[Sequence[Bounds]]) -> None:
        """Add what is in a block, and for each view how much of each of its schemas has expired: exactly."""
        for count in stats.schemas:
            key = count.schema
            self._note((key, HELD), number, Bounds.exactly(count.records, count.bytes))
            self._note((key, _RECENT), number, between(count, *self._recent))
            self._note((key, _TODAY), number, between(count, *self._today))
            self.oldest[key] = earliest((self.oldest.get(key), count.oldest))
            self.newest[key] = latest((self.newest.get(key), count.newest))
        for view, amounts in enumerate(gone):
            for count, amount in zip(stats.schemas, amounts, strict=bool(amounts)):
                self._note((count.schema, view), number, amount)
            self._note((None, view), number, reclaimable(stats, amounts))

    def drop(self, number: int) -> None:
        """Forget what a block contributes."""
        for amounts in (*self.records.values(), *self.bytes.values()):
            amounts.pop(number, None)

    def _note(self, figure: _Figure, number: int, amount: Bounds) -> None:
        if amount.records_high:
            self.records[figure][number] = amount.records_high
            self.bytes[figure][number] = amount.bytes_high


class Sample(NamedTuple):
    """One sample, and what was observed in it. A byte that was read may be `expansion` bytes of lines, if packed."""

    sampled: Sampled
    observed: Observations
    expansion: int = 1


class _Part(NamedTuple):
    estimator: Estimator
    observed: Observations
    records: Density
    bytes: Density


def known_gone(stats: SegmentStats, cutoffs: Iterable[Cutoffs]) -> list[list[Bounds]]:
    """Return for each view how much of each schema of a known segment has expired: exactly, or within bounds."""
    return [[_expired(stats, number, each) for number in range(len(stats.schemas))] for each in cutoffs]


def _expired(stats: SegmentStats, number: int, cutoffs: Cutoffs) -> Bounds:
    count = stats.schemas[number]
    cutoff = cutoffs.before(count.schema)
    return NOTHING if cutoff is None else expired(count, cutoff)


def judged_gone(views: Iterable[SegmentStats]) -> list[list[Bounds]]:
    """Return the same for what was counted under each view."""
    return [[Bounds.exactly(count.expired, count.expired_bytes) for count in stats.schemas] for stats in views]


class SampledForecasts:
    """Forecasts from several samples, each of its own segments, for records of `shortest` bytes at least."""

    def __init__(self, samples: Sequence[Sample], now: int, shortest: int) -> None:
        self._parts = [_part(each, shortest) for each in samples]
        self._now = now
        self._keys = sorted({key for each in samples for key in each.observed.oldest})
        self._oldest = {key: earliest(each.observed.oldest.get(key) for each in samples) for key in self._keys}
        self._newest = {key: latest(each.observed.newest.get(key) for each in samples) for key in self._keys}

    @property
    def keys(self) -> Sequence[SchemaKey]:
        """The schema keys that were seen, in order."""
        return self._keys

    def forecast(self, policy: Policy, number: int) -> Forecast:
        """Return the forecast under the policy of this number."""
        first = number * len(IN_DAYS)
        schemas = {key: self._of_schema(key, policy, first) for key in self._keys}
        return Forecast(schemas, self._total(policy, first))

    def _of_schema(self, key: SchemaKey, policy: Policy, first: int) -> SchemaForecast:
        rule = rule_for(policy, key)
        retention = rule.retention if rule else None
        rate = self._rate(key)
        return SchemaForecast(
            self._estimate([((key, HELD), 1.0)]),
            self._oldest[key],
            self._newest[key],
            rule.retention_days if rule else None,
            rule.retention_s if rule else None,
            self._estimate([rate]),
            None if retention is None else self._estimate([(rate[0], rate[1] * retention / DAY)]),
            tuple(
                NOTHING if retention is None else self._estimate([((key, first + place), 1.0)])
                for place in range(len(IN_DAYS))
            ),
        )

    def _total(self, policy: Policy, first: int) -> SchemaForecast:
        growing = [(key, self._rate(key)) for key in self._keys if self._has(self._rate(key)[0])]
        kept = [(figure, factor, retention_for(policy, key)) for key, (figure, factor) in growing]
        steady = [(figure, factor * days / DAY) for figure, factor, days in kept if days is not None]
        return SchemaForecast(
            self._estimate([((key, HELD), 1.0) for key in self._keys]),
            earliest(self._oldest.values()),
            latest(self._newest.values()),
            None,
            None,
            self._estimate([self._rate(key) for key in self._keys]),
            None if len(steady) < len(kept) else self._estimate(steady),
            tuple(self._estimate([((None, first + place), 1.0)]) for place in range(len(IN_DAYS))),
        )

    def _rate(self, key: SchemaKey) -> tuple[_Figure, float]:
        """Return what counts for the daily rate of a schema, and by what it is multiplied: see `ingest_rate.daily`."""
        oldest, midnight = self._oldest[key], self._now // DAY * DAY
        if oldest is None or oldest >= midnight:
            return (key, _RECENT if oldest is None else _TODAY), 1.0
        return (key, _RECENT), DAY / max(midnight - max(oldest, midnight - DAYS * DAY), DAY)

    def _has(self, figure: _Figure) -> bool:
        return any(part.observed.records.get(figure) for part in self._parts)

    def _estimate(self, terms: Sequence[tuple[_Figure, float]]) -> Interval:
        """Return the sum of these figures, each times its factor."""
        largest = max((factor for _, factor in terms), default=1.0)
        records = size = Moments()
        for estimator, observed, records_dense, bytes_dense in self._parts:
            all_records = weighted_sum((observed.records.get(figure, {}), factor) for figure, factor in terms)
            all_bytes = weighted_sum((observed.bytes.get(figure, {}), factor) for figure, factor in terms)
            records = records.plus(estimator.moments(all_records, records_dense.times(largest)))
            size = size.plus(estimator.moments(all_bytes, bytes_dense.times(largest)))
        return interval(records, size)


def _part(sample: Sample, shortest: int) -> _Part:
    lines = max(1, sum(sample.sampled.lines))
    records, size = (
        sum(sum(amounts.values()) for (_, kind), amounts in figures.items() if kind == HELD) / lines
        for figures in (sample.observed.records, sample.observed.bytes)
    )
    return _Part(
        Estimator.of(sample.sampled),
        sample.observed,
        Density(records, sample.expansion / shortest),
        Density(size, sample.expansion),
    )
