"""How much of a segment has expired at some cutoff, told from its census: exactly, or between bounds."""

from collections.abc import Iterable

from asynclog.forecast.bounds import NOTHING, Bounds, total
from asynclog.timestamps import DAY
from asynclog.types import SchemaStats, SegmentStats


def expired(count: SchemaStats, cutoff: int) -> Bounds:
    """What of these records lies before the cutoff, whatever policy and time they were counted under.

    Implausible ones never expire, and those that were in the future then do so like any other.
    """
    if count.oldest is not None and count.oldest >= cutoff:
        return NOTHING
    if count.newest is not None and count.newest < cutoff and not count.future:
        return _that_expire(count)
    return between(count, None, cutoff)


def _that_expire(count: SchemaStats) -> Bounds:
    """Return all records but the implausible ones, whose bytes were not counted apart."""
    records = count.records - count.implausible
    if not count.implausible:
        return Bounds.exactly(records, count.bytes)
    if count.days is None:
        return Bounds(records, records, 0, count.bytes)
    return Bounds.exactly(records, sum(day.bytes for day in count.days))


def between(count: SchemaStats, start: int | None, end: int) -> Bounds:
    """What of the plausible records lies in [start, end), by the days; the day that an edge falls into is in doubt."""
    if count.days is None:
        return Bounds(0, count.records - count.implausible, 0, count.bytes)
    records = size = records_in_doubt = bytes_in_doubt = 0
    for day in count.days:
        first, last = day.day * DAY, (day.day + 1) * DAY
        if first >= end or (start is not None and last <= start):
            continue
        if last <= end and (start is None or first >= start):
            records, size = records + day.records, size + day.bytes
        else:
            records_in_doubt, bytes_in_doubt = records_in_doubt + day.records, bytes_in_doubt + day.bytes
    return Bounds(records, records + records_in_doubt, size, size + bytes_in_doubt)


def reclaimable(census: SegmentStats, gone: Iterable[Bounds]) -> Bounds:
    """What a cleanup takes from this segment where so much of each schema has expired.

    Where nothing but blank lines would stay, they go too: their bytes are of no schema.
    """
    freed = total(gone)
    if not freed.records_high or census.unreadable:
        return freed
    records, size = census.records, census.fingerprint.size
    return Bounds(
        freed.records_low,
        freed.records_high,
        size if freed.records_low == records else freed.bytes_low,
        size if freed.records_high == records else freed.bytes_high,
    )
