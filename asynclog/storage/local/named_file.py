"""Files that a person names: each is written whole, over nothing or over a file of its own kind, or stays as it was.

A name can be mistyped: a device, a FIFO, a link, a folder, a policy, a segment is never replaced. The folder is opened
once, and what is replaced is looked at both before and after it has been taken away: whoever puts something else there
in between gets it back.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping

from asynclog.storage.local.directory import LogDirectory

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_HEAD = 1 << 16  # bytes that tell the kind of a file
_LARGEST = 32 << 20  # bytes of a file that is read: the metrics of an ordinary log have some hundred KiB
_NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS}

# Whether a file of this name that begins with these bytes is of the kind that may be replaced.
Kind = Callable[[str, bytes], bool]


class OccupiedError(Exception):
    """Something else is there, and stays; `str()` says what."""


class NamedFile:
    """The file at a path that a person has named, in a folder that is open until `close`. Methods raise OSError."""

    def __init__(self, path: str, kind: Kind, directory: Callable[[int], LogDirectory] = LogDirectory) -> None:
        folder, name = os.path.split(path)
        self._name = name or "."  # which is a folder
        self._kind = kind
        self._folder = os.open(folder or ".", _FOLDER)
        self._disk = directory(self._folder)

    def close(self) -> None:
        self._disk.close(self._folder)

    def is_inside(self, folder: str) -> bool:
        """Return whether it lies in this folder, or in one below it, by whatever name."""
        try:
            around = os.stat(folder)
        except OSError:
            return False
        with contextlib.ExitStack() as resources:
            place = self._folder
            while not os.path.samestat(os.fstat(place), around):
                above = os.open("..", _FOLDER, dir_fd=place)
                resources.callback(os.close, above)
                if os.path.samestat(os.fstat(above), os.fstat(place)):
                    return False
                place = above
            return True

    def is_in(self, folder: str) -> bool:
        """Return whether it lies in this very folder."""
        try:
            return os.path.samestat(os.fstat(self._folder), os.stat(folder or "."))
        except OSError:
            return False

    def check(self) -> None:
        """Raise OccupiedError if something of another kind is there."""
        self._is_there(self._name)

    def read(self) -> bytes:
        """Return what is there, empty if there is nothing. Raises OccupiedError if that is of another kind.

        Also empty if it is larger than any file of ours: others may have made it, of any size.
        """
        if not self._is_there(self._name):
            return b""
        with open(self._disk.open(self._name), "rb") as file:
            content = file.read(_LARGEST + 1)
        return content if len(content) <= _LARGEST else b""

    def write(self, content: bytes) -> None:
        """Put a file with this content there, mode 0644: readers see the old or the new one. Raises OccupiedError."""
        with _written(self._disk, content) as temporary:
            if self._is_there(self._name):
                self._replace(temporary)
            else:
                self._place(temporary)

    def _is_there(self, name: str) -> bool:
        try:
            status = self._disk.status(name)
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(status.st_mode):
            raise OccupiedError(_what(status.st_mode))
        with open(self._disk.open(name), "rb") as file:
            if not os.path.samestat(os.fstat(file.fileno()), status):
                raise OccupiedError("a file that was made in this moment")
            head = file.read(_HEAD)
        if not self._kind(self._name, head):
            raise OccupiedError("another file" if head else "an empty file")
        return True

    def _place(self, temporary: str) -> None:
        try:
            _place_new(self._disk, temporary, self._name)
        except FileExistsError:
            raise OccupiedError("a file that was made in this moment") from None

    def _replace(self, temporary: str) -> None:
        try:
            self._disk.rename_exchange(temporary, self._name)
        except OSError as error:
            if error.errno not in _NO_SUCH_CALL:
                raise
            self._disk.rename(temporary, self._name)
            return
        try:
            self._is_there(temporary)  # now what was there
        except BaseException:
            self._disk.rename_exchange(temporary, self._name)
            raise
        self._disk.unlink(temporary)


def write_new(contents: Mapping[str, bytes]) -> None:
    """Write files of these names into the working folder, mode 0644, all or none. Raises OSError.

    FileExistsError, with the name in `filename2`, if there is something of that name.
    """
    with contextlib.ExitStack() as resources, contextlib.ExitStack() as undo:
        folder = os.open(".", _FOLDER)
        resources.callback(os.close, folder)
        disk = LogDirectory(folder)
        for name, content in contents.items():
            temporary = resources.enter_context(_written(disk, content))
            inode = disk.status(temporary).st_ino
            _place_new(disk, temporary, name)
            undo.callback(_take_back, disk, name, inode)
        undo.pop_all()


def _place_new(disk: LogDirectory, temporary: str, name: str) -> None:
    """Give a file this name. Raises FileExistsError if something has it."""
    try:
        disk.rename_noreplace(temporary, name)
    except FileExistsError as error:
        raise FileExistsError(error.errno, error.strerror, temporary, None, name) from None
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise
        disk.link(temporary, name)


def _take_back(disk: LogDirectory, name: str, inode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if disk.status(name).st_ino == inode:
            disk.unlink(name)


@contextlib.contextmanager
def _written(disk: LogDirectory, content: bytes) -> Iterator[str]:
    """Yield the name of a new file with this content, synced, beside the one that it is meant for, and remove it."""
    temporary = f".asynclog-{os.urandom(8).hex()}.tmp"
    descriptor = disk.create(temporary)
    inode = os.fstat(descriptor).st_ino
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, 0o644)
            disk.sync(descriptor)
        yield temporary
    finally:
        _take_back(disk, temporary, inode)


def _what(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
