"""Where per-segment work runs: one task group, one limiter, one hop for each unit of work."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, to_thread
from anyio.streams.memory import MemoryObjectSendStream

from asynclog.stop import Stop

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Crew:
    """`jobs` workers, who take units of work in the order given and hand results back as they are ready."""

    def __init__(self, jobs: int, stop: Stop) -> None:
        self.jobs = jobs
        self._stop = stop

    @asynccontextmanager
    async def results(
        self,
        work: Callable[[Unit], Result],
        units: Iterable[Unit],
        *,
        apart: bool = False,
        goes_on: Callable[[Unit], bool] = lambda _: False,
    ) -> AsyncIterator[AsyncIterator[tuple[Unit, Result]]]:
        """An iterator over (unit, result), for `async with`; leaving it waits for what is in flight.

        The workers are threads, or, `apart`, processes: then work, units and results are pickled. Such a process has
        none of our descriptors, and ends with us. An exception in `work` is a bug, and ends the job.

        A unit that `goes_on` with what the one before it began is taken even where the time is up: else what takes
        longer than that would begin anew each night.
        """
        limiter = CapacityLimiter(self.jobs)
        run = _in_a_process() if apart else to_thread.run_sync
        waiting = list(units)
        queue = iter(waiting)
        hands = range(min(self.jobs, len(waiting)))
        send, receive = create_memory_object_stream[tuple[Unit, Result]]()

        over = False

        async def serve(send: MemoryObjectSendStream[tuple[Unit, Result]]) -> None:
            nonlocal over
            async with send:
                for unit in queue:
                    over = over or (bool(self._stop) and (self._stop.signal is not None or not goes_on(unit)))
                    if over:
                        break
                    await send.send((unit, await run(work, unit, limiter=limiter)))

        if apart:
            await _hire(len(hands), limiter)
        async with create_task_group() as group, receive:
            async with send:
                for _ in hands:
                    group.start_soon(serve, send.clone())
            yield receive
            group.cancel_scope.cancel()


def _in_a_process() -> Callable[..., Any]:
    from anyio import to_process  # noqa: PLC0415 - few jobs need processes, and it takes a while to import

    return to_process.run_sync


async def _hire(count: int, limiter: CapacityLimiter) -> None:
    """Starts so many processes, deaf to the signals that a terminal or systemd sends to all of us.

    They end when we do: with the pipe from which they take their work.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        async with create_task_group() as group:
            for _ in range(count):
                group.start_soon(partial(_in_a_process(), os.getpid, limiter=limiter))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
