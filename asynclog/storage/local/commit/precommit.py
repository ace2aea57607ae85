"""Pin a segment from the last look at it to its exchange: by a read lease, and by digests of what was judged."""

import errno
import os
import stat
import time
from collections.abc import Callable, Container, Iterable, Set
from functools import partial
from typing import NamedTuple

import msgspec

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.segments import Fingerprint
from asynclog.storage.hidden_names import StagedFile
from asynclog.storage.local.access.user import FOWNER, capabilities
from asynclog.storage.local.commit.exchange import DisplacedError, LateWriterError
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.segment_reader import lines_of
from asynclog.storage.proof import Proof


class IdleRule(msgspec.Struct, frozen=True):
    """Which segments nobody writes to any more, if no lease can tell: none of `newest`, none that changed lately.

    Nobody has agreed to that unless it is `allowed`.
    """

    newest: Set[str]
    quiet_since: Callable[[], int]
    allowed: bool = True

    def covers(self, segment: str, mtime_ns: int) -> bool:
        return self.allowed and segment not in self.newest and mtime_ns < self.quiet_since()


class Target(NamedTuple):
    """A segment that is open for its commit: what is to become of it, its descriptor, and what was judged of it."""

    action: Action
    source: int
    proof: Proof


class NoLeaseError(Exception):
    """There is no lease to be had, and the segment may still be written to."""


class Pinned(msgspec.Struct, frozen=True):
    """A segment as it is to be displaced; if it is `leased`, nobody has changed it since `begun_ns` (monotonic).

    `digest` is that of the bytes that were judged, `attributes` are the extended ones, an ACL among them.
    """

    leased: bool
    begun_ns: int
    status: os.stat_result
    digest: bytes
    attributes: dict[str, bytes]

    @property
    def inode(self) -> int:
        return self.status.st_ino

    def fingerprint(self, status: os.stat_result) -> Fingerprint:
        """Return the fingerprint that it has from now on if nobody has written to it since it was pinned."""
        known = Fingerprint.of(self.status)
        return msgspec.structs.replace(known, ctime_ns=status.st_ctime_ns)

    def is_still(self, status: os.stat_result) -> bool:
        """Return whether it is the same, with the owner and mode that its replacement has been given.

        If there was a lease it has two names: with a third one a rotation has begun.
        """
        return _identity(status) == _identity(self.status) and (not self.leased or status.st_nlink == 2)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what neither a rename nor a link changes, and any write or change of who may read does."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid, status.st_gid)


def must_hold(action: Action, status: os.stat_result, links: Container[int] = (1,)) -> None:
    """Raise ChangedError unless a file can still be the one that was judged, under so many names.

    A segment that is to be rewritten may have grown since. What it holds is for its proof to say.
    """
    known = action.fingerprint
    fits = status.st_size == known.size or (action.kind == "rewrite" and status.st_size > known.size)
    if not fits or (status.st_dev, status.st_ino) != (known.device, known.inode) or status.st_nlink not in links:
        raise ChangedError


def must_go_on_with_a_line(source: int, known: int, size: int) -> None:
    """Raise ChangedError if what follows the first `known` of `size` bytes goes on with their last line."""
    if size > known > 0 and os.pread(source, 1, known - 1) != b"\n":
        raise ChangedError


def _must_end_with_a_line(source: int, known: int, size: int) -> None:
    """Raise BlockingIOError if a writer has got half of a line behind the first `known` of `size` bytes.

    He may open the file anew for the other half, which would come to the replacement.
    """
    if size > known and os.pread(source, 1, size - 1) != b"\n":
        raise BlockingIOError(errno.EAGAIN, "somebody is writing a line to it")


def must_be_free(directory: LogDirectory, source: int) -> None:
    """Raise BlockingIOError if somebody has it open for writing: then nothing is built in vain."""
    directory.is_free(source)


def must_be_removable(directory: LogDirectory, source: int) -> None:
    """Raise PermissionError in a sticky folder that keeps its files from us: no link to one could be removed again."""
    folder, file = os.fstat(directory.folder), os.fstat(source)
    is_kept = folder.st_mode & stat.S_ISVTX and os.geteuid() not in {folder.st_uid, file.st_uid}
    if is_kept and not capabilities() >> FOWNER & 1:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _must_be_quiet(idle: IdleRule, segment: str, source: int) -> None:
    if not idle.covers(segment, os.fstat(source).st_mtime_ns):
        what = "somebody may still write to it" if idle.allowed else "--weak-leases would judge it by its quiet alone"
        raise NoLeaseError(f"no file lease is to be had here, and {what}")


def pin(directory: LogDirectory, idle: IdleRule, target: Target, pauses: Iterable[float]) -> Pinned:
    """Take the lease, and compare what the segment holds with what was judged.

    Whoever comes meanwhile is let in at once. Before each try the segment is left to its writer for one of the pauses
    (seconds). Raise BlockingIOError, ChangedError or NoLeaseError.
    """
    action, source, proof = target
    for pause in pauses:
        time.sleep(pause)
        try:
            leased = directory.lease(source)
            begun = time.monotonic_ns()
            if not leased:
                _must_be_quiet(idle, action.segment, source)
            look = partial(_must_be_alone, directory, source, leased=leased)
            _must_end_with_a_line(source, proof.size, os.fstat(source).st_size)
            digest = proof.check(lines_of(action.segment, source), look)
            status = directory.status(action.segment)
            must_hold(action, status, links=(2,) if leased else (1, 2))  # FUSE may tell a count of before
            must_go_on_with_a_line(source, proof.size, status.st_size)
            look()
        except BlockingIOError:
            directory.release(source)
        else:
            return Pinned(leased, begun, status, digest, directory.attributes(source))
    raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")


def _must_be_alone(directory: LogDirectory, source: int, *, leased: bool) -> None:
    """Raise BlockingIOError if somebody waits for the lease's end."""
    if leased and not directory.leased(source):
        raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")


def confirm(directory: LogDirectory, source: int, staged: StagedFile, pinned: Pinned) -> None:
    """Look at what was displaced.

    Raise DisplacedError if that is another file, or is not what it was, LateWriterError if somebody has come to it: by
    then the lease may be over, if the job stood still for longer than the kernel waits.
    """
    if not pinned.is_still(directory.status(str(staged))) or directory.attributes(source) != pinned.attributes:
        raise DisplacedError
    if pinned.leased and not directory.leased(source):
        raise LateWriterError(errno.EAGAIN, "somebody opened it for writing meanwhile")
