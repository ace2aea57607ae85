"""Where per-segment work runs: one task group, one limiter, one hop for each unit of work."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, to_thread
from anyio.streams.memory import MemoryObjectSendStream

from asynclog.cancellation import StopRequest

Unit = TypeVar("Unit")
Result = TypeVar("Result")


class WorkerPool:
    """`jobs` workers, who take units of work in the order given and hand results back as they are ready."""

    def __init__(self, jobs: int, stop: StopRequest) -> None:
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
        waiting = list(units)
        queue = iter(waiting)
        hands = min(self.jobs, len(waiting))
        over = False

        async def serve(send: MemoryObjectSendStream[tuple[Unit, Result]], do: Callable[[Unit], Result]) -> None:
            nonlocal over
            async with send:
                for unit in queue:
                    over = over or (bool(self._stop) and (self._stop.signal is not None or not goes_on(unit)))
                    if over:
                        break
                    await send.send((unit, await to_thread.run_sync(do, unit, limiter=limiter)))

        with ExitStack() as processes:
            doing = _start_processes(work, hands, processes) if apart else [work] * hands
            send, receive = create_memory_object_stream[tuple[Unit, Result]]()
            async with create_task_group() as group, receive:
                async with send:
                    for do in doing:
                        group.start_soon(serve, send.clone(), do)
                yield receive
                group.cancel_scope.cancel()


def _start_processes(
    work: Callable[[Unit], Result], count: int, resources: ExitStack
) -> list[Callable[[Unit], Result]]:
    """This work, done by a process of its own, so many times; `resources` end them."""
    from asynclog.executors.processes import WorkerProcess  # noqa: PLC0415 - few jobs need processes

    processes = []
    for _ in range(count):
        processes.append(WorkerProcess())
        resources.callback(processes[-1].close)
    return [partial(process.run, work) for process in processes]
