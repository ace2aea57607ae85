"""The progress of a run: which step, and how much of it is done. Only keeps count; others show it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec


class Reached(msgspec.Struct, frozen=True):
    """The progress of a step at one moment, `seconds` after its beginning.

    `segments` and `bytes` are 0 if it is not known how many there are. `part` says which of several logs it is about.
    """

    step: str
    part: str
    segments_done: int
    segments: int
    bytes_done: int
    bytes: int
    seconds: float


class Step:
    """A step of a run, and how far it had come at its `start`; `done` counts its segments.

    `count` returns how many bytes have been read and written, of so many that are to be: `work`. Of a step that writes
    what it reads that is more than the size of its segments. It began at `begun`, in seconds.
    """

    def __init__(self, start: Reached, work: int, begun: float, count: Callable[[], int]) -> None:
        self.name = start.step
        self.done = 0
        self._start = start
        self._work = work
        self._begun = begun
        self._count = count
        self._before = count()

    def reached(self, now: float) -> Reached:
        """Return how far it has come; never further than to its end, even if something had to be done twice."""
        size, counted = self._start.bytes, self._count() - self._before
        done = min(counted * size // self._work, size) if self._work else counted
        return msgspec.structs.replace(self._start, segments_done=self.done, bytes_done=done, seconds=now - self._begun)


def _nothing() -> int:
    return 0


class Progress:
    """The step that a run has come to. Any thread may ask `reached` at any time.

    `part` says which of several logs the run is about; `on_step` is called at the beginning of each step.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.part = ""
        self.on_step: Callable[[], None] = lambda: None
        self._clock = clock
        self._step: Step | None = None

    def begin(
        self, name: str, *, segments: int = 0, size: int = 0, work: int = 0, count: Callable[[], int] = _nothing
    ) -> Step:
        """Begin this step, and return it; see `Step`. The work is the `size`, unless said otherwise."""
        start = Reached(name, self.part, 0, segments, 0, size, 0)
        step = self._step = Step(start, work or size, self._clock(), count)
        self.on_step()
        return step

    def each(self, logs: Sequence[str]) -> Iterator[str]:
        """Yield these logs, and have each step say at which of them the run is."""
        outer = self.part
        for number, log in enumerate(logs, 1):
            self.part = f"{outer}{', ' if outer else ''}log {number:,} of {len(logs):,}"
            yield log
        self.part = outer

    def end(self) -> None:
        """End the step, whichever it is."""
        self._step = None

    @contextmanager
    def during(
        self, name: str, *, segments: int = 0, size: int = 0, count: Callable[[], int] = _nothing
    ) -> Iterator[Step]:
        """Inside the `with`, be at this step; see `Step`."""
        try:
            yield self.begin(name, segments=segments, size=size, count=count)
        finally:
            self.end()

    def reached(self) -> Reached | None:
        """Return how far the run has come; None between two steps."""
        step = self._step
        return step.reached(self._clock()) if step else None
