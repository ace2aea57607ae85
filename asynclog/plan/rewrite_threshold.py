"""Defer a rewrite until enough of a segment has expired. Pure."""

from collections.abc import Iterator

from asynclog.policy.rules import Policy, retention_for
from asynclog.statistics import SegmentStats
from asynclog.timestamps import DAY, LAST, format_instant

# The percentage of a segment's bytes that must have expired before it is rewritten; None: never rewrite it.
Percent = float | None
ALWAYS = 0.0


def deferral_reason(stats: SegmentStats, policy: Policy, least: Percent) -> str:
    """Return why a partly expired segment is not worth a rewrite yet, and when it will be; empty if it is."""
    if least is not None and _is_reached(stats, stats.expired_bytes, least):
        return ""
    share = stats.expired_bytes * 100 / stats.size
    goal = "all of it has" if least is None else f"{least:g} % have"
    return f"{share:.1f} % of it has expired, and it waits until {goal}, {_when(stats, policy, least)}"


def _when(stats: SegmentStats, policy: Policy, least: Percent) -> str:
    """Say when it is rewritten; or dropped, if only blank lines would remain, even below the threshold."""
    if any(count.days is None for count in stats.schemas):
        return "on a day that is not known: it has records of too many days"
    moment = None if least is None else _reached(stats, policy, least)
    moment = _end(stats, policy) if moment is None else moment
    return "which never happens" if moment is None or moment > LAST else f"on {format_instant(moment)[:10]}"


def _is_reached(stats: SegmentStats, gone: int, percent: float) -> bool:
    return gone * 100 >= percent * stats.size


def _end(stats: SegmentStats, policy: Policy) -> int | None:
    """Return when all of it will have expired; None if never."""
    expiries = list(_expiries(stats, policy))
    if stats.unreadable or sum(records for _, records, _ in expiries) < stats.records:
        return None
    return max(moment for moment, _, _ in expiries)


def _reached(stats: SegmentStats, policy: Policy, percent: float) -> int | None:
    gone = 0
    for moment, _, size in sorted(_expiries(stats, policy)):
        gone += size
        if _is_reached(stats, gone, percent):
            return moment
    return None


def _expiries(stats: SegmentStats, policy: Policy) -> Iterator[tuple[int, int, int]]:
    """Yield, for each day of each schema key that expires, when its last record does, and its records and bytes."""
    for count in stats.schemas:
        retention = retention_for(policy, count.schema)
        if retention is not None:
            yield from (((day.day + 1) * DAY + retention, day.records, day.bytes) for day in count.days or ())
