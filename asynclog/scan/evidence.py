"""Which lines of a segment have expired: remembered from the scan where that is cheap, else read again; on request,
each line of them judged by both readers. And what is left of the segment without them.
"""

from collections.abc import Iterable, Iterator

from asynclog.errors import ChangedError, DisagreementError
from asynclog.model import Action, Census, Policy
from asynclog.pace import Pace
from asynclog.scan.blocks import whole_lines
from asynclog.scan.marks import Stretch, Stretches, others
from asynclog.scan.readers import Kind, PythonReader, choose_sift, make_reader
from asynclog.windows import windows

BUDGET = 1 << 20  # bytes of marks, for each worker: so much in its hands, and so much in memory of what it has read


class Evidence:
    """What a scan has learned of where expired lines stand; what it has forgotten is found again.

    With `double_check` nothing goes on the word of one reader, and nothing is left out by the kernel. `censuses` has
    those of segments that were read again. What is read keeps the `pace`.
    """

    pace = Pace()

    def __init__(self, kind: Kind, policy: Policy, now: int, *, workers: int, double_check: bool) -> None:
        self._kind = kind
        self._policy = policy
        self._now = now
        self._double_check = double_check
        self._sift = choose_sift("python" if double_check else kind)
        self._left = BUDGET * workers
        self._found: dict[str, Stretches] = {}
        self.censuses: dict[str, Census] = {}

    def remember(self, segment: str, expired: Stretches) -> None:
        """Keeps where the expired lines of a whole segment stand, if there is room."""
        size = expired.size
        if size <= self._left:
            self._left -= size
            self._found[segment] = expired

    def staying(self, action: Action, descriptor: int) -> Iterator[memoryview]:
        """Yields what stays of the segment, in order, each part good until the next one is asked for.

        Memory does not grow with the segment. Raises OSError, ChangedError where the segment is shorter than it was,
        DisagreementError where the readers differ.
        """
        position, size = 0, action.fingerprint.size
        for start, end, marks in self._expired(action, descriptor):
            yield from self._windows(descriptor, position, start)
            if marks:
                yield from self._unmarked(descriptor, start, end, marks)
            position = end
        yield from self._windows(descriptor, position, size)

    def confirm_drop(self, action: Action, descriptor: int) -> None:
        """Judges the lines of a segment that goes whole once more, where that was asked for. Raises as above."""
        if not self._double_check:
            return
        gone = action.fingerprint.size - sum(map(len, self.staying(action, descriptor)))
        if action.census is None or gone != action.census.expired_bytes:
            raise ChangedError

    def _expired(self, action: Action, descriptor: int) -> Iterable[Stretch]:
        found = self._found.get(action.segment)
        expired = self._read(descriptor, action) if found is None else found
        return self._checked(expired, descriptor) if self._double_check else expired

    def _read(self, descriptor: int, action: Action) -> Iterator[Stretch]:
        reader, size = make_reader(self._kind, self._policy, self._now), action.fingerprint.size
        for offset, block in self._lines(descriptor, 0, size, size):
            expired = Stretches()
            reader.read(offset, block, expired)
            yield from expired
        self.censuses[action.segment] = reader.tally().census(action.segment, action.fingerprint)

    def _checked(self, expired: Iterable[Stretch], descriptor: int) -> Iterator[Stretch]:
        reader = PythonReader(self._policy, self._now)
        for stretch in expired:
            for lines in self._marked(descriptor, *stretch):
                if not all(reader.judge(lines)):
                    raise DisagreementError(
                        f"the readers differ on what has expired between bytes {stretch.start} and {stretch.end}; "
                        "this is a bug"
                    )
            yield stretch

    def _marked(self, descriptor: int, start: int, end: int, marks: bytes) -> Iterator[memoryview]:
        """The expired lines of a stretch, in blocks."""
        if not marks:
            return (block for _, block in self._lines(descriptor, start, end, end))
        # With marks it is one block of the scan, and no larger.
        return iter([memoryview(b"".join(self._unmarked(descriptor, start, end, others(marks))))])

    def _unmarked(self, descriptor: int, start: int, end: int, marks: bytes) -> Iterator[memoryview]:
        line = 0
        for part in self._windows(descriptor, start, end):
            kept, line = self._sift(part, marks, line)
            yield part[:kept]

    def _windows(self, descriptor: int, start: int, end: int) -> Iterator[memoryview]:
        for part in windows(descriptor, start, end):
            self.pace.spend(len(part))
            yield part

    def _lines(self, descriptor: int, start: int, end: int, size: int) -> Iterator[tuple[int, memoryview]]:
        for offset, block in whole_lines(descriptor, start, end, size):
            self.pace.spend(len(block))
            yield offset, block
