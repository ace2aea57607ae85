"""Run for an async caller in a thread, so that the caller's event loop goes on meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from anyio import Event, create_task_group, get_cancelled_exc_class, to_thread

from asynclog.cancellation import StopRequest

T = TypeVar("T")


async def in_thread(run: Callable[[StopRequest], T]) -> T:
    """Return what `run` returns, or raise what it raises. If the caller is cancelled, request a stop.

    The caller then has to wait until what is in flight has finished.
    """
    stop, over = StopRequest(), Event()
    results: list[T] = []
    failures: list[Exception] = []

    async def work() -> None:
        try:
            results.append(await to_thread.run_sync(run, stop))
        except Exception as error:  # a task group would wrap it in an ExceptionGroup
            failures.append(error)
        over.set()

    async with create_task_group() as group:
        group.start_soon(work)
        try:
            await over.wait()
        except get_cancelled_exc_class():
            stop.ask()
            raise
    for failure in failures:
        raise failure
    return results[0]
