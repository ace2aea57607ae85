"""One job at a time on a log: a lock file in its folder, which whoever may only list the folder can't open.

Two things hold it. The kernel's lock on the file ends with its process, and excludes all who come through the same
mount. The record in it (see `holder`) excludes those who come through another one, from another host or from a mount
without such locks. Between two that write their records at one moment the later one wins: each reads again,
whoever comes through a mount that can't be trusted only a second later, when the other has looked already.
"""

import errno
import fcntl
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from asynclog.errors import ConfigurationError, LockedError
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.folder import refuse_fixed
from asynclog.storage.local.lock.record import SILENCE, Holder, keeps_out, lives
from asynclog.storage.local.timing import TIMING

_PAUSE = 0.1  # seconds between two tries
_SETTLES = 1.0  # seconds after which a record that is still there is the only one, on a mount that can't be trusted
_RENEWAL = 10.0  # seconds between two renewals
_LARGEST = 4096  # bytes of a record
_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class Lock:
    """The lock of one job, made by `held_lock`. `path` is the lock file's; all but its name is for people.

    `check` is the time (seconds) after which the holder looks whether it still is that: less than `_SETTLES`.
    """

    def __init__(self, disk: LogDirectory, path: str, *, breaks: bool, check: float) -> None:
        self._disk = disk
        self._name = os.path.basename(path)
        self._path = path
        self._breaks = breaks
        self._check = check
        self._descriptor = self._folder = -1
        self._record = b""  # as it stands in the file
        self._renewed = _uptime()
        self._lost = False
        self._released = threading.Event()
        self._renewals = threading.Thread(target=self._renew_on, name="lock", daemon=True)

    def is_lost(self) -> bool:
        """Whether somebody else has taken or removed it: then nothing more may be changed. Looks anew each time."""
        self._lost = self._lost or not self._stands()
        return self._lost

    def take(self, wait: float) -> None:
        """Wait for `wait` seconds at the most. Raise LockedError, or ConfigurationError where there can't be one."""
        end = time.monotonic() + wait
        while obstacle := self._try():
            if time.monotonic() >= end:
                raise LockedError(
                    f"{self._path}: another job is at work on this log ({obstacle}): nothing was touched. Try again "
                    "later, wait for it with --lock-wait 1h, or, if it is certain that it is dead, say --break-lock"
                )
            time.sleep(min(_PAUSE, max(0, end - time.monotonic())))
        self._renewals.start()

    def release(self) -> None:
        """Never an error: a record of a process that is gone keeps nobody out."""
        self._released.set()
        if self._renewals.ident is not None:
            self._renewals.join()
        if self._record and self._stands():
            with suppress(OSError):
                self._disk.overwrite(self._descriptor, b"")
        self._let_go()

    def _try(self) -> str:
        """Take it; else say who has it."""
        try:
            descriptor = self._disk.open_lock(self._name)
        except OSError as error:
            if error.errno not in _FULL or self._disk.weak:
                raise self._unusable(error) from None
            return self._take_folder()
        try:
            obstacle = self._take_file(descriptor)
        except OSError as error:
            raise self._unusable(error) from None
        if obstacle or not self._disk.weak:
            return obstacle
        try:
            time.sleep(_SETTLES)
        except BaseException:  # a signal ends the wait
            self.release()
            raise
        if self._stands():
            return ""
        self._let_go()
        return "another one took it at the same moment"

    def _take_file(self, descriptor: int) -> str:
        """Take it by its descriptor, and return an empty string; else say why not. The caller closes it then."""
        try:
            self._must_be_ours(descriptor)
            self._disk.chown_to_folder_owner(descriptor)
            me = Holder.myself(0 if self._disk.weak else os.fstat(descriptor).st_dev)
            obstacle = self._obstacle(descriptor, me)
            if not obstacle:
                self._write(descriptor, me)
                self._descriptor = descriptor
            return obstacle
        finally:
            if self._descriptor != descriptor:
                self._disk.close(descriptor)

    def _obstacle(self, descriptor: int, me: Holder) -> str:
        """Who has the lock; empty where it is ours once the record says so."""
        has_it = self._kernel_lock(descriptor)
        holder = Holder.decoded(os.pread(descriptor, _LARGEST, 0))
        if has_it and not (holder and keeps_out(holder, me, lambda: self._silent_for(descriptor))):
            return "" if self._is_named(descriptor) else "the lock file was removed this very moment"
        if self._breaks:
            self._must_be_breakable(holder, me, has_it=has_it)
            return ""
        return str(holder or "it has not said yet who it is")

    def _must_be_breakable(self, holder: Holder | None, me: Holder, *, has_it: bool) -> None:
        if holder and lives(holder, me):
            raise LockedError(
                f"{self._path}: the job that holds this lock lives ({holder}): nothing was touched. --break-lock is "
                f"for one that is dead; to end this one: kill {holder.pid}"
            )
        if not has_it and not self._disk.weak:
            raise LockedError(
                f"{self._path}: a living process of this machine holds this lock: nothing was touched. --break-lock is "
                f"for one that is dead; who it is: fuser {self._path}"
            )

    def _write(self, descriptor: int, me: Holder) -> None:
        record = me.encoded()
        try:
            self._record = record
            self._disk.overwrite(descriptor, record)
        except OSError as error:
            self._record = b""
            with suppress(OSError):
                self._disk.overwrite(descriptor, b"")
            # On a full disk the kernel's lock has to do, where it is complete: the job is what makes room.
            if error.errno not in _FULL or self._disk.weak:
                raise
        self._renewed = _uptime()

    def _take_folder(self) -> str:
        """On a disk so full that there can't even be an empty file: until there is one, the folder itself is locked."""
        try:
            self._folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._disk.folder)
            if self._kernel_lock(self._folder):
                return ""
        except OSError as error:
            self._let_go()
            raise self._unusable(error) from None
        self._let_go()
        return "it can't say who it is: the disk is full"

    def _kernel_lock(self, descriptor: int) -> bool:
        """Return False where another job has it; where there are no such locks, the record alone has to do."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            if not self._disk.weak:
                raise
        return True

    def _must_be_ours(self, descriptor: int) -> None:
        """Raise ConfigurationError unless it is a lock file. A second name may be a backup's, if it holds a record."""
        status = os.fstat(descriptor)
        foreign = status.st_size and not Holder.decoded(os.pread(descriptor, _LARGEST, 0))
        if not stat.S_ISREG(status.st_mode) or (status.st_nlink != 1 and foreign):
            raise ConfigurationError(
                f"{self._path}: this is the lock file's name, but no regular file with just one name: remove it"
            )
        if status.st_uid not in {os.geteuid(), 0, os.fstat(self._disk.folder).st_uid}:
            raise ConfigurationError(
                f"{self._path}: the lock file belongs to user {status.st_uid}, neither to you, nor to root, nor to the "
                "folder's owner: if no job of that user is at work, remove it"
            )

    def _silent_for(self, descriptor: int) -> float:
        """Seconds since the last renewal, by the file system's own clock, which tells the time of any change."""
        try:
            renewed = os.fstat(descriptor).st_mtime_ns
            self._disk.touch_status(descriptor)
            silent = (os.fstat(descriptor).st_ctime_ns - renewed) / 1e9
            if silent < -SILENCE:  # that clock has been put back since: from now on it counts anew
                self._disk.touch(descriptor)
            return silent
        except OSError:
            return 0

    def _stands(self) -> bool:
        """Whether the file of that name is still the one that was locked, and has our record."""
        if self._descriptor < 0:
            return True
        try:
            descriptor = self._disk.open(self._name)
        except FileNotFoundError:
            return False
        except OSError:
            return self._is_fresh()
        try:
            mine = os.fstat(descriptor).st_ino == os.fstat(self._descriptor).st_ino
            return mine and os.pread(descriptor, _LARGEST, 0) == self._record
        except OSError:
            return self._is_fresh()
        finally:
            self._disk.close(descriptor)

    def _is_fresh(self) -> bool:
        """Whether nobody can take it for silent yet, a minute to spare."""
        return _uptime() - self._renewed < SILENCE - 60

    def _is_named(self, descriptor: int) -> bool:
        with suppress(FileNotFoundError):
            return self._disk.status(self._name).st_ino == os.fstat(descriptor).st_ino
        return False

    def _renew_on(self) -> None:
        self._released.wait(self._check)
        while not self._released.is_set() and not self.is_lost():
            with suppress(OSError):
                self._renew()
            self._released.wait(_RENEWAL if self._record else self._check)

    def _renew(self) -> None:
        if self._descriptor < 0:
            self._lost = bool(self._take_file(self._disk.open_lock(self._name)))
        elif self._record:
            self._disk.overwrite(self._descriptor, self._record)
            self._renewed = _uptime()
        else:
            self._write(self._descriptor, Holder.myself(os.fstat(self._descriptor).st_dev))

    def _unusable(self, error: OSError) -> ConfigurationError:
        if error.errno == errno.ELOOP:
            return ConfigurationError(
                f"{self._path}: this is the lock file's name, but it is a symbolic link: remove it"
            )
        if error.errno in _READ_ONLY:
            refuse_fixed(os.path.dirname(self._path), self._disk.folder)
        return ConfigurationError(f"{self._path}: the lock file can't be used: {error.strerror}{self._hint(error)}")

    def _hint(self, error: OSError) -> str:
        if error.errno not in _READ_ONLY:
            return ""
        with suppress(OSError):
            owner = self._disk.status(self._name).st_uid
            if owner != os.geteuid():
                return f": it belongs to user {owner}: if no job of that user is at work, remove it"
        return ": a cleanup has to write to the log's folder, a dry run does not"

    def _let_go(self) -> None:
        for descriptor in (self._descriptor, self._folder):
            if descriptor >= 0:
                self._disk.close(descriptor)
        self._descriptor = self._folder = -1


@contextmanager
def held_lock(
    disk: LogDirectory, path: str, *, wait: float, breaks: bool, check: float = TIMING.lock_check
) -> Iterator[Lock]:
    """Hold the lock with this path, for `with`; `breaks` takes it from a holder that may only be silent.

    Raise LockedError where another job has it, ConfigurationError where it can't be had.
    """
    lock = Lock(disk, path, breaks=breaks, check=check)
    lock.take(wait)
    try:
        yield lock
    finally:
        lock.release()


def _uptime() -> float:
    """Seconds, those that the machine was suspended included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
