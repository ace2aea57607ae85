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
from asynclog.storage.codecs import is_packed
from asynclog.storage.hidden_names import StagedFile
from asynclog.storage.local.access.user import FOWNER, capabilities
from asynclog.storage.local.commit.exchange import DisplacedError, LateWriterError
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.proof import Proof


class IdleRule(msgspec.Struct, frozen=True):
    """Which segments count as no longer written to, if no lease can tell: neither the `newest`, nor any changed lately.

    Applies only if the user has `allowed` it.
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
    """No lease is available, and the segment may still be written to."""


class Pinned(msgspec.Struct, frozen=True):
    """A segment ready to be displaced; if it is `leased`, nobody has changed it since `begun_ns` (monotonic).

    `digest` is that of the bytes that were judged, `attributes` are the extended ones, an ACL among them.
    """

    leased: bool
    begun_ns: int
    status: os.stat_result
    digest: bytes
    attributes: dict[str, bytes]

    @property
    def file(self) -> FileId:
        return FileId.of(self.status)

    def fingerprint(self, status: os.stat_result) -> Fingerprint:
        """Return the fingerprint that it has from now on if nobody has written to it since it was pinned.

        `status` is its present one.
        """
        known = Fingerprint.of(self.status)
        return msgspec.structs.replace(known, ctime_ns=status.st_ctime_ns)

    def is_still(self, status: os.stat_result) -> bool:
        """Return whether it is unchanged, including the owner and mode, which its replacement has, too.

        A leased segment has two names: a third one means that a rotation has begun.
        """
        return _identity(status) == _identity(self.status) and (not self.leased or status.st_nlink == 2)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what a rename or a link leaves unchanged, and any write, chmod or chown changes."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid, status.st_gid)


def must_hold(action: Action, status: os.stat_result, links: Container[int] = (1,)) -> None:
    """Raise ChangedError unless a file can still be the one that was judged, with one of these numbers of links.

    A segment to be rewritten may have grown since, unless it is packed. Its content is checked by its proof.
    """
    known = action.fingerprint
    may_grow = action.kind == "rewrite" and not is_packed(action.segment)
    fits = status.st_size == known.size or (may_grow and status.st_size > known.size)
    if not fits or (status.st_dev, status.st_ino) != (known.device, known.inode) or status.st_nlink not in links:
        raise ChangedError


def must_go_on_with_a_line(source: int, known: int, size: int) -> None:
    """Raise ChangedError if the bytes after the first `known` of `size` continue their last line."""
    if size > known > 0 and os.pread(source, 1, known - 1) != b"\n":
        raise ChangedError


def _must_end_with_a_line(source: int, known: int, size: int) -> None:
    """Raise BlockingIOError if a writer has appended part of a line after the first `known` of `size` bytes.

    It may reopen the file for the rest, which would go to the replacement.
    """
    if size > known and os.pread(source, 1, size - 1) != b"\n":
        raise BlockingIOError(errno.EAGAIN, "somebody is writing a line to it")


def must_be_free(directory: LogDirectory, source: int) -> None:
    """Raise BlockingIOError if somebody has it open for writing, before a replacement is built in vain."""
    directory.is_free(source)


def must_be_removable(directory: LogDirectory, source: int) -> None:
    """Raise PermissionError if the folder is sticky and a link to the file could not be removed again."""
    folder, file = os.fstat(directory.folder), os.fstat(source)
    is_kept = folder.st_mode & stat.S_ISVTX and os.geteuid() not in {folder.st_uid, file.st_uid}
    if is_kept and not capabilities() >> FOWNER & 1:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _must_be_quiet(idle: IdleRule, segment: str, source: int) -> None:
    if not idle.covers(segment, os.fstat(source).st_mtime_ns):
        what = "somebody may still write to it" if idle.allowed else "--weak-leases would judge it by its quiet alone"
        raise NoLeaseError(f"no file lease is available here, and {what}")


def pin(directory: LogDirectory, idle: IdleRule, target: Target, pauses: Iterable[float]) -> Pinned:
    """Take the lease, compare the segment's content with what was judged, and return the segment as pinned.

    Release the lease as soon as a writer comes. Before each attempt leave the segment to its writer for one of the
    pauses (seconds). Raise BlockingIOError, ChangedError or NoLeaseError.
    """
    action, source, proof = target
    for pause in pauses:
        time.sleep(pause)
        try:
            leased = directory.lease(source)
            begun = time.monotonic_ns()
            if not leased:
                _must_be_quiet(idle, action.segment, source)
            look = partial(must_be_alone, directory, source, leased=leased)
            _must_end_with_a_line(source, proof.size, os.fstat(source).st_size)
            digest = proof.check(LocalReader(source), look)
            status = directory.status(action.segment)
            must_hold(action, status, links=(2,) if leased else (1, 2))  # FUSE may report a stale count
            must_go_on_with_a_line(source, proof.size, status.st_size)
            look()
        except BlockingIOError:
            directory.release(source)
        else:
            return Pinned(leased, begun, status, digest, directory.attributes(source))
    raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")


def must_be_alone(directory: LogDirectory, source: int, *, leased: bool) -> None:
    """Raise BlockingIOError if somebody waits for the lease to end."""
    if leased and not directory.leased(source):
        raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")


def confirm(directory: LogDirectory, source: int, staged: StagedFile, pinned: Pinned) -> None:
    """Check what was displaced.

    Raise DisplacedError if that is another file or has changed, LateWriterError if a writer has opened it: the lease
    may have ended if the job was suspended for longer than Linux waits.
    """
    if not pinned.is_still(directory.status(str(staged))) or not _has_attributes(directory, source, pinned):
        raise DisplacedError
    must_have_no_late_writer(directory, source, pinned)


def must_have_no_late_writer(directory: LogDirectory, source: int, pinned: Pinned) -> None:
    """Raise LateWriterError if somebody waits for the lease to end, or the lease has ended."""
    if pinned.leased and not directory.leased(source):
        raise LateWriterError(errno.EAGAIN, "somebody opened it for writing meanwhile")


def _has_attributes(directory: LogDirectory, source: int, pinned: Pinned) -> bool:
    try:
        return directory.attributes(source) == pinned.attributes
    except OSError:
        return False
