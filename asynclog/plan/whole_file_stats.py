"""Files that are one record each, from the time of their last change: what is known of them without reading. Pure."""

from collections.abc import Sequence

from asynclog.policy.cutoffs import Cutoffs
from asynclog.schemas import schema_key
from asynclog.segments import Segment
from asynclog.statistics import DayStats, SchemaStats, SegmentState, SegmentStats
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE, LAST


def newest_file(segments: Sequence[Segment]) -> str:
    """Return which of these, which are in order, was changed last, of several the last one; empty without any."""
    files = [segment for segment in reversed(segments) if segment.unjudged is None]
    return max(files, key=lambda segment: segment.fingerprint.mtime_ns).name if files else ""


def state_of_file(segment: Segment, schema: str, newest: str, cutoffs: Cutoffs) -> SegmentState:
    """Return what a file holds: one record, unless it is no file. The `newest` never expires."""
    if segment.unjudged is not None:
        return segment
    return stats_of_file(segment, schema, newest, cutoffs)


def stats_of_file(segment: Segment, schema: str, newest: str, cutoffs: Cutoffs) -> SegmentStats:
    """Return the statistics of a file, as `state_of_file` does."""
    key, time, size = schema_key(schema, 1), segment.fingerprint.mtime_ns, segment.fingerprint.size
    if time < FIRST_PLAUSIBLE:
        count = SchemaStats(key, 1, size, None, None, 0, 0, future=0, implausible=1, days=())
    elif time > cutoffs.future:
        days = (DayStats(min(time, LAST) // DAY, 1, size),)
        count = SchemaStats(key, 1, size, None, None, 0, 0, future=1, implausible=0, days=days)
    else:
        cutoff = cutoffs.before(key)
        gone = cutoff is not None and time < cutoff and segment.name != newest
        expired = (1, size) if gone else (0, 0)
        kept, days = None if gone else time, (DayStats(time // DAY, 1, size),)
        count = SchemaStats(key, 1, size, time, time, *expired, 0, 0, kept, days, time if gone else None)
    return SegmentStats(segment.name, segment.fingerprint, (count,))
