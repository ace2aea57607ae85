"""Unpack the next block of a segment while the last one is judged: both leave the interpreter to others."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from asynclog.scan.reading.line_blocks import BLOCK
from asynclog.storage.codecs import Stream

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future


class ReadAhead:
    """A stream that a thread of its own, or this one, reads another one into, one block ahead. For `with`.

    Where no further thread can be started, it reads no block ahead.
    """

    def __init__(self, stream: Stream, thread: "Executor | None" = None) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only for packed segments

        self._stream = stream
        self._blocks = bytearray(BLOCK), bytearray(BLOCK)
        self._left = memoryview(b"")
        self._thread, self._has_thread = thread or ThreadPoolExecutor(1), True
        self._next = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()

    def _begin(self) -> "Future[int] | None":
        if not self._has_thread:
            return None
        try:
            return self._thread.submit(read_full, self._stream, memoryview(self._blocks[1]))
        except RuntimeError:  # so says Python where a limit of the system is reached
            self._has_thread = False
            return None

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._left:
            size = self._next.result() if self._next else read_full(self._stream, memoryview(self._blocks[1]))
            if size:
                self._blocks = self._blocks[::-1]
                self._left = memoryview(self._blocks[0])[:size]
                self._next = self._begin()
        size = min(len(self._left), len(buffer))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def read_full(stream: Stream, buffer: memoryview) -> int:
    """Read until the buffer is full, or to the end; return how many bytes are in it."""
    size = 0
    while size < len(buffer) and (got := stream.readinto(buffer[size:])):
        size += got
    return size
