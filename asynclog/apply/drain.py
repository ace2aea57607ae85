"""What writers appended to a file while it was replaced: moved to a late segment, before the file is let go."""

import os
import threading
import time

from asynclog.apply.disk import Disk
from asynclog.apply.replacement import build, discard
from asynclog.names import Hidden, Names, new_name
from asynclog.windows import windows

# A writer who looked the name up just before it was replaced may come to the old file a little later. Waiting
# costs nothing here: the worker goes on with other segments meanwhile.
GRACE = 0.05  # seconds
PATIENCE = 1.0  # seconds at the end of a job, for writers who still have an old file open
_PAUSE = 0.02  # seconds between two looks


class Backlog:
    """The replaced files that are still to be drained. Its methods may be called by several threads.

    `late` has the segments that were made, `problems` sentences about what could not be done. `unsettled` are the
    segments that may not be changed because of that: their names, or the tokens of late ones.
    """

    def __init__(self, disk: Disk, names: Names) -> None:
        self.disk = disk
        self.names = names
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Hidden]] = []
        self.late: list[str] = []
        self.problems: list[str] = []
        self.unsettled: set[str] = set()

    def add(self, hidden: Hidden, grace: float = GRACE) -> None:
        """Has the file drained once so many seconds have passed."""
        with self._lock:
            self._waiting.append((time.monotonic() + grace, hidden))

    def settle(self) -> None:
        """Drains what is due; what is busy stays in the backlog."""
        now = time.monotonic()
        with self._lock:
            due = [hidden for since, hidden in self._waiting if since <= now]
            self._waiting = [(since, hidden) for since, hidden in self._waiting if since > now]
        for hidden in due:
            try:
                self._settle(hidden)
            except OSError as error:
                self.unsettled.add(hidden.token)
                self.problems.append(
                    f"{hidden}: what was appended to {hidden.segment} can't be moved to a segment "
                    f"of its own yet ({error.strerror}): it is safe there, and the next job tries again"
                )

    def settle_all(self) -> None:
        """Drains everything, and gives writers a little time to close what they hold."""
        end = time.monotonic() + PATIENCE
        while self._waiting and time.monotonic() < end:
            time.sleep(_PAUSE)
            self.settle()

    def _settle(self, hidden: Hidden) -> None:
        hidden, late, done = drain(self.disk, self.names, hidden)
        with self._lock:
            self.late.extend(late)
            if not done:
                self._waiting.append((time.monotonic(), hidden))


def drain(disk: Disk, names: Names, hidden: Hidden) -> tuple[Hidden, list[str], bool]:
    """Publishes what lies beyond the accounted length, then lets the old file go.

    Answers under which name the file is known now, the late segments made, and whether it is gone: it stays where
    a writer has it open, for the next try. Raises OSError.
    """
    descriptor = disk.open(str(hidden))
    late = []
    try:
        leased = disk.lease(descriptor)
        size = os.fstat(descriptor).st_size
        if size > hidden.accounted:
            late.append(publish(disk, names, hidden, descriptor, (hidden.accounted, size)))
            hidden = forward(disk, hidden, size)
        if os.fstat(descriptor).st_size != size or (leased and not disk.leased(descriptor)):
            return hidden, late, False
        disk.unlink(str(hidden))
        disk.sync_folder()
    except BlockingIOError:
        return hidden, late, False
    finally:
        disk.close(descriptor)
    return hidden, late, True


def publish(disk: Disk, names: Names, hidden: Hidden, source: int, tail: tuple[int, int]) -> str:
    """Makes a late segment of this byte range of `source`; its name.

    The name makes it idempotent: the same bytes of the same file always come under the same one.
    """
    late = names.late(hidden.token, hidden.accounted)
    temporary = new_name(late)
    build(disk, temporary, source, windows(source, *tail))
    try:
        disk.rename(temporary, late)
    except BaseException:
        discard(disk, temporary)
        raise
    disk.sync_folder()
    return late


def forward(disk: Disk, hidden: Hidden, accounted: int) -> Hidden:
    """Moves the accounted length on, durably, before the late segment can be cleaned like any other."""
    moved = hidden._replace(accounted=accounted)
    disk.rename(str(hidden), str(moved))
    disk.sync_folder()
    return moved
