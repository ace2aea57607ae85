"""How long a segment still has something in it: per schema, and as a whole, if nothing changes."""

import msgspec

from asynclog.policy.rules import overdue_since, retention_for
from asynclog.statistics import latest
from asynclog.timestamps import DAY
from asynclog.types import Policy, SchemaStats, SegmentStats


class Lifetime(msgspec.Struct, frozen=True):
    """Of the records of one schema in one segment, instants.

    The first of the expired ones has expired at `since`, None without any; the last of all will have expired after
    `until`, None where one never does. Of those that are still in the future only the day is known: its end counts.
    """

    since: int | None
    until: int | None


def lifetime(count: SchemaStats, policy: Policy) -> Lifetime:
    """Since when records of this schema have been overdue, and until when the last one is kept."""
    keep = retention_for(policy, count.schema)
    if keep is None:
        return Lifetime(None, None)
    newest = _newest(count)
    return Lifetime(overdue_since(policy, count), None if newest is None or count.implausible else newest + keep)


def _newest(count: SchemaStats) -> int | None:
    if not count.future:
        return count.newest
    return (count.days[-1].day + 1) * DAY if count.days else None


def gone_after(census: SegmentStats, policy: Policy) -> int | None:
    """After this instant all of the segment has expired; None where something of it is kept for ever."""
    ends = [lifetime(count, policy).until for count in census.schemas]
    return None if census.unreadable or None in ends else latest(ends)
