"""Renames that replace nothing, or exchange two names: see renameat2(2), for which Python has no call."""

import errno
import os
from collections.abc import Callable
from functools import cache

NOREPLACE, EXCHANGE = 1, 2  # RENAME_… in Linux's uapi/linux/fs.h


def rename(folder: int, name: str, new: str, flags: int) -> None:
    """Rename a file in the folder with this descriptor. Raise OSError EINVAL or ENOSYS if the call is missing."""
    error = resolved()(folder, os.fsencode(name), folder, os.fsencode(new), flags)
    if error:
        raise OSError(error, os.strerror(error), name)


@cache
def resolved() -> Callable[..., int]:
    """Return the C library's call, wrapped to return an errno, 0 on success."""
    try:
        import ctypes  # noqa: PLC0415 - only a job that changes something pays for it
    except ImportError:  # a Python that was built without libffi
        return lambda *_: errno.ENOSYS
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return lambda *_: errno.ENOSYS
    return lambda *words: ctypes.get_errno() if call(*words) else 0
