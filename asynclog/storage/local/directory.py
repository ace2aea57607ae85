"""Every call that changes the files of a log, and the invariants that the order of these calls keeps.

Whatever happens, at any call, for any reason (a kill, a power cut, a full or failing disk, a writer that appends):

1. Every line that has not expired is there exactly once: in a visible segment, or in one hidden `.al-old` file
   beyond the length that its name accounts for. (Exception: after a rotation raced the exchange and the job was killed,
   the line is in the hidden `.al-new` file, and the copy in the replacement must be ignored.)
2. A visible segment is either the old one or the whole new one: what is renamed into place was synced before.
3. The old file keeps a name until what writers appended to it has a synced name of its own.
4. A file whose name is removed or replaced has another name that was synced to the folder, or is worthless.
5. Only the intended file loses a segment's name: a file that a rotation put there meanwhile gets it back.

The modules of `commit` decide the order; this module decides nothing and retries nothing. Calls that only read are
in `reading.read_directory`, and what it says of names and errors holds here, too; calls that write to the lock file
are in `lock.lock_directory`.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence

from asynclog.executors.rate_limit import RateLimiter
from asynclog.storage.local.disk_space import Room
from asynclog.storage.local.folder_sync import FolderSync
from asynclog.storage.local.linux import leases, metadata, renames
from asynclog.storage.local.lock.lock_directory import LockDirectory
from asynclog.storage.local.reading.read_directory import READ

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LogDirectory(LockDirectory):
    """The folder with this descriptor. Its methods are thread-safe, for different names."""

    def __init__(
        self, folder: int, weak: str = "", rate_limit: RateLimiter | None = None, *, times_tell: bool = True
    ) -> None:
        """Wrap the folder. `times_tell` is whether every change of a file updates one of its times."""
        super().__init__(folder, weak)
        self.times_tell = times_tell
        self.room = Room(folder)
        self._rate_limit = rate_limit or RateLimiter()
        self._folder_sync = FolderSync(self.fsync_folder)

    # ---- leases: while one is held, nobody has the file open for writing; an open() for writing waits for its end

    def lease(self, descriptor: int) -> bool:
        """Take a read lease; return False if there are none (`leases.take`), or untrusted ones only (`lease_trust`)."""
        renames.resolved()  # before anybody has to wait
        return not self.weak and leases.take(descriptor)

    def is_free(self, descriptor: int) -> bool:
        """Return whether a lease is available now; False if there are none. Raise BlockingIOError as `lease` does."""
        free = not self.weak and leases.take(descriptor)
        if free:
            leases.release(descriptor)
        return free

    def leased(self, descriptor: int) -> bool:
        """Return whether the lease is still held and nobody waits for its end."""
        return leases.is_held(descriptor)

    def release(self, descriptor: int) -> bool:
        """End the lease. Return False if it had ended already: somebody waited for longer than Linux allows."""
        return leases.release(descriptor)

    # ---- calls that change the folder

    def create(self, name: str) -> int:
        """Create a file, mode 0600, and return a descriptor for writing. Raise FileExistsError if there is one."""
        return os.open(name, _CREATE, 0o600, dir_fd=self.folder)

    def write(self, descriptor: int, parts: Sequence[memoryview]) -> int:
        """Write the beginning of these parts, and return how many bytes were written."""
        written = os.writev(descriptor, parts)
        self._rate_limit.acquire(written)
        return written

    def write_hole(self, descriptor: int, size: int) -> None:
        """Add a hole of `size` bytes after what was written to a new file."""
        os.ftruncate(descriptor, os.lseek(descriptor, size, os.SEEK_CUR))

    def begin_sync(self, descriptor: int, start: int, size: int) -> None:
        """Start writing these bytes to the disk, without waiting; `sync` reports any error."""
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)

    def copy_flags(self, descriptor: int, source: int) -> None:
        """Give a new, empty file the flags (see chattr) and the project ID of the one that it replaces."""
        metadata.copy_flags(source, descriptor)

    def copy_metadata(self, descriptor: int, source: int) -> None:
        """Give a new file the owner, attributes, mode and times of the one that it replaces, in this order.

        Changing the owner clears bits of the mode, and everything changes the times. Raise OSError if `copy_flags`
        could not give all flags.
        """
        metadata.copy(source, descriptor)

    def narrow(self, descriptor: int, name: str) -> None:
        """Take every right to a new file away that the file of this name does not give, if there is one.

        Its mode may have been changed since, by a pattern that no hidden name matches. Of one that can't be opened
        nobody knows: only the owner's rights stay.
        """
        try:
            other = self.open(name)
        except FileNotFoundError:
            return
        except OSError:
            metadata.narrow(descriptor)
            return
        try:
            metadata.narrow(descriptor, other)
        finally:
            self.close(other)

    def has_metadata_of(self, name: str, source: int) -> bool:
        """Return whether a new file still has the owner, mode, flags and attributes of the one that it replaces."""
        descriptor = self.open(name)
        try:
            return metadata.is_kept(descriptor, source)
        finally:
            self.close(descriptor)

    def attributes(self, descriptor: int) -> dict[str, bytes]:
        """Return the extended attributes of a file, an ACL among them."""
        return metadata.attributes(descriptor)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def fsync_folder(self) -> None:
        """Make all changes of names durable, with one call; `sync_folder` shares it among threads."""
        os.fsync(self.folder)

    def ticket(self) -> int:
        """Return a ticket with which `sync_folder` makes durable the changes of names up to now, and no later ones."""
        return self._folder_sync.ticket()

    def sync_folder(self, ticket: int | None = None) -> None:
        """Return once all of this thread's changes of names are durable; with a ticket, all up to that.

        One call to the disk serves many threads. Once it has failed, it fails for good.
        """
        self._folder_sync.wait(ticket)

    @property
    def sync_failed(self) -> bool:
        """Whether `sync_folder` has failed, and so will always fail."""
        return self._folder_sync.has_failed

    def link(self, name: str, new: str) -> None:
        os.link(name, new, src_dir_fd=self.folder, dst_dir_fd=self.folder, follow_symlinks=False)

    def rename(self, name: str, new: str) -> None:
        """Rename a file; replace `new` if it is there."""
        os.rename(name, new, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def rename_noreplace(self, name: str, new: str) -> None:
        """Rename a file. Raise FileExistsError if `new` exists, OSError EINVAL or ENOSYS if the call is missing."""
        self._renameat2(name, new, renames.NOREPLACE)

    def rename_exchange(self, name: str, other: str) -> None:
        """Exchange two names atomically. Raise OSError EINVAL or ENOSYS if the call is missing."""
        self._renameat2(name, other, renames.EXCHANGE)

    def _renameat2(self, name: str, new: str, flags: int) -> None:
        renames.rename(self.folder, name, new, flags)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self.folder)

    def open_exclusive(self, name: str) -> int:
        """Open a file for writing, with a write lease: nobody else has it open, and any open() waits.

        Return its descriptor. Raise OSError if there is no such lease.
        """
        if self.weak:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        descriptor = os.open(name, READ | os.O_RDWR, dir_fd=self.folder)
        try:
            if not leases.take(descriptor, fcntl.F_WRLCK):
                raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        except BaseException:
            self.close(descriptor)
            raise
        return descriptor

    def truncate(self, descriptor: int) -> None:
        """Empty what `open_exclusive` has opened. Raise BlockingIOError if somebody waits for it or has opened it."""
        if not leases.is_held(descriptor, fcntl.F_WRLCK):
            raise BlockingIOError(errno.EAGAIN, "somebody opened it meanwhile")
        os.ftruncate(descriptor, 0)
