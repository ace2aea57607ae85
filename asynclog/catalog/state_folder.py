"""Find the catalog of a log: one file in the state folder, which is ours alone, as is the history beside it."""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable

from asynclog.storage.local.access.trusted_open import must_be_trusted, open_folder, path_of

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_SUFFIXES = ("", "-wal", "-shm", "-journal")  # of a database, and of what SQLite has beside it


class Place:
    """The state folder, opened once, and the name of the catalog's file in it. Every method raises OSError.

    SQLite resolves the links of each path that it is given, those of /proc too, and opens the result: it takes no
    descriptor. So nobody but us and root may be able to replace any part of the folder's path (`open_folder` sees
    to that), and what SQLite has opened is compared with what is in the folder.
    """

    def __init__(self, state: str, folder: str, base: str) -> None:
        """Open the catalog of the log with this base name in that folder. The state folder is made if there is none."""
        self.name = f"{log_name(folder, base)}.sqlite"
        self._names = [self.name + suffix for suffix in _SUFFIXES]
        self._folder = open_folder(state)
        try:
            must_be_ours(self._folder, stat.S_ISDIR)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._folder)

    def prepare(self) -> str:
        """Return the path for SQLite: of a file that is there now, and is ours alone."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.name, _CREATE, 0o600, dir_fd=self._folder))
        for name in self._names:
            with contextlib.suppress(FileNotFoundError):
                self._check(name)
        return self._path()

    def confirm(self) -> None:
        """Make sure that what SQLite has opened by its path is what is in the folder."""
        meant = os.stat(self.name, dir_fd=self._folder, follow_symlinks=False)
        if not os.path.samestat(meant, os.stat(self._path(), follow_symlinks=False)):
            raise OSError(errno.ESTALE, "the state folder was replaced while it was opened")

    def remove(self) -> None:
        """Remove the file, and what SQLite has beside it."""
        for name in self._names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)

    def _path(self) -> str:
        return os.path.join(path_of(self._folder), self.name)

    def _check(self, name: str) -> None:
        # A descriptor of this kind can be closed while SQLite holds locks; any other one would end them.
        descriptor = os.open(name, _LOOK, dir_fd=self._folder)
        try:
            must_be_ours(descriptor, stat.S_ISREG)
        finally:
            os.close(descriptor)


def log_name(folder: str, base: str) -> str:
    """Return the beginning of the names of a log's files: of its stem, and its path with links resolved."""
    digest = hashlib.blake2b(os.fsencode(os.path.join(os.path.realpath(folder), base)), digest_size=8).hexdigest()
    return f"{os.path.splitext(base)[0]}-{digest}"


def must_be_ours(descriptor: int, is_kind: Callable[[int], bool]) -> None:
    """Raise PermissionError where others may write: they could make us believe what stands there."""
    status = os.fstat(descriptor)
    if not is_kind(status.st_mode):
        raise PermissionError(errno.EPERM, "there is something other than a file")
    if is_kind is stat.S_ISREG and status.st_nlink > 1:
        raise PermissionError(errno.EPERM, "the file has another name, too")
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(errno.EPERM, "it belongs to another user, or others may write to it")
    must_be_trusted(descriptor, "it")
