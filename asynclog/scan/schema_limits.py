"""Limit the schema keys of a job: its memory grows with them, and a writer may make up any number. Pure."""

from asynclog.schemas import SchemaKey
from asynclog.segments import UnreadSegment
from asynclog.statistics import SegmentState, SegmentStats

MOST_KEYS = 16_384  # of all segments together
MOST_NAMES = 4 << 20  # characters of all their names together
USUAL = 256  # schema keys that any segment may have
MOST_COUNTS = 1 << 16  # of schema keys in segments, beyond the usual ones


class SchemaKeys:
    """The schema keys of a job so far."""

    def __init__(self) -> None:
        self._known: set[SchemaKey] = set()
        self._names = 0
        self._counts = 0

    def admitted(self, state: SegmentState) -> SegmentState:
        """Return the same; or, if there would be too many keys, that the segment has failed."""
        if not isinstance(state, SegmentStats):
            return state
        new = {count.schema for count in state.schemas} - self._known
        if not new and len(state.schemas) <= USUAL:
            return state
        names = self._names + sum(len(key.name) + key.version.bit_length() // 8 for key in new)
        counts = self._counts + max(0, len(state.schemas) - USUAL)
        problem = ""
        if len(self._known) + len(new) > MOST_KEYS:
            problem = f"with it the log has more than {MOST_KEYS:,} schema keys"
        elif names > MOST_NAMES:
            problem = f"with it the log's schema keys have more than {MOST_NAMES:,} characters together"
        elif counts > MOST_COUNTS:
            problem = f"too many segments have more than {USUAL:,} schema keys"
        if problem:
            reason = f"it can't be judged: {problem}"
            return UnreadSegment(state.segment, state.fingerprint, reason, "damaged", failed=True)
        self._known |= new
        self._names, self._counts = names, counts
        return state
