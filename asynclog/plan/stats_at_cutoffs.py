"""Project statistics to other cutoffs by their counts per day, without reading the segment again. Pure."""

from collections.abc import Iterable

import msgspec

from asynclog.policy.cutoffs import Cutoffs
from asynclog.statistics import DayStats, SchemaStats, SegmentStats
from asynclog.timestamps import DAY


def project(stats: SegmentStats, cutoffs: Cutoffs) -> SegmentStats | None:
    """Return the statistics that a scan under these cutoffs would make, except that `oldest_kept` may be unknown: None,
    and `newest_expired` known by its day only.

    Return None if a cutoff, or the horizon of the future, falls inside a day with records: the counts can't tell.
    """
    counts, horizon = [], cutoffs.future
    for count in stats.schemas:
        judged = _aged(count, cutoffs.before(count.schema), horizon)
        if judged is None:
            return None
        counts.append(judged)
    return msgspec.structs.replace(stats, schemas=tuple(counts), ranges=())


def _aged(count: SchemaStats, cutoff: int | None, horizon: int) -> SchemaStats | None:
    if not _same_future(count, horizon):
        return None
    if cutoff is None or count.oldest is None or count.oldest >= cutoff:
        return _judged(count, 0, 0, count.oldest)
    if count.newest is not None and count.newest < cutoff and not count.future and not count.implausible:
        return _judged(count, count.records, count.bytes, None, count.newest)
    gone = _before(count, cutoff)
    if gone is None:
        return None
    records = sum(day.records for day in gone)
    return _judged(count, records, sum(day.bytes for day in gone), None, _latest_of(count, gone, cutoff))


def _latest_of(count: SchemaStats, gone: list[DayStats], cutoff: int) -> int | None:
    """Return the latest of the records of these days, before the cutoff: the end of the last day if not all go."""
    if not gone or count.newest is None or count.newest < cutoff:
        return count.newest if gone else None
    return (gone[-1].day + 1) * DAY - 1


def _judged(
    count: SchemaStats, expired: int, expired_bytes: int, oldest_kept: int | None, newest_expired: int | None = None
) -> SchemaStats:
    """Return the new counts; unchanged if as many have expired as before, because they are the same records."""
    if expired == count.expired:
        return count
    return msgspec.structs.replace(
        count,
        expired=expired,
        expired_bytes=expired_bytes,
        oldest_kept=oldest_kept,
        newest_expired=newest_expired,
    )


def _same_future(count: SchemaStats, horizon: int) -> bool:
    """Return whether the records that were in the future at the scan are exactly those beyond the horizon now."""
    if count.newest is not None and count.newest > horizon:
        return False
    if not count.future:
        return True
    beyond = sum(day.records for day in count.days or () if day.day * DAY > horizon)
    return count.days is not None and beyond == count.future


def _before(count: SchemaStats, cutoff: int) -> list[DayStats] | None:
    """Return the days before the cutoff; None if it falls inside a day with records."""
    if count.days is None or count.newest is None:
        return None
    gone = [day for day in count.days if day.day * DAY < cutoff]
    if gone and (gone[-1].day + 1) * DAY > cutoff and count.newest >= cutoff:
        return None
    return gone


def expired_before(count: SchemaStats, instant: int) -> int:
    """Count the expired records that are older than this instant, which is not after their cutoff.

    The day that the instant falls into does not count, unless all of it is known to be older: the result may be too
    small by that day's records, but never too large. If the days are unknown (there were too many), all expired records
    count if one of them is older: then the result may be too large.
    """
    if count.oldest is None or count.oldest >= instant:
        return 0
    if count.days is None or (count.newest is not None and count.newest < instant):
        return count.expired
    return sum(day.records for day in count.days if (day.day + 1) * DAY <= instant)


def after_rewrite(stats: SegmentStats, cutoffs: Cutoffs) -> SegmentStats | None:
    """Return the statistics of a segment after its rewrite; None if the counts can't tell."""
    counts = []
    for count in stats.schemas:
        left = _survivors(count, cutoffs.before(count.schema)) if count.expired else count
        if left is None:
            return None
        if left.records:
            counts.append(left)
    unpacked = None if stats.unpacked is None else stats.unpacked - stats.expired_bytes
    return msgspec.structs.replace(stats, schemas=tuple(counts), ranges=(), unpacked=unpacked)


def _survivors(count: SchemaStats, cutoff: int | None) -> SchemaStats | None:
    kept = count.plausible - count.expired
    if count.days is None or cutoff is None or (kept and count.oldest_kept is None):
        return None
    return msgspec.structs.replace(
        count,
        records=count.records - count.expired,
        bytes=count.bytes - count.expired_bytes,
        oldest=count.oldest_kept,
        newest=count.newest if kept else None,
        expired=0,
        expired_bytes=0,
        days=tuple(_days_left(count, count.days, cutoff)),
        newest_expired=None,
    )


def _days_left(count: SchemaStats, days: Iterable[DayStats], cutoff: int) -> Iterable[DayStats]:
    """Drop the days before the cutoff; subtract from the cutoff day whatever they do not account for."""
    records, size = count.expired, count.expired_bytes
    for day in days:
        if day.day * DAY >= cutoff:
            yield day
        elif (day.day + 1) * DAY <= cutoff:
            records, size = records - day.records, size - day.bytes
        elif day.records > records:
            yield DayStats(day.day, day.records - records, day.bytes - size)
