"""Old files, and what is known of them: whether the accounted bytes are still those that were dealt with."""

import os
from typing import Protocol

import msgspec

from asynclog.errors import ChangedError
from asynclog.segments import Fingerprint
from asynclog.storage.hidden_names import OldLink
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.segment_reader import lines_of
from asynclog.storage.proof import Proof
from asynclog.timestamps import SECOND


class Known(Protocol):
    """Facts about an old file, as far as it is known who has displaced it."""

    @property
    def ticket(self) -> int:
        """Once the folder is synced up to this ticket, the file has no other hidden name."""

    @property
    def proof(self) -> Proof:
        """Makes digests."""

    def is_untouched(self, status: os.stat_result) -> bool:
        """Whether nobody can have written to it since."""

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Return the digest of the accounted bytes; None if they may be others now, or fewer. Raise OSError."""

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        """Return the segment that has the accounted lines, but for those that had expired."""

    def is_unwritten(self, status: os.stat_result) -> bool:
        """Whether nobody is believed to have written to it, should that segment have none of its lines."""


class Displaced(msgspec.Struct, frozen=True):
    """An old file that this job has displaced, and what was judged of it.

    Its fingerprint has the size and the times that it had while nobody could write to it, and when its names had
    changed for the last time; None where these tell nothing.
    """

    old: OldLink
    fingerprint: Fingerprint | None
    proof: Proof
    ticket: int

    def is_untouched(self, status: os.stat_result) -> bool:
        """Go by its times. On a file system that counts them in seconds they don't tell."""
        return self.fingerprint == Fingerprint.of(status) and bool(status.st_ctime_ns % SECOND)

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Go by the digests of what was judged."""
        del old
        try:
            return self.proof.check(lines_of(self.old.segment, descriptor), lambda: None)
        except ChangedError:
            return None

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        del directory
        return old.segment

    def is_unwritten(self, status: os.stat_result) -> bool:
        del status
        return False


class Inherited(msgspec.Struct, frozen=True):
    """An old file that another job has left. Its name tells its digest.

    What another reader has made can't be compared: then only its length tells.
    """

    proof: Proof
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        try:
            digest = self.proof.digest(lines_of(old.segment, descriptor), old.processed_bytes)
        except ChangedError:
            return None
        return digest if not digest or old.may_have(digest) else None

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        del directory
        return old.segment

    def is_unwritten(self, status: os.stat_result) -> bool:
        del status
        return False


class Withdrawn(msgspec.Struct, frozen=True):
    """A replacement that lost its name again: as it was built, with lines of the file of this inode, or written to."""

    proof: Proof
    inode: int
    mtime_ns: int
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Return None: nobody has made one."""
        return None

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        return directory.visible_name(self.inode) or old.segment

    def is_unwritten(self, status: os.stat_result) -> bool:
        """Go by its time: those lines may be elsewhere by now."""
        return status.st_mtime_ns == self.mtime_ns
