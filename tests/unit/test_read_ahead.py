"""Reading ahead: the same items, one ahead of who takes them, and nothing is left running."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.errors import DamagedError
from asynclog.executors.read_ahead import read_ahead


class Numbers:
    """An iterator over 0, 1, …, which notes how many were asked for, and in which threads; then it raises."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.left, self.error = iter(range(count)), error
        self.asked = threading.Semaphore(0)
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.threads.add(threading.get_ident())
        self.asked.release()
        number = next(self.left, None)
        if number is None:
            raise self.error or StopIteration
        return number


@given(st.integers(0, 20))
def test_the_items_are_the_same(count: int) -> None:
    with read_ahead(Numbers(count)) as items:
        assert list(items) == list(range(count))
        assert list(items) == []


def test_the_next_item_is_made_by_another_thread_before_it_is_asked_for_and_no_further_one() -> None:
    numbers = Numbers(4)
    with read_ahead(numbers) as items:
        assert next(items) == 0
        assert all(numbers.asked.acquire(timeout=10) for _ in range(2))
        assert not numbers.asked.acquire(blocking=False)
    assert threading.get_ident() not in numbers.threads
    assert list(numbers.left) == [2, 3]


def test_an_error_is_told_to_who_takes_the_item_and_no_thread_is_left() -> None:
    before = threading.active_count()
    with read_ahead(Numbers(1, DamagedError("cut off"))) as items:
        assert next(items) == 0
        with pytest.raises(DamagedError, match="cut off"):
            next(items)
    assert threading.active_count() == before


class Memory:
    """What is held while an item is made: of a packed segment, tens of megabytes."""


def test_what_an_error_held_goes_with_it() -> None:
    """Nothing waits for the garbage collection, which a job puts off: a log may have thousands of damaged segments."""
    memory: list[weakref.ref[Memory]] = []

    def fail() -> Iterator[int]:
        held = Memory()
        memory.append(weakref.ref(held))
        yield 0
        raise DamagedError("cut off")

    gc.disable()
    try:
        with pytest.raises(DamagedError), read_ahead(fail()) as items:
            list(items)
        assert [each() for each in memory] == [None]
    finally:
        gc.enable()


def test_no_thread_is_left_where_taking_ends_early() -> None:
    before = threading.active_count()
    with read_ahead(Numbers(9)) as items:
        assert next(items) == 0
    assert threading.active_count() == before


def test_without_another_thread_the_items_are_the_same() -> None:
    def refuse(_: Callable[[], None]) -> threading.Thread:
        """Say what Python says where a limit is reached: of the user, of systemd, of a container."""
        raise RuntimeError("can't start new thread")

    numbers = Numbers(3)
    with read_ahead(numbers, refuse) as items:
        assert list(items) == [0, 1, 2]
    assert numbers.threads == {threading.get_ident()}
