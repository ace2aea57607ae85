"""Workers: several units at once, results as they come, a clean end."""

import threading
from signal import SIGTERM

import anyio
import pytest

from asynclog.cancellation import StopRequest
from asynclog.executors.worker_pool import WorkerPool

DEADLINE = 20  # seconds, for a test that would otherwise hang


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_as_many_units_are_in_flight_as_there_are_workers() -> None:
    """Three units meet: each waits in its work for the two others."""
    meeting = threading.Barrier(3)
    with anyio.fail_after(DEADLINE):
        async with WorkerPool(3, StopRequest()).map_unordered(
            lambda unit: meeting.wait(DEADLINE) * 0 + unit, range(3)
        ) as results:
            assert sorted([result async for _, result in results]) == [0, 1, 2]


async def test_a_result_comes_while_others_are_still_worked_on() -> None:
    """The quick unit's result is there before the slow one, which waits for just that, has ended."""
    seen = threading.Event()
    with anyio.fail_after(DEADLINE):
        async with WorkerPool(2, StopRequest()).map_unordered(
            lambda slow: slow and seen.wait(DEADLINE), [True, False]
        ) as results:
            order = []
            async for unit, result in results:
                order.append((unit, result))
                seen.set()
    assert order == [(False, False), (True, True)]


async def test_a_stop_lets_units_in_flight_end_and_begins_none() -> None:
    """After a signal no further unit is taken, and the one in flight still has its result."""
    stop = StopRequest()

    def work(unit: int) -> int:
        stop.signal = SIGTERM
        return unit

    async with WorkerPool(1, stop).map_unordered(work, range(9)) as results:
        assert [result async for _, result in results] == [0]


async def test_what_was_begun_is_finished_though_time_is_up() -> None:
    """Units that go on with it are taken, the next beginning and what goes on with that are not; a signal is heeded."""
    units = ["a", "+a", "+a", "b", "+b", "+b", "c"]

    async def done(stop: StopRequest) -> list[str]:
        crew = WorkerPool(1, stop).map_unordered(
            lambda _: stop.limit(0), units, is_continuation=lambda unit: unit.startswith("+")
        )
        async with crew as results:
            return [unit async for unit, _ in results]

    assert await done(StopRequest()) == ["a", "+a", "+a"]
    stop = StopRequest()
    stop.signal = SIGTERM
    assert await done(stop) == []


async def test_leaving_early_is_clean() -> None:
    """Whoever has seen enough leaves; nothing hangs and nothing is left behind."""
    with anyio.fail_after(DEADLINE):
        async with WorkerPool(2, StopRequest()).map_unordered(str, range(100)) as results:
            async for _ in results:
                break
    assert threading.active_count() < 20
