"""The ingest rate: how much of a schema comes in per day."""

from collections.abc import Iterable

from asynclog.forecast.bounds import NOTHING, Bounds, total
from asynclog.forecast.expiry import between
from asynclog.statistics import SchemaStats, earliest
from asynclog.timestamps import DAY

DAYS = 30


def daily(counts: Iterable[SchemaStats], now: int, unknown: Bounds = NOTHING) -> Bounds:
    """Return records and bytes per day of one schema, over the last 30 whole UTC days before today.

    If its oldest record is younger, average over the time since then, but at least a day, so that what an earlier
    cleanup deleted does not lower the rate. If all records are of today, today counts as a whole day. `unknown` may
    come on top.
    """
    counts = list(counts)
    oldest = earliest(count.oldest for count in counts)
    midnight = now // DAY * DAY
    if oldest is None:
        return unknown
    if oldest >= midnight:
        today = _between(counts, midnight, midnight + DAY)
        # Unknown records may be older, and then today would not count.
        return today if unknown == NOTHING else Bounds(0, today.records_high, 0, today.bytes_high).plus(unknown)
    start = max(oldest, midnight - DAYS * DAY)
    covered = max(midnight - start, DAY) / DAY
    found = _between(counts, start // DAY * DAY, midnight).plus(unknown)
    return found.per(covered, covered if unknown == NOTHING else DAYS)


def _between(counts: Iterable[SchemaStats], start: int, end: int) -> Bounds:
    recent = (count for count in counts if count.newest is None or count.newest >= start or count.future)
    return total(between(count, start, end) for count in recent)
