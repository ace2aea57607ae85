"""Every call that changes the lock file in a log's folder. It decides nothing and retries nothing; see `LockFile`."""

import contextlib
import os
import stat

from asynclog.storage.local.reading.read_directory import READ, ReadDirectory


class LockDirectory(ReadDirectory):
    """The folder with this descriptor, in which a lock file may be written.

    `weak` says why neither leases nor locks can be trusted in it; empty if they can.
    """

    def __init__(self, folder: int, weak: str = "") -> None:
        super().__init__(folder)
        self.weak = weak

    def open_lock(self, name: str) -> int:
        """Open a file for reading and writing, created with mode 0600 if missing, and return its descriptor."""
        flags = READ | os.O_RDWR
        with contextlib.suppress(FileNotFoundError):
            return os.open(name, flags, dir_fd=self.folder)
        with contextlib.suppress(FileExistsError):
            return os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.folder)
        return os.open(name, flags, dir_fd=self.folder)

    def chown_to_folder_owner(self, descriptor: int) -> None:
        """Give a file to the folder's owner, mode 0600, as far as we may.

        Skip a file with another link, which may be somebody else's: the folder's owner may have linked it here to be
        given it.
        """
        status, folder = os.fstat(descriptor), os.fstat(self.folder)
        if status.st_nlink != 1:
            return
        with contextlib.suppress(OSError):
            if stat.S_IMODE(status.st_mode) != 0o600:
                os.fchmod(descriptor, 0o600)
            if status.st_uid != folder.st_uid:
                os.fchown(descriptor, folder.st_uid, folder.st_gid)

    def overwrite(self, descriptor: int, content: bytes) -> None:
        """Replace a file's content by this small one, in place."""
        written = 0
        while written < len(content):
            written += os.pwrite(descriptor, content[written:], written)
        os.ftruncate(descriptor, len(content))

    def touch(self, descriptor: int) -> None:
        """Set the file's mtime to the file system's present time."""
        os.utime(descriptor)

    def touch_status(self, descriptor: int) -> None:
        """Set the file's ctime to the file system's present time."""
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode))
