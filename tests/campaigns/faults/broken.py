"""The broken parts of mutants: disks that do something wrong, and functions to be put in the place of others."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import zlib
from typing import TYPE_CHECKING

from asynclog.errors import LockedError
from asynclog.storage.local.commit.drain import Drained
from asynclog.storage.local.commit.exchange import DisplacedError
from asynclog.storage.local.commit.replace import CommitResult
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.linux.lease_trust import FileSystem
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asynclog.storage.codecs import Stream
    from asynclog.storage.hidden_names import OldLink, StagedFile
    from asynclog.storage.local.commit.drain_queue import DrainQueue
    from asynclog.storage.local.commit.old_file_checks import Displaced, Known
    from asynclog.storage.local.commit.precommit import Pinned
    from asynclog.storage.segment_reader import Part, SegmentReader


class UnsyncedReplacement(LogDirectory):
    """The replacement is renamed into place before its bytes are safe."""

    def sync(self, descriptor: int) -> None:
        pass


class UnsyncedFolder(LogDirectory):
    """SegmentNaming are changed in an order that only the memory knows."""

    def sync_folder(self, ticket: int | None = None) -> None:
        pass


class SwallowedSync(LogDirectory):
    """Ignore the result of fsync."""

    def sync(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):
            super().sync(descriptor)


class RetriedSync(LogDirectory):
    """A failed fsync is tried again: that succeeds, and the bytes are gone all the same."""

    def sync(self, descriptor: int) -> None:
        try:
            super().sync(descriptor)
        except OSError:
            super().sync(descriptor)


class NoLease(LogDirectory):
    """Nobody is kept from opening the segment meanwhile."""

    def lease(self, descriptor: int) -> bool:
        return True

    def leased(self, descriptor: int) -> bool:
        return True

    def release(self, descriptor: int) -> bool:
        return True


class InPlace(NoLease):
    """The segment itself is cut off and written anew."""

    def rename_exchange(self, name: str, other: str) -> None:
        target = os.open(other, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600, dir_fd=self.folder)
        source = self.open(name)
        os.write(target, os.read(source, 1 << 20))
        os.fsync(target)
        os.close(target)
        os.close(source)
        self.unlink(name)
        self.link(other, name)


class PlainRename(LogDirectory):
    """Whatever has the segment's name is replaced, or removed."""

    def _renameat2(self, name: str, new: str, flags: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class AnybodysFile(LogDirectory):
    """A segment is emptied though others have it open."""

    def open_exclusive(self, name: str) -> int:
        return os.open(name, os.O_RDWR | os.O_CLOEXEC, dir_fd=self.folder)

    def truncate(self, descriptor: int) -> None:
        os.ftruncate(descriptor, 0)


class LeaseAlwaysHeld(LogDirectory):
    """A writer who waits in open() is not noticed."""

    def leased(self, descriptor: int) -> bool:
        return True


class LeaseAlwaysStood(LogDirectory):
    """A lease that ended before its time is not noticed as it is given back."""

    def release(self, descriptor: int) -> bool:
        super().release(descriptor)
        return True


class ShortWritesIgnored(LogDirectory):
    """A write is taken for whole, whatever it says."""

    def write(self, descriptor: int, parts: Sequence[memoryview]) -> int:
        super().write(descriptor, parts)
        return sum(map(len, parts))


class AnyReplacement(LogDirectory):
    """The replacement may be there already, or be a link to anywhere."""

    def create(self, name: str) -> int:
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=self.folder)


class Undressed(LogDirectory):
    """The new file belongs to us, and nobody else may read it."""

    def copy_metadata(self, descriptor: int, source: int) -> None:
        pass


def undrained(disk: LogDirectory, names: SegmentNaming, hidden: OldLink, known: object, **_: object) -> Drained:
    """Instead of `drain`: the old file goes, whatever was appended to it."""
    del names, known
    disk.unlink(str(hidden))
    return Drained(hidden, [], "gone")


def unrecovered(disk: LogDirectory, names: SegmentNaming, backlog: DrainQueue, hidden: OldLink) -> None:
    """Instead of `recovery._finish`: what a killed job left is worthless."""
    del names, backlog
    disk.unlink(str(hidden))


def unlooked(disk: LogDirectory, built: StagedFile, replaced: object) -> bool:
    """Instead of `unlink_displaced`: the file that was displaced is always the one that was meant."""
    del replaced
    disk.unlink(str(built))
    return True


