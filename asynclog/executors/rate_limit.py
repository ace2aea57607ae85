"""Limit how many bytes a second are read and written, and count them."""

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """Holds all who share it to so many bytes a second; to none in particular where `rate` is None.

    The bytes are counted to show progress: two threads that count at once may lose one of their blocks.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self._lock = threading.Lock()
        self._total = 0

    def __reduce__(self) -> tuple[type["RateLimiter"], tuple[float | None]]:
        """Pickle the rate: another process keeps it by itself, see `split`."""
        return RateLimiter, (self._rate,)

    def split(self, processes: int) -> "RateLimiter":
        """Return the limit for each of so many processes."""
        return RateLimiter(self._rate and self._rate / processes, clock=self._clock, sleep=self._sleep)

    def count(self, size: int) -> None:
        """Count bytes that another process has read within its share."""
        self._total += size

    def total_so_far(self) -> int:
        """Return how many bytes have been read and written so far."""
        return self._total

    def acquire(self, size: int) -> None:
        """Wait until so many more bytes may be read or written."""
        self._total += size
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._due = max(self._due, now) + size / self._rate
            rest = self._due - now
        self._sleep(rest)
