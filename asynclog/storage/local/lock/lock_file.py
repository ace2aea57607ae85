"""The lock file of a log: the flock on it, the record in it, and messages that say why it can't be used."""

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress

from asynclog.errors import ConfigurationError
from asynclog.storage.local.lock.lock_directory import LockDirectory
from asynclog.storage.local.lock.record import LARGEST, SILENCE, Holder, is_of_a_lock
from asynclog.storage.local.open_folder import refuse_fixed

FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class LockFile:
    """The lock file with this path in a log's directory, open until `close`; its folder is only used in messages.

    `record` is what we last wrote to it, empty if nothing.
    """

    def __init__(self, directory: LockDirectory, path: str) -> None:
        """Open the file, and create it if there is none. Raise OSError."""
        self._directory = directory
        self._path = path
        self._name = os.path.basename(path)
        self._descriptor = directory.open_lock(self._name)
        self._written = _uptime()
        self.record = b""

    def close(self) -> None:
        self._directory.close(self._descriptor)

    @property
    def device(self) -> int:
        """The file's device if the flock on it is complete, else 0."""
        return 0 if self._directory.weak else os.fstat(self._descriptor).st_dev

    def make_ours(self) -> None:
        """Give it to the folder's owner. Raise ConfigurationError unless it is a lock file, and nobody else's.

        If it holds a record, a second name may be a backup's. Any other file with the lock file's name may be of value,
        or secret from the folder's owner.
        """
        status = os.fstat(self._descriptor)
        foreign = status.st_size and not self.holder()
        if not stat.S_ISREG(status.st_mode) or (status.st_nlink != 1 and foreign):
            raise ConfigurationError(
                f"{self._path}: this is the lock file's name, but not a regular file with just one name: remove it"
            )
        if status.st_uid not in {os.geteuid(), 0, os.fstat(self._directory.folder).st_uid}:
            raise ConfigurationError(
                f"{self._path}: the lock file belongs to user {status.st_uid}, neither to you, nor to root, nor to the "
                "folder's owner: if no job of that user is at work, remove it"
            )
        if foreign and (status.st_size > LARGEST or not is_of_a_lock(os.pread(self._descriptor, LARGEST, 0))):
            raise ConfigurationError(
                f"{self._path}: this is the lock file's name, but it holds something other than a lock record: "
                "nothing was touched. Whoever needs that file: move it away; else remove it"
            )
        self._directory.chown_to_folder_owner(self._descriptor)

    def lock(self) -> bool:
        """Take the flock on it, and return whether that succeeded: see `take_flock`."""
        return take_flock(self._directory, self._descriptor)

    def holder(self) -> Holder | None:
        """Return who holds the lock according to the record in the file."""
        return Holder.decoded(os.pread(self._descriptor, LARGEST, 0))

    def write(self, me: Holder) -> None:
        """Put a record in it. Raise OSError, but not on a full disk if the flock is complete.

        Then that lock has to suffice, because the job will make room.
        """
        try:
            self.record = me.encoded()
            self._directory.overwrite(self._descriptor, self.record)
        except OSError as error:
            self.record = b""
            self.clear()
            if error.errno not in FULL or self._directory.weak:
                raise
        self._written = _uptime()

    def renew(self) -> None:
        """Write the record once more. Raise OSError."""
        self._directory.overwrite(self._descriptor, self.record)
        self._written = _uptime()

    def clear(self) -> None:
        """Empty the file, so that nobody holds the lock, if the disk allows it."""
        with suppress(OSError):
            self._directory.overwrite(self._descriptor, b"")

    def silent_for(self) -> float:
        """Return the seconds since the last renewal, by the file system's own clock, which a change of status reads."""
        try:
            renewed = os.fstat(self._descriptor).st_mtime_ns
            self._directory.touch_status(self._descriptor)
            silent = (os.fstat(self._descriptor).st_ctime_ns - renewed) / 1e9
            if silent < -SILENCE:  # that clock was set back: start counting again
                self._directory.touch(self._descriptor)
            return silent
        except OSError:
            return 0

    def is_named(self) -> bool:
        """Return whether the file still has its name."""
        with suppress(FileNotFoundError):
            return self._directory.status(self._name).st_ino == os.fstat(self._descriptor).st_ino
        return False

    def stands(self) -> bool:
        """Return whether the file with the lock's name is still this one, and has our record."""
        try:
            descriptor = self._directory.open(self._name)
        except FileNotFoundError:
            return False
        except OSError:
            return self._is_fresh()
        try:
            mine = os.fstat(descriptor).st_ino == os.fstat(self._descriptor).st_ino
            return mine and os.pread(descriptor, LARGEST, 0) == self.record
        except OSError:
            return self._is_fresh()
        finally:
            self._directory.close(descriptor)

    def _is_fresh(self) -> bool:
        """Return whether nobody can consider its holder silent yet, with a minute to spare."""
        return _uptime() - self._written < SILENCE - 60


def take_flock(directory: LockDirectory, descriptor: int) -> bool:
    """Lock a file or folder. Return False if another job has locked it. Raise OSError.

    If the mount may have no such locks, return True all the same: the record alone has to suffice.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        if not directory.weak:
            raise
    return True


def unusable(directory: LockDirectory, path: str, error: OSError) -> ConfigurationError:
    """Return the error that says why the lock file with this path can't be used, and what to do about it."""
    if error.errno == errno.ELOOP:
        return ConfigurationError(f"{path}: this is the lock file's name, but it is a symbolic link: remove it")
    if error.errno in _READ_ONLY:
        refuse_fixed(os.path.dirname(path), directory.folder)
    return ConfigurationError(f"{path}: the lock file can't be used: {error.strerror}{_hint(directory, path, error)}")


def _hint(directory: LockDirectory, path: str, error: OSError) -> str:
    if error.errno not in _READ_ONLY:
        return ""
    with suppress(OSError):
        owner = directory.status(os.path.basename(path)).st_uid
        if owner != os.geteuid():
            from asynclog.storage.local.access.user import user_of  # noqa: PLC0415 - only for a message

            return f": it belongs to {user_of(owner)}: if no job of that user is at work, remove it"
    return f": {_whose(directory)}: a cleanup has to write to the log's folder, a dry run does not"


def _whose(directory: LockDirectory) -> str:
    from asynclog.storage.local.access.user import user_of  # noqa: PLC0415 - only for a message

    status = os.fstat(directory.folder)
    owner, mode = user_of(status.st_uid), stat.S_IMODE(status.st_mode)
    return f"we are {user_of(os.geteuid())}, and the folder is of {owner} (mode {mode:o})"


def _uptime() -> float:
    """Return the seconds since the boot, including those that the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
