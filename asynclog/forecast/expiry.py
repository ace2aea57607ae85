"""When the records of a segment expire, and how many have expired at a cutoff: exactly, or within bounds."""

from collections.abc import Iterable

import msgspec

from asynclog.forecast.bounds import NOTHING, Bounds, total
from asynclog.policy.rules import Policy, overdue_since, retention_for
from asynclog.statistics import SchemaStats, SegmentStats, latest
from asynclog.timestamps import DAY


def expired(count: SchemaStats, cutoff: int) -> Bounds:
    """Return how many of these records lie before the cutoff, whatever policy and time they were counted under.

    Implausible ones never expire; those that were in the future when counted expire like any other.
    """
    if count.oldest is not None and count.oldest >= cutoff:
        return NOTHING
    if count.newest is not None and count.newest < cutoff and not count.future:
        return _that_expire(count)
    return between(count, None, cutoff)


def _that_expire(count: SchemaStats) -> Bounds:
    """Return all records except implausible ones, whose bytes were not counted separately."""
    records = count.records - count.implausible
    if not count.implausible:
        return Bounds.exactly(records, count.bytes)
    if count.days is None:
        return Bounds(records, records, 0, count.bytes)
    return Bounds.exactly(records, sum(day.bytes for day in count.days))


def between(count: SchemaStats, start: int | None, end: int) -> Bounds:
    """Return how many plausible records lie in [start, end), by day; days only partly inside widen the bounds."""
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


def reclaimable(stats: SegmentStats, gone: Iterable[Bounds]) -> Bounds:
    """Return what a cleanup frees in this segment if `gone` has expired of each schema.

    If only blank lines would remain, they go, too: their bytes belong to no schema.
    """
    freed = _on_disk(stats, total(gone))
    if not freed.records_high or stats.unreadable:
        return freed
    records, size = stats.records, stats.fingerprint.size
    return Bounds(
        freed.records_low,
        freed.records_high,
        size if freed.records_low == records else freed.bytes_low,
        size if freed.records_high == records else freed.bytes_high,
    )


def _on_disk(stats: SegmentStats, lines: Bounds) -> Bounds:
    """Return an amount with the bytes that it takes in the file, which a packed one has fewer of."""
    low, high = stats.on_disk(lines.bytes_low), stats.on_disk(lines.bytes_high)
    return msgspec.structs.replace(lines, bytes_low=low, bytes_high=high)


class Lifetime(msgspec.Struct, frozen=True):
    """When the records of one schema in one segment expire.

    The first of the expired ones expired at `since`, None without any; the last of all expires after `until`, None if
    one never does. For records in the future only the day is known: its end counts.
    """

    since: int | None
    until: int | None


def lifetime(count: SchemaStats, policy: Policy) -> Lifetime:
    """Return since when records of this schema have been overdue, and until when the last is kept."""
    keep = retention_for(policy, count.schema)
    if keep is None:
        return Lifetime(None, None)
    newest = _newest(count)
    return Lifetime(overdue_since(policy, count), None if newest is None or count.implausible else newest + keep)


def _newest(count: SchemaStats) -> int | None:
    if not count.future:
        return count.newest
    return (count.days[-1].day + 1) * DAY if count.days else None


def fully_expired_at(stats: SegmentStats, policy: Policy) -> int | None:
    """Return the instant after which all of the segment has expired; None if some of it is kept for ever."""
    ends = [lifetime(count, policy).until for count in stats.schemas]
    return None if stats.unreadable or None in ends else latest(ends)
