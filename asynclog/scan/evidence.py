"""Which bytes of a segment have expired: remembered from the scan where that is cheap, else read again; on request,
each line of them judged by both readers.
"""

import os
from array import array
from collections.abc import Iterator

from asynclog.errors import ChangedError, DisagreementError
from asynclog.model import Action, Census, Policy
from asynclog.scan.blocks import BLOCK, whole_lines
from asynclog.scan.readers import Kind, PythonReader, make_reader

BUDGET = 1 << 19  # bytes of ranges, for each worker: so much in its hands, and so much in memory of what it has read


class Evidence:
    """What a scan has learned of where expired lines lie; what it has forgotten is found again.

    With `double_check` nothing goes on the word of one reader. `censuses` has those of segments that were read again.
    """

    def __init__(self, kind: Kind, policy: Policy, now: int, *, workers: int, double_check: bool) -> None:
        self._kind = kind
        self._policy = policy
        self._now = now
        self._double_check = double_check
        self._left = BUDGET * workers
        self._found: dict[str, array[int]] = {}
        self.censuses: dict[str, Census] = {}

    def remember(self, segment: str, gone: "array[int]") -> None:
        """Keeps the ranges (start, end, start, end …) of a whole segment, if there is room."""
        size = len(gone) * gone.itemsize
        if size <= self._left:
            self._left -= size
            self._found[segment] = gone

    def expired_ranges(self, action: Action, descriptor: int) -> Iterator[tuple[int, int]]:
        """Yields the byte ranges of the segment's expired lines, in order; memory does not grow with them.

        Raises ChangedError where the segment is shorter than it was, DisagreementError where the readers differ.
        """
        found = self._found.get(action.segment)
        ranges = self._read(descriptor, action) if found is None else _pairs(found)
        return self._checked(ranges, descriptor, action.fingerprint.size) if self._double_check else ranges

    def confirm_drop(self, action: Action, descriptor: int) -> None:
        """Judges the lines of a segment that goes whole once more, where that was asked for. Raises as above."""
        if not self._double_check:
            return
        gone = sum(end - start for start, end in self.expired_ranges(action, descriptor))
        if action.census is None or gone != action.census.expired_bytes:
            raise ChangedError

    def _read(self, descriptor: int, action: Action) -> Iterator[tuple[int, int]]:
        reader, size = make_reader(self._kind, self._policy, self._now), action.fingerprint.size
        for offset, block in whole_lines(descriptor, 0, size, size):
            gone = array("q")
            reader.read(offset, block, gone)
            yield from _pairs(gone)
        self.censuses[action.segment] = reader.tally().census(action.segment, action.fingerprint)

    def _checked(self, ranges: Iterator[tuple[int, int]], descriptor: int, size: int) -> Iterator[tuple[int, int]]:
        reader = PythonReader(self._policy, self._now)
        for start, end in ranges:
            again = array("q")
            for offset, block in _lines_between(descriptor, start, end, size):
                reader.read(offset, block, again)
            if list(again) != [start, end]:
                raise DisagreementError(
                    f"the readers differ on whether all of bytes {start} to {end} have expired; this is a bug"
                )
            yield start, end


def _lines_between(descriptor: int, start: int, end: int, size: int) -> Iterator[tuple[int, memoryview]]:
    if end - start > BLOCK:
        return whole_lines(descriptor, start, end, size)
    return iter([(start, memoryview(os.pread(descriptor, end - start, start)))])


def _pairs(numbers: "array[int]") -> Iterator[tuple[int, int]]:
    each = iter(numbers)
    return zip(each, each, strict=True)
