"""One job at a time on a log: a lock file in its folder, which users who may only list the folder can't open.

Two things hold it. The flock(2) on the file ends with its process, and excludes all jobs on the same mount. The
record in it (see `record`) excludes jobs on other mounts: on another host, or on a mount without such locks. If two
jobs write their records at the same time, the later one wins: each reads the record again, on an untrusted mount only
a second later, when the other has already checked.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from asynclog.errors import AsynclogError, LockedError
from asynclog.storage.local.lock.lock_directory import LockDirectory
from asynclog.storage.local.lock.lock_file import FULL, LockFile, take_flock, unusable
from asynclog.storage.local.lock.record import Holder, keeps_out, lives
from asynclog.storage.local.wait_times import TIMING

_PAUSE = 0.1  # seconds between two tries
_WINS_AFTER = 1.0  # seconds after which a record that is still there has won, on an untrusted mount
_RENEWAL = 10.0  # seconds between two renewals


class Lock:
    """The lock of one job, made by `held_lock`. `path` is the lock file's; its folder is only used in messages.

    `check` is the time (seconds) after which the holder checks whether it still holds it: less than `_WINS_AFTER`.
    """

    def __init__(self, directory: LockDirectory, path: str, *, breaks: bool, check: float) -> None:
        self._directory = directory
        self._path = path
        self._breaks = breaks
        self._check = check
        self._file: LockFile | None = None
        self._folder = -1  # its descriptor if the folder itself is locked
        self._lost = False
        self._released = threading.Event()
        self._renewals = threading.Thread(target=self._renew_on, name="lock", daemon=True)

    def is_lost(self) -> bool:
        """Return whether somebody else has taken or removed it: then change nothing more. Check anew each time."""
        self._lost = self._lost or not self._stands()
        return self._lost

    def take(self, wait: float) -> None:
        """Take it, waiting for at most `wait` seconds. Raise LockedError, or ConfigurationError if it is unusable."""
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
        """Release it. Never fail: the record of a dead process keeps nobody out."""
        self._released.set()
        if self._renewals.ident is not None:
            self._renewals.join()
        if self._file and self._file.record and self._file.stands():
            self._file.clear()
        self._close()

    def _try(self) -> str:
        """Take it, and return an empty string; else return who has it."""
        try:
            file = LockFile(self._directory, self._path)
        except OSError as error:
            if error.errno not in FULL or self._directory.weak:
                raise unusable(self._directory, self._path, error) from None
            return self._take_folder()
        try:
            obstacle = self._take_file(file)
        except OSError as error:
            raise unusable(self._directory, self._path, error) from None
        if obstacle or not self._directory.weak:
            return obstacle
        try:
            time.sleep(_WINS_AFTER)
        except BaseException:  # a signal ends the wait
            self.release()
            raise
        if self._stands():
            return ""
        self._close()
        return "another one took it at the same moment"

    def _take_file(self, file: LockFile) -> str:
        """Take it by this file, and return an empty string; else close the file, and return why not."""
        try:
            file.make_ours()
            me = Holder.myself(file.device)
            obstacle = self._obstacle(file, me)
            if not obstacle:
                file.write(me)
                self._file = file
            return obstacle
        finally:
            if self._file is not file:
                file.close()

    def _obstacle(self, file: LockFile, me: Holder) -> str:
        """Return who has the lock; empty if it is free for us to write our record."""
        has_it = file.lock()
        holder = file.holder()
        if has_it and not (holder and keeps_out(holder, me, file.silent_for)):
            return "" if file.is_named() else "the lock file was removed just now"
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
        if not has_it and not self._directory.weak:
            raise LockedError(
                f"{self._path}: a living process of this machine holds this lock: nothing was touched. --break-lock is "
                f"for one that is dead; who it is: fuser {self._path}"
            )

    def _take_folder(self) -> str:
        """Lock the folder itself while the disk is too full even for an empty file; return why not, or ""."""
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._folder = os.open(".", flags, dir_fd=self._directory.folder)
            if take_flock(self._directory, self._folder):
                return ""
        except OSError as error:
            self._close()
            raise unusable(self._directory, self._path, error) from None
        self._close()
        return "it can't say who it is: the disk is full"

    def _stands(self) -> bool:
        """Return whether it is still ours; a lock on the folder always is."""
        return self._file is None or self._file.stands()

    def _renew_on(self) -> None:
        self._released.wait(self._check)
        while not self._released.is_set() and not self.is_lost():
            with suppress(OSError, AsynclogError):
                self._renew()
            self._released.wait(_RENEWAL if self._file and self._file.record else self._check)

    def _renew(self) -> None:
        if self._file is None:
            self._lost = bool(self._take_file(LockFile(self._directory, self._path)))
        elif self._file.record:
            self._file.renew()
        else:
            self._file.write(Holder.myself(self._file.device))

    def _close(self) -> None:
        if self._file:
            self._file.close()
        if self._folder >= 0:
            self._directory.close(self._folder)
        self._file, self._folder = None, -1


@contextmanager
def held_lock(
    directory: LockDirectory, path: str, *, wait: float, breaks: bool, check: float = TIMING.lock_check
) -> Iterator[Lock]:
    """Hold the lock with this path inside the `with`; `breaks` takes it even from a holder that may only be silent.

    Raise LockedError if another job has it, ConfigurationError if it is unusable.
    """
    lock = Lock(directory, path, breaks=breaks, check=check)
    lock.take(wait)
    try:
        yield lock
    finally:
        lock.release()
