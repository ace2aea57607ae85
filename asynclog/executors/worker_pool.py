"""Deal out units of work: one task group, one limiter, one hop for each unit.

anyio is imported once there is work: it takes a tenth of a run that finds none.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from asynclog.cancellation import StopRequest
from asynclog.executors.executor import Executor
from asynclog.executors.threads import THREADS

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectSendStream

Unit = TypeVar("Unit")
Result = TypeVar("Result")
Given = TypeVarTuple("Given")


def run_async(work: Callable[[*Given], Awaitable[Result]], *given: *Given) -> Result:
    """Run `work` in an event loop of its own."""
    import anyio  # noqa: PLC0415

    return anyio.run(work, *given)


class WorkerPool:
    """So many `workers`, who take units of work in the order given and hand results back as they are ready."""

    def __init__(self, workers: int, stop: StopRequest) -> None:
        self.workers = workers
        self._stop = stop

    @asynccontextmanager
    async def map_unordered(
        self,
        work: Callable[[Unit], Result],
        units: Iterable[Unit],
        *,
        executor: Executor = THREADS,
        is_continuation: Callable[[Unit], bool] = lambda _: False,
    ) -> AsyncIterator[AsyncIterator[tuple[Unit, Result]]]:
        """Iterate over (unit, result), for `async with`; leaving it waits for what is in flight.

        An exception in `work` is a bug, and ends the job. Continuations of what was begun still run after the deadline:
        otherwise a segment that takes longer than that would begin anew each night.
        """
        from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, to_thread  # noqa: PLC0415

        limiter = CapacityLimiter(self.workers)
        waiting = list(units)
        queue = iter(waiting)
        hands = min(self.workers, len(waiting))
        over = False

        async def serve(send: "MemoryObjectSendStream[tuple[Unit, Result]]", do: Callable[[Unit], Result]) -> None:
            nonlocal over
            async with send:
                for unit in queue:
                    over = over or (bool(self._stop) and (self._stop.is_urgent or not is_continuation(unit)))
                    if over:
                        break
                    await send.send((unit, await to_thread.run_sync(do, unit, limiter=limiter)))

        with ExitStack() as resources:
            doing = executor.start(work, hands, resources)
            send, receive = create_memory_object_stream[tuple[Unit, Result]]()
            async with create_task_group() as group, receive:
                async with send:
                    for do in doing:
                        group.start_soon(serve, send.clone(), do)
                yield receive
                group.cancel_scope.cancel()