def ungiven(backlog: DrainQueue, built: StagedFile, *_: object, **__: object) -> None:
    """Instead of `restore_displaced`: a name that was not meant to be taken is lost."""
    backlog.directory.unlink(str(built))


def thrown_away(backlog: DrainQueue, built: StagedFile, old: object) -> None:
    """Instead of `recovery._resolve`: whatever has the hidden name of a replacement is worthless."""
    del old
    backlog.directory.unlink(str(built))


def unmoved(disk: LogDirectory, hidden: OldLink, late: str, proof: Proof, digest: bytes) -> OldLink:
    """Instead of `_advanced`: the old file goes on counting the length that it had."""
    del disk, late, proof, digest
    return hidden


def shorter(descriptor: int, status: os.stat_result, hidden: OldLink, known: Known) -> bytes | None:
    """Instead of `_accounted`: only an old file's bytes tell, so that a file without them is nothing new."""
    gone_on = known.is_untouched(status) and status.st_size == hidden.processed_bytes
    return b"" if gone_on or status.st_size < hidden.processed_bytes else known.digest(descriptor, hidden)


def grown_again(descriptor: int, status: os.stat_result, hidden: OldLink, known: Known) -> bytes | None:
    """Instead of `_accounted`: only an old file's length tells."""
    reader, size = LocalReader(descriptor), hidden.processed_bytes
    return None if status.st_size < size else known.proof.digest(reader, size)


def untold(disk: LogDirectory, hidden: OldLink, digest: bytes) -> OldLink:
    """Instead of `_with_digest`: what a job has judged, only that job knows."""
    del disk, digest
    return hidden


def unproven(proof: Proof, reader: SegmentReader, look: object) -> bytes:
    """Instead of `Proof.check`: what was judged is what is there."""
    del look
    return proof.digest(reader, min(proof.size, reader.current().size))


_follow = Proof.follow
_late_name = SegmentNaming.late_name


def uncompared(proof: Proof, parts: Iterable[memoryview], expected: bytes | None = None) -> Iterator[Part]:
    """Instead of `Proof.follow`: what is read once more is what the scan has read."""
    del expected
    return _follow(proof, parts)


def unleased(disk: LogDirectory, source: int, built: StagedFile, pinned: Pinned) -> None:
    """Instead of `confirm`: only the file that was displaced is looked at, and whether the lease stood is not."""
    del source
    if not pinned.is_still(disk.status(str(built))):
        raise DisplacedError


def as_if_leased(displaced: Displaced | None, size: int, lease_ns: int, leased: bool, fault: str = "") -> CommitResult:
    """Instead of `CommitResult`: an old file may go in the same job, whether or not a lease told who writes to it."""
    del leased
    return CommitResult(displaced, size, lease_ns, leased=True, fault=fault)


def lenient(codec: object, parts: Iterable[Part]) -> Stream:
    """Instead of `Gzip.decode`: where a stream is cut off, it ends."""
    del codec
    data, found = b"".join(bytes(part) for part in parts if isinstance(part, memoryview)), b""
    while data:
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
        found += decompressor.decompress(data)
        data = decompressor.unused_data
    return io.BytesIO(found)


def plainly_named(names: SegmentNaming, token: str, offset: int, source: str = "") -> str:
    """Instead of `SegmentNaming.late_name`: what was appended to a packed file has a plain name."""
    del source
    return _late_name(names, token, offset)


class Unlocked:
    """A lock that nobody takes away."""

    def is_lost(self) -> bool:
        return False


@contextlib.contextmanager
def unlocked(*_: object, **__: object) -> Iterator[Unlocked]:
    """Instead of `held_lock`: others may be at work, too."""
    yield Unlocked()


@contextlib.contextmanager
def folder_locked(disk: LogDirectory, path: str, **_: object) -> Iterator[Unlocked]:
    """Instead of `held_lock`: a lock on what everybody may open who can list it."""
    try:
        fcntl.flock(disk.folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockedError(path) from None
    yield Unlocked()


def local(folder: int, **_: object) -> FileSystem:
    """Instead of `file_system`: whatever grants a lease is whole."""
    del folder
    return FileSystem("ext4", "")


def always(*_: object) -> bool:
    """Instead of a look: all is well."""
    return True


def never(*_: object) -> bool:
    """Instead of a look: there is nobody."""
    return False


def unchecked(*_: object, **__: object) -> None:
    """Instead of a check, or of a lock: all is well."""
