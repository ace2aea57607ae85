"""A whole drop where the disk is so full that the old file can't even be given a second name.

It frees the space that everything else needs, so it is worth a weaker promise, and only a drop makes use of it: the
old file lives on in our descriptor alone. A kill in that time, with a writer who was waiting in open() for the segment,
loses what that writer appends.
"""

import contextlib
import errno
import os
import time

from asynclog.apply.copy import copy_ranges
from asynclog.apply.disk import Disk
from asynclog.apply.drain import GRACE, Backlog, publish
from asynclog.names import Hidden

FULL = {errno.ENOSPC, errno.EDQUOT}

_LONGEST_WAIT = 30.0  # seconds for a writer to close the file
_PAUSE = 0.02  # seconds between two looks


def drop_without_link(disk: Disk, backlog: Backlog, source: int, hidden: Hidden) -> int:
    """Unlinks the segment under the lease on `source`, then saves what a writer appended to it.

    `hidden` is the name that there was no room for. Answers when the lease ended, on the monotonic clock in ns. Raises
    BlockingIOError, or OSError, while nothing has happened.
    """
    if not disk.leased(source):
        raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")
    disk.unlink(hidden.segment)
    disk.release(source)
    ended = time.monotonic_ns()
    _wait_for_writers(disk, source)
    size = os.fstat(source).st_size
    if size > hidden.accounted:
        _save(disk, backlog, source, hidden, size)
    return ended


def _wait_for_writers(disk: Disk, source: int) -> None:
    end = time.monotonic() + _LONGEST_WAIT
    time.sleep(GRACE)
    while time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            disk.lease(source)
            return
        time.sleep(_PAUSE)


def _save(disk: Disk, backlog: Backlog, source: int, hidden: Hidden, size: int) -> None:
    try:
        late = publish(disk, backlog.names, hidden, source, (hidden.accounted, size))
    except OSError as error:
        if error.errno not in FULL:
            backlog.problems.append(_loss(hidden, size, error))
            return
        late = _save_from_memory(disk, backlog, source, hidden, size)
    if late:
        backlog.late.append(late)


def _save_from_memory(disk: Disk, backlog: Backlog, source: int, hidden: Hidden, size: int) -> str:
    """Lets the old file go first, for its blocks are the space that the late segment needs."""
    memory = os.memfd_create("late")
    try:
        copy_ranges(disk, source, memory, [(hidden.accounted, size)])
        with contextlib.suppress(OSError):
            disk.dress(memory, source)
        os.dup2(disk.folder, source, inheritable=False)  # closes the file; the number is closed by whoever opened it
        return publish(disk, backlog.names, hidden, memory, (0, size - hidden.accounted))
    except OSError as error:
        backlog.problems.append(_loss(hidden, size, error))
        return ""
    finally:
        os.close(memory)


def _loss(hidden: Hidden, size: int, error: OSError) -> str:
    return (
        f"{hidden.segment}: {size - hidden.accounted} bytes that a writer appended while it was dropped "
        f"could not be saved: {error.strerror}"
    )
