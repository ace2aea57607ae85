"""What writers appended to a file while it was replaced: moved to a late segment, before the file is let go."""

import os
import time
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import msgspec

from asynclog.apply.disk import Disk
from asynclog.apply.replacement import build, discard
from asynclog.errors import ChangedError
from asynclog.instant import SECOND
from asynclog.model import Fingerprint
from asynclog.names import Hidden, Names, new_name
from asynclog.proof import Proof
from asynclog.windows import Hole, end_of_lines, windows

_LOOK = 1 << 16  # bytes of a line by which it is known again
QUIET_PERIOD = 3600 * SECOND  # if no lease can tell whether a file is still written to, one that changed since may be


class Known(Protocol):
    """What is known of an old file."""

    @property
    def ticket(self) -> int:
        """Once the folder is synced up to this ticket, the file has no other hidden name."""

    def is_untouched(self, status: os.stat_result) -> bool:
        """Whether nobody can have written to it since."""

    def is_renewed(self, descriptor: int, hidden: Hidden) -> bool:
        """Whether the bytes that are accounted for are others now. Raises OSError."""


class Displaced(msgspec.Struct, frozen=True):
    """An old file that this job has displaced, and what was judged of it.

    Its fingerprint has the size and the modification time that it had while nobody could write to it, and the ctime
    that it had when its names had changed for the last time.
    """

    hidden: Hidden
    fingerprint: Fingerprint
    proof: Proof
    ticket: int

    def is_untouched(self, status: os.stat_result) -> bool:
        """By its times. On a file system that counts them in seconds they don't tell."""
        return Fingerprint.of(status) == self.fingerprint and bool(status.st_ctime_ns % SECOND)

    def is_renewed(self, descriptor: int, hidden: Hidden) -> bool:
        """By the digests of what was judged."""
        del hidden
        try:
            self.proof.check(descriptor, lambda: None)
        except ChangedError:
            return True
        return False


class Drained(NamedTuple):
    """Under which name an old file is known now, the late segments made, and what has become of it.

    It is gone; or busy, for somebody has it open; or kept for the next job, for nobody can tell whether somebody has.
    """

    hidden: Hidden
    late: list[str]
    fate: Literal["gone", "busy", "kept"]


class Inherited(msgspec.Struct, frozen=True):
    """An old file that another job has left, on this disk.

    If something had expired in it and nothing has any more, as `judge` says, it was begun anew: unless the policy is
    another one now. So the segment that replaced it is asked, too: that begins with a line of what was judged. What
    was begun anew before begins like the late segment that came of it then.
    """

    disk: Disk
    names: Names
    judge: Callable[[int, Hidden], bool]
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def is_renewed(self, descriptor: int, hidden: Hidden) -> bool:
        if hidden.with_expired:
            renewed = self.judge(descriptor, hidden)
            return renewed and not _has_line(descriptor, hidden.accounted, _first_line(self.disk, hidden.segment))
        line = _first_line(self.disk, self.names.late(hidden.token, 0))
        return bool(line) and not _has_line(descriptor, hidden.accounted, line)


class Undone(msgspec.Struct, frozen=True):
    """A replacement that somebody may have come to before it lost its name again; `head` is how it begins."""

    head: bytes
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def is_renewed(self, descriptor: int, hidden: Hidden) -> bool:
        del hidden
        return os.pread(descriptor, len(self.head), 0) != self.head


def _first_line(disk: Disk, segment: str) -> bytes:
    """The first line of a segment, or what a look shows of it; empty if there is no such segment."""
    try:
        descriptor = disk.open(segment)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, _LOOK, 0).partition(b"\n")[0]
    finally:
        disk.close(descriptor)


def _has_line(descriptor: int, size: int, line: bytes) -> bool:
    """Whether this line, or what is known of its beginning, is among the first `size` bytes."""
    seen = b""
    for part in windows(descriptor, 0, size) if line else ():
        seen = seen + (b"\0" if isinstance(part, Hole) else bytes(part))
        if line in seen:
            return True
        seen = seen[-len(line) :]
    return False


