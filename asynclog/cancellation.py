"""Ask a run to end, and see how far it has come."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from asynclog.progress import Progress


class StopRequest:
    """Ask a run to end: for a signal, for its caller, or as its time is up. No unit of work is begun then; those in
    flight go on. Meanwhile `progress` says how far the run has come.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.signal: signal.Signals | None = None
        self.progress = Progress(clock)
        self._clock = clock
        self._asked = False
        self._deadline: float | None = None

    def ask(self) -> None:
        """Ask the run to end now."""
        self._asked = True

    def defer(self) -> None:
        """Note that something is under way which has to come to its end: from now on a signal only asks for a stop."""

    @contextmanager
    def deferred(self, _moment: str) -> Iterator[None]:
        """Inside the `with`, a signal only asks for a stop; on leaving it, it may end the run, at this moment."""
        yield

    def limit(self, seconds: float) -> None:
        """Give the run so much time from now on, or less where that was said before."""
        self._deadline = min(self._clock() + seconds, self._deadline or float("inf"))

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for the end; where only the time is up, what was begun may be completed."""
        return self._asked or self.signal is not None

    @property
    def seconds_left(self) -> float | None:
        """The time until the limit, negative if that has passed; None without a limit."""
        return None if self._deadline is None else self._deadline - self._clock()

    @property
    def time_is_up(self) -> bool:
        return self._deadline is not None and self._clock() >= self._deadline

    def __bool__(self) -> bool:
        return self.is_urgent or self.time_is_up
