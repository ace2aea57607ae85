"""Unpacking ahead: the same bytes, one block ahead of who reads them, and nothing is left running."""

import threading
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.errors import DamagedError
from asynclog.scan.reading.line_blocks import BLOCK
from asynclog.scan.reading.read_ahead import ReadAhead, read_full


class Pieces:
    """A stream of these pieces, which notes how many were asked for, and in which threads."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces, self.error = list(pieces), error
        self.read = threading.Semaphore(0)
        self.threads: set[int] = set()

    def readinto(self, buffer: memoryview, /) -> int:
        self.threads.add(threading.get_ident())
        self.read.release()
        if not self.pieces:
            if self.error:
                raise self.error
            return 0
        piece = self.pieces.pop(0)
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        if size < len(piece):
            self.pieces.insert(0, piece[size:])
        return size


@given(st.lists(st.integers(1, 3 * BLOCK // 2), max_size=4), st.integers(1, 2 * BLOCK))
def test_the_bytes_are_the_same(sizes: list[int], asked: int) -> None:
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    found, buffer = bytearray(), memoryview(bytearray(asked))
    with ReadAhead(Pieces(pieces)) as stream:
        while got := stream.readinto(buffer):
            found += buffer[:got]
        assert stream.readinto(buffer) == 0
    assert found == b"".join(pieces)


def test_the_next_block_is_read_by_another_thread_before_it_is_asked_for() -> None:
    pieces = Pieces([bytes(BLOCK)] * 3)
    with ReadAhead(pieces) as stream:
        assert read_full(stream, memoryview(bytearray(BLOCK))) == BLOCK
        assert all(pieces.read.acquire(timeout=10) for _ in range(2))
    assert threading.get_ident() not in pieces.threads
    assert len(pieces.pieces) == 1


def test_damage_is_told_to_who_reads_it_and_no_thread_is_left() -> None:
    before = threading.active_count()
    with pytest.raises(DamagedError), ReadAhead(Pieces([b"line\n"], DamagedError("cut off"))) as stream:
        stream.readinto(memoryview(bytearray(BLOCK)))
    assert threading.active_count() == before


class NoThread(Executor):
    """What Python says where a limit of the system is reached: of the user, of systemd, of a container."""

    def submit(self, *_: object, **__: object) -> Future[Any]:
        raise RuntimeError("can't start new thread")


def test_without_another_thread_the_bytes_are_the_same() -> None:
    pieces, found = Pieces([b"a" * BLOCK, b"b" * 7]), memoryview(bytearray(2 * BLOCK))
    with ReadAhead(pieces, NoThread()) as stream:
        size = read_full(stream, found)
    assert bytes(found[:size]) == b"a" * BLOCK + b"b" * 7
    assert pieces.threads == {threading.get_ident()}
