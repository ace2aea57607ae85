"""What writers appended to a file while it was replaced: moved to a late segment, before the file is let go."""

import os
import time
from typing import Literal, NamedTuple, Protocol

import msgspec

from asynclog.errors import ChangedError
from asynclog.storage.byte_ranges import end_of_lines, windows
from asynclog.storage.local.commit.overwritten import publish_overwritten
from asynclog.storage.local.commit.staging import build, discard
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import OldLink, SegmentNaming, new_name
from asynclog.storage.proof import Proof
from asynclog.timestamps import SECOND
from asynclog.types import Fingerprint

QUIET_PERIOD = 3600 * SECOND  # if no lease can tell whether a file is still written to, one that changed since may be


class Known(Protocol):
    """What is known of an old file."""

    @property
    def ticket(self) -> int:
        """Once the folder is synced up to this ticket, the file has no other hidden name."""

    @property
    def proof(self) -> Proof:
        """Makes digests."""

    def is_untouched(self, status: os.stat_result) -> bool:
        """Whether nobody can have written to it since."""

    def digest(self, descriptor: int, hidden: OldLink) -> bytes | None:
        """The digest of the accounted bytes; None if they are others now, or fewer. Raises OSError."""


class Displaced(msgspec.Struct, frozen=True):
    """An old file that this job has displaced, and what was judged of it.

    Its fingerprint has the size and the modification time that it had while nobody could write to it, and the ctime
    that it had when its names had changed for the last time.
    """

    hidden: OldLink
    fingerprint: Fingerprint
    proof: Proof
    ticket: int

    def is_untouched(self, status: os.stat_result) -> bool:
        """By its times. On a file system that counts them in seconds they don't tell."""
        return Fingerprint.of(status) == self.fingerprint and bool(status.st_ctime_ns % SECOND)

    def digest(self, descriptor: int, hidden: OldLink) -> bytes | None:
        """By the digests of what was judged."""
        del hidden
        try:
            return self.proof.check(descriptor, lambda: None)
        except ChangedError:
            return None


class Drained(NamedTuple):
    """Under which name an old file is known now, the late segments made, and what has become of it.

    It is gone; or busy, for somebody has it open; or kept for the next job, for nobody can tell whether somebody has.
    """

    hidden: OldLink
    late: list[str]
    fate: Literal["gone", "busy", "kept"]


class Inherited(msgspec.Struct, frozen=True):
    """An old file that another job has left. Its name tells its digest.

    What another reader has made can't be compared: then only its length tells.
    """

    proof: Proof
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, hidden: OldLink) -> bytes | None:
        try:
            digest = self.proof.digest(descriptor, hidden.accounted)
        except ChangedError:
            return None
        return digest if hidden.may_have(digest) else None


class Undone(msgspec.Struct, frozen=True):
    """A replacement that somebody may have come to before it lost its name again; `head` is how it begins."""

    proof: Proof
    head: bytes
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, hidden: OldLink) -> bytes | None:
        if os.pread(descriptor, len(self.head), 0) != self.head:
            return None
        return Inherited(self.proof).digest(descriptor, hidden)


def drain(disk: LogDirectory, names: SegmentNaming, hidden: OldLink, known: Known, *, open_too: bool) -> Drained:
    """Publishes what lies beyond the accounted length, then lets the old file go.

    A file that became shorter, or has nothing in common with what replaced it, was begun anew: all of it is published;
    of one in which lines were overwritten these are. While somebody has the file open it stays; `open_too` has its
    whole lines published all the same. Raises OSError.
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
        digest = _accounted(descriptor, status, hidden, known)
        late: list[str] = []
        if digest is None:
            hidden, digest, late = _renewed(disk, names, hidden, descriptor, known.proof)
        rests = holder == "alone" or (holder == "unknown" and _is_quiet(status, present(disk, names)))
        end = status.st_size if rests else end_of_lines(descriptor, hidden.accounted, status.st_size)
        for segment in _publish_new(disk, names, hidden, descriptor, end):
            hidden = advance_offset(disk, hidden, segment, known.proof, digest)
            late.append(segment)
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


def _publish_new(disk: LogDirectory, names: SegmentNaming, hidden: OldLink, descriptor: int, end: int) -> list[str]:
    """Makes a late segment of what is not accounted for, up to `end`; of nothing if that has just become shorter."""
    if end <= hidden.accounted:
        return []
    try:
        return [publish(disk, names, hidden, descriptor, (hidden.accounted, end))]
    except ChangedError:
        return []


def _accounted(descriptor: int, status: os.stat_result, hidden: OldLink, known: Known) -> bytes | None:
    """The digest of the accounted bytes, if there is more to come; None if the file was begun anew."""
    if status.st_size < hidden.accounted:
        return None
    if status.st_size == hidden.accounted and known.is_untouched(status):
        return b""
    return known.digest(descriptor, hidden)


def _renewed(
    disk: LogDirectory, names: SegmentNaming, hidden: OldLink, descriptor: int, proof: Proof
) -> tuple[OldLink, bytes, list[str]]:
    """Publish what was overwritten; of a file that was begun anew nothing is accounted for any more.

    Return the name, what is accounted for now by its digest, and the late segments.
    """
    if os.fstat(descriptor).st_size >= hidden.accounted:
        overwritten = publish_overwritten(disk, names, hidden, descriptor, proof)
        if overwritten:
            late, digest = overwritten
            return _rename(disk, hidden, hidden.going_on(hidden.accounted, digest)), digest, late
    return _rename(disk, hidden, OldLink.of(hidden.segment, 0, os.urandom(4))), b"", []


def _holder(disk: LogDirectory, descriptor: int) -> Literal["alone", "busy", "unknown"]:
    try:
        return "alone" if disk.lease(descriptor) else "unknown"
    except BlockingIOError:
        return "busy"


def present(disk: LogDirectory, names: SegmentNaming) -> int:
    """The time (ns since 1970) by the file system's clock, as the lock file tells, or by ours if that is earlier.

    A job renews its lock file when it begins, and every few seconds.
    """
    try:
        return min(time.time_ns(), disk.status(names.lock).st_mtime_ns)
    except OSError:
        return time.time_ns()


def _is_quiet(status: os.stat_result, present: int) -> bool:
    return max(status.st_mtime_ns, status.st_ctime_ns) + QUIET_PERIOD < present


def publish(disk: LogDirectory, names: SegmentNaming, hidden: OldLink, source: int, tail: tuple[int, int]) -> str:
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


def advance_offset(disk: LogDirectory, hidden: OldLink, late: str, proof: Proof, digest: bytes) -> OldLink:
    """Moves the accounted length on behind what a late segment has, durably, before that can be cleaned like any other.

    `digest` is that of the bytes before. Raises OSError.
    """
    descriptor = disk.open(late)
    try:
        size = os.fstat(descriptor).st_size
        digest = proof.extended(digest, descriptor, size)
    finally:
        disk.close(descriptor)
    return _rename(disk, hidden, hidden.going_on(hidden.accounted + size, digest))


def _rename(disk: LogDirectory, hidden: OldLink, new: OldLink) -> OldLink:
    disk.rename(str(hidden), str(new))
    disk.sync_folder()
    return new
