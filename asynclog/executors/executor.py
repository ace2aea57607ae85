"""Define the seam for where units of work run."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol, TypeVar

from asynclog.executors.rate_limit import RateLimiter

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Executor(Protocol):
    """A kind of worker. A worker pool calls each one in a thread of its own."""

    def start(
        self, work: Callable[[Unit], Result], workers: int, resources: ExitStack
    ) -> Sequence[Callable[[Unit], Result]]:
        """Return this work so many times, as done by one worker each; `resources` end the workers."""

    def rate_share(self, limit: RateLimiter, workers: int) -> RateLimiter:
        """Return the limit for each of so many workers, who together may have this one."""
