"""Buffers that end exactly where their bytes end, so that reading one byte further is found out."""

import ctypes
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Exactly = Callable[[bytes], AbstractContextManager[memoryview]]

_C = ctypes.CDLL(None, use_errno=True)
_C.malloc.restype = ctypes.c_void_p
_C.malloc.argtypes = [ctypes.c_size_t]
_C.free.argtypes = [ctypes.c_void_p]
_C.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_view = ctypes.pythonapi.PyMemoryView_FromMemory
_view.restype = ctypes.py_object
_view.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
_WRITABLE = 0x200


@contextmanager
def on_the_heap(content: bytes) -> Iterator[memoryview]:
    """Give a block of malloc's own: AddressSanitizer watches both of its ends."""
    address = _C.malloc(max(1, len(content)))
    ctypes.memmove(address, content, len(content))
    try:
        with _view(address, len(content), _WRITABLE) as view:
            yield view
    finally:
        _C.free(address)


class Cliff:
    """Memory that ends at a page that can't be read: the processor watches its end, in any build."""

    def __init__(self, size: int = 1 << 20) -> None:
        page = mmap.PAGESIZE
        self._size = -(-size // page) * page
        self._memory = mmap.mmap(-1, self._size + page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        if _C.mprotect(start + self._size, page, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    @contextmanager
    def __call__(self, content: bytes) -> Iterator[memoryview]:
        """Give the bytes at the edge; one at a time."""
        start = self._size - len(content)
        self._memory[start : self._size] = content
        with memoryview(self._memory)[start : self._size] as view:
            yield view
