"""Where per-segment work runs: one task group, one limiter, one hop to a thread for each unit of work."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from signal import Signals
from typing import TypeVar

from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, to_thread
from anyio.streams.memory import MemoryObjectSendStream

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Stop:
    """Asks a job to end: no new unit of work is begun, those in flight are finished."""

    def __init__(self) -> None:
        self.signal: Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


class Crew:
    """`jobs` workers, who take units of work in the order given and hand results back as they are ready."""

    def __init__(self, jobs: int, stop: Stop) -> None:
        self._jobs = jobs
        self._stop = stop

    @asynccontextmanager
    async def results(
        self, work: Callable[[Unit], Result], units: Iterable[Unit]
    ) -> AsyncIterator[AsyncIterator[tuple[Unit, Result]]]:
        """An iterator over (unit, result), for `async with`; leaving it waits for what is in flight.

        An exception in `work` is a bug, and ends the job.
        """
        limiter = CapacityLimiter(self._jobs)
        queue = iter(units)
        send, receive = create_memory_object_stream[tuple[Unit, Result]]()

        async def serve(send: MemoryObjectSendStream[tuple[Unit, Result]]) -> None:
            async with send:
                for unit in queue:
                    if self._stop:
                        break
                    await send.send((unit, await to_thread.run_sync(work, unit, limiter=limiter)))

        async with create_task_group() as group, receive:
            async with send:
                for _ in range(self._jobs):
                    group.start_soon(serve, send.clone())
            yield receive
            group.cancel_scope.cancel()
