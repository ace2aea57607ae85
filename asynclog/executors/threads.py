"""The executor that most runs take: threads of this process."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from asynclog.executors.rate_limit import RateLimiter

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Threads:
    """The thread that calls a worker does the work itself."""

    def start(
        self, work: Callable[[Unit], Result], workers: int, resources: ExitStack
    ) -> Sequence[Callable[[Unit], Result]]:
        del resources
        return [work] * workers

    def rate_share(self, limit: RateLimiter, workers: int) -> RateLimiter:
        """Return the limit itself: all workers share it."""
        del workers
        return limit


THREADS = Threads()
