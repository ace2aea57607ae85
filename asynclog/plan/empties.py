"""Which empty segments go: a writer begins one at each start, and leaves it behind if it has nothing to say. Pure."""

from collections.abc import Collection

from asynclog.instant import DAY
from asynclog.model import Segment
from asynclog.names import LONGEST_SEGMENT, Names, length

EMPTY = "it is empty"


def removable(segments: Collection[Segment], names: Names, now: int, clock: int) -> frozenset[str]:
    """Return which of the log's segments, given in their order, have been empty for a day and are no writer's next one.

    Those are the base file, and the newest: the last by its name that is not a late one. A day must have passed both by
    `now` and by the real `clock`, whatever `--now` says.
    """
    newest = [segment.name for segment in segments if not names.late_token(segment.name)][-1:]
    return frozenset(
        segment.name
        for segment in segments
        if not segment.fingerprint.size
        and segment.fingerprint.mtime_ns <= min(now, clock) - DAY
        and segment.name not in {names.base, *newest}
        and length(segment.name) <= LONGEST_SEGMENT
    )
