"""Checks of old files, by how each came about: whether its accounted bytes are still those that were processed."""

import os
from typing import Protocol

import msgspec

from asynclog.errors import ChangedError
from asynclog.segments import Fingerprint
from asynclog.storage.hidden_names import OldLink
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.proof import Proof
from asynclog.timestamps import SECOND


class Known(Protocol):
    """Facts about an old file; how many depends on whether this job displaced it."""

    @property
    def ticket(self) -> int:
        """The ticket up to which the folder must be synced for the file to have no other hidden name."""

    @property
    def proof(self) -> Proof:
        """The proof that makes digests."""

    def is_untouched(self, status: os.stat_result) -> bool:
        """Return whether nobody can have written to it since."""

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Return the digest of the accounted bytes; None if they may have changed or been cut. Raise OSError."""

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        """Return the segment that has the accounted lines, except those that had expired."""

    def is_unwritten(self, status: os.stat_result) -> bool:
        """Return whether nobody is believed to have written to it, even if that segment has none of its lines."""


class Displaced(msgspec.Struct, frozen=True):
    """An old file that this job has displaced, and what was judged of it.

    Its fingerprint has the size and times from when nobody could write to it, and the ctime from after its last rename
    or link; None if these prove nothing.
    """

    old: OldLink
    fingerprint: Fingerprint | None
    proof: Proof
    ticket: int

    def is_untouched(self, status: os.stat_result) -> bool:
        """Compare its times, which prove nothing on a file system that counts them in seconds."""
        return self.fingerprint == Fingerprint.of(status) and bool(status.st_ctime_ns % SECOND)

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Compare with the digests of what was judged."""
        del old
        try:
            return self.proof.check(LocalReader(descriptor), lambda: None)
        except ChangedError:
            return None

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        del directory
        return old.segment

    def is_unwritten(self, status: os.stat_result) -> bool:
        del status
        return False


class Inherited(msgspec.Struct, frozen=True):
    """An old file that another job left. Its name has its digest.

    If another reader made that digest, it can't be compared: then only the length counts.
    """

    proof: Proof
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        try:
            digest = self.proof.digest(LocalReader(descriptor), old.processed_bytes)
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
    """A replacement, `built`, that lost its name again, and may have been written to. Its lines are those of `file`.

    `proof` has all bytes of a packed one, and none of another, whose lines can be compared instead.
    """

    proof: Proof
    file: FileId
    built: FileId
    mtime_ns: int
    ticket: int = 0

    def is_untouched(self, status: os.stat_result) -> bool:
        del status
        return False

    def digest(self, descriptor: int, old: OldLink) -> bytes | None:
        """Compare with the digests of what was packed; without them return None."""
        if self.proof.size != old.processed_bytes:
            return None
        try:
            return self.proof.check(LocalReader(descriptor), lambda: None)
        except ChangedError:
            return None

    def replacement(self, directory: LogDirectory, old: OldLink) -> str:
        return directory.visible_name(self.file) or old.segment

    def is_unwritten(self, status: os.stat_result) -> bool:
        """Compare its mtime: those lines may be elsewhere by now."""
        return status.st_mtime_ns == self.mtime_ns
