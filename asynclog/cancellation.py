"""How a job is asked to end."""

import signal
import time


class StopRequest:
    """Asks a job to end, for a signal or as its time is up: no unit of work is begun, those in flight go on."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._deadline: float | None = None

    def limit(self, seconds: float) -> None:
        """Gives the job so much time from now on, or less where that was said before."""
        self._deadline = min(time.monotonic() + seconds, self._deadline or float("inf"))

    @property
    def time_is_up(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def __bool__(self) -> bool:
        return self.signal is not None or self.time_is_up