def drain(disk: Disk, names: Names, hidden: Hidden, known: Known, *, open_too: bool) -> Drained:
    """Publishes what lies beyond the accounted length, then lets the old file go.

    A file that became shorter, or whose first bytes were renewed, was begun anew: all of it is published. While
    somebody has the file open it stays; `open_too` has its whole lines published all the same. Raises OSError.
    """
    try:
        descriptor = disk.open(str(hidden))
    except BlockingIOError:  # somebody else holds a lease on it
        return Drained(hidden, [], "busy")
    try:
        holder = _holder(disk, descriptor)
        if holder == "busy" and not open_too:
            return Drained(hidden, [], "busy")
        status = os.fstat(descriptor)
        if _was_begun_anew(descriptor, status, hidden, known):
            hidden = _begin_anew(disk, hidden)
        rests = holder == "alone" or (holder == "unknown" and _is_quiet(status, present(disk, names)))
        end = status.st_size if rests else end_of_lines(descriptor, hidden.accounted, status.st_size)
        hidden, late = _publish_new(disk, names, hidden, descriptor, end)
        if holder == "unknown" and (late or not rests):
            return Drained(hidden, late, "kept")
        came = holder == "alone" and not disk.leased(descriptor)
        if came or not rests or os.fstat(descriptor).st_size != hidden.accounted:
            return Drained(hidden, late, "busy")
        disk.sync_folder(known.ticket)
        disk.unlink(str(hidden))
        disk.sync_folder()
    finally:
        disk.close(descriptor)
    return Drained(hidden, late, "gone")


def _publish_new(disk: Disk, names: Names, hidden: Hidden, descriptor: int, end: int) -> tuple[Hidden, list[str]]:
    """Makes a late segment of what is not accounted for, up to `end`; of nothing if that has just become shorter."""
    if end <= hidden.accounted:
        return hidden, []
    try:
        late = publish(disk, names, hidden, descriptor, (hidden.accounted, end))
    except ChangedError:
        return hidden, []
    return forward(disk, hidden, end), [late]


def _was_begun_anew(descriptor: int, status: os.stat_result, hidden: Hidden, known: Known) -> bool:
    if known.is_untouched(status):
        return False
    return status.st_size < hidden.accounted or known.is_renewed(descriptor, hidden)


def _holder(disk: Disk, descriptor: int) -> Literal["alone", "busy", "unknown"]:
    try:
        return "alone" if disk.lease(descriptor) else "unknown"
    except BlockingIOError:
        return "busy"


def present(disk: Disk, names: Names) -> int:
    """The time (ns since 1970) by the file system's clock, as the lock file tells, or by ours if that is earlier.

    A job renews its lock file when it begins, and every few seconds.
    """
    try:
        return min(time.time_ns(), disk.status(names.lock).st_mtime_ns)
    except OSError:
        return time.time_ns()


def _is_quiet(status: os.stat_result, present: int) -> bool:
    return max(status.st_mtime_ns, status.st_ctime_ns) + QUIET_PERIOD < present


def publish(disk: Disk, names: Names, hidden: Hidden, source: int, tail: tuple[int, int]) -> str:
    """Makes a late segment of this byte range of `source`; its name.

    The name makes it idempotent: the same bytes of the same file always come under the same one.
    """
    late = names.late(hidden.token, hidden.accounted)
    temporary = new_name(late)
    build(disk, temporary, source, windows(source, *tail), tail[1] - tail[0])
    try:
        disk.rename(temporary, late)
    except BaseException:
        discard(disk, temporary)
        raise
    disk.sync_folder()
    return late


def forward(disk: Disk, hidden: Hidden, accounted: int) -> Hidden:
    """Moves the accounted length on, durably, before the late segment can be cleaned like any other."""
    return _rename(disk, hidden, hidden._replace(accounted=accounted))


def _begin_anew(disk: Disk, hidden: Hidden) -> Hidden:
    """Nothing of the file is accounted for any more; a new token tells what comes of it from what came before."""
    return _rename(disk, hidden, Hidden.of(hidden.segment, 0, os.urandom(4), with_expired=False))


def _rename(disk: Disk, hidden: Hidden, new: Hidden) -> Hidden:
    disk.rename(str(hidden), str(new))
    disk.sync_folder()
    return new
