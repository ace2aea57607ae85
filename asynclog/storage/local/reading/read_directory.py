"""Every call that looks at a log's folder and changes nothing.

All names are in the one folder whose descriptor it holds; no link is followed. Errors are OSErrors.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple, Self

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def _any(name: str) -> bool:
    del name
    return True


class FileId(NamedTuple):
    """The identity of a file among those of its folder.

    An inode number alone does not: an overlay shows files of several file systems, each with numbers of its own. The
    device is None if it is not known: then any fits.
    """

    device: int | None
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        return cls(status.st_dev, status.st_ino)

    def fits(self, status: os.stat_result) -> bool:
        return status.st_ino == self.inode and self.device in {None, status.st_dev}


class ReadDirectory:
    """The folder with this descriptor, to be looked at. Its methods are thread-safe."""

    def __init__(self, folder: int) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return all names in the folder, read through a new descriptor: listings of one share their position."""
        listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.folder)
        try:
            return os.listdir(listing)
        finally:
            self.close(listing)

    def visible_name(self, file: FileId, wanted: Callable[[str], bool] = _any) -> str | None:
        """Return a name under which readers see this file, one of the `wanted`."""
        return next(self.visible_names(file, wanted), None)

    def visible_names(self, file: FileId, wanted: Callable[[str], bool] = _any) -> Iterator[str]:
        """Yield the names under which readers see this file, of the `wanted` ones.

        Look twice, because it may be renamed meanwhile. What may not be examined is another file.
        """
        for name in chain.from_iterable(self.names() for _ in range(2)):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if not name.startswith(".") and wanted(name) and file.fits(self.status(name)):
                    yield name

    def open(self, name: str) -> int:
        """Open a file for reading, and return its descriptor. Don't block on a FIFO."""
        return os.open(name, READ, dir_fd=self.folder)

    def close(self, descriptor: int) -> None:
        """Close a descriptor, ignoring errors: what was written has been synced, and the rest was only read."""
        with contextlib.suppress(OSError):
            os.close(descriptor)

    def status(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.folder, follow_symlinks=False)

    def size_of(self, name: str) -> int:
        """Return the size of a file in bytes; 0 if it has vanished or can't be examined."""
        try:
            return self.status(name).st_size
        except OSError:
            return 0

    def is_file(self, name: str) -> bool:
        """Return whether it is a regular file, or may be one because it has vanished or can't be examined."""
        try:
            return stat.S_ISREG(self.status(name).st_mode)
        except OSError:
            return True

    def is_link(self, name: str) -> bool:
        """Return whether it is a symbolic link, or may be one, as above."""
        try:
            return stat.S_ISLNK(self.status(name).st_mode)
        except OSError:
            return True
