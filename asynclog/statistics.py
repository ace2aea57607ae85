"""Arithmetic on what segments hold: sums, spans of time, and a segment put together from its parts. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from asynclog.types import DayStats, Fingerprint, SchemaStats, SegmentStats

Key = TypeVar("Key")


def earliest(instants: Iterable[int | None]) -> int | None:
    """Return the earliest of these instants, as far as they are known; None if none is."""
    return min((instant for instant in instants if instant is not None), default=None)


def latest(instants: Iterable[int | None]) -> int | None:
    """Return the latest of these instants, as far as they are known; None if none is."""
    return max((instant for instant in instants if instant is not None), default=None)


def sum_counts(counts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    """Add up numbers by their keys, which are in the order in which they came."""
    total: dict[Key, int] = {}
    for each in counts:
        for key, number in each.items():
            total[key] = total.get(key, 0) + number
    return total


class Totals(NamedTuple):
    """All records of some schemas; `oldest` and `newest` as `SchemaStats` has them."""

    records: int
    bytes: int
    oldest: int | None
    newest: int | None


def total(counts: Iterable[SchemaStats]) -> Totals:
    """Add up what segments hold of one schema, or of several."""
    counts = list(counts)
    return Totals(
        sum(count.records for count in counts),
        sum(count.bytes for count in counts),
        earliest(count.oldest for count in counts),
        latest(count.newest for count in counts),
    )


def merge(head: SegmentStats, tail: SegmentStats, fingerprint: Fingerprint) -> SegmentStats:
    """Return the statistics of a segment from those of its beginning and of the rest."""
    about = SegmentStats(tail.segment, fingerprint, quiet=tail.quiet, ranges=head.ranges + tail.ranges)
    if head.fragment is not None:
        return msgspec.structs.replace(about, fragment=head.fragment)
    if tail.fragment is not None:
        return msgspec.structs.replace(about, fragment=head.lines + tail.fragment)
    counts = {count.schema: count for count in head.schemas}
    for count in tail.schemas:
        before = counts.get(count.schema)
        counts[count.schema] = _merge_schema(before, count) if before else count
    return msgspec.structs.replace(
        about,
        schemas=tuple(counts[schema] for schema in sorted(counts)),
        unreadable=head.unreadable + tail.unreadable,
        blank=head.blank + tail.blank,
    )


def _merge_schema(one: SchemaStats, other: SchemaStats) -> SchemaStats:
    unknown = any(each.oldest_kept is None and each.plausible > each.expired for each in (one, other))
    return SchemaStats(
        one.schema,
        one.records + other.records,
        one.bytes + other.bytes,
        earliest((one.oldest, other.oldest)),
        latest((one.newest, other.newest)),
        one.expired + other.expired,
        one.expired_bytes + other.expired_bytes,
        one.future + other.future,
        one.implausible + other.implausible,
        None if unknown else earliest((one.oldest_kept, other.oldest_kept)),
        None if one.days is None or other.days is None else _merge_days(one.days, other.days),
    )


def _merge_days(one: Iterable[DayStats], other: Iterable[DayStats]) -> tuple[DayStats, ...]:
    days: dict[int, DayStats] = {day.day: day for day in one}
    for day in other:
        before = days.get(day.day, DayStats(day.day, 0, 0))
        days[day.day] = DayStats(day.day, before.records + day.records, before.bytes + day.bytes)
    return tuple(days[number] for number in sorted(days))
