"""Files that the user names: write each atomically, as a new file or over one of the same kind, or leave it unchanged.

A name can be mistyped: never replace a device, a FIFO, a link, a folder, a policy or a segment. The folder is opened
once, and the file to be replaced is checked both before and after it was moved away: if something else was put there
in between, it is put back.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping

from asynclog.storage.local.directory import LogDirectory

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_HEAD = 1 << 16  # bytes that identify the kind of a file
_LARGEST = 32 << 20  # bytes of a file to read: an ordinary log's metrics are a few hundred KiB
_NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS}

# Whether a file of this name that begins with these bytes is of the kind that may be replaced.
Kind = Callable[[str, bytes], bool]


class OccupiedError(Exception):
    """Something else has the name, and stays; `str()` says what."""


class NamedFile:
    """The file at a path that the user named, in a folder that stays open until `close`. Methods raise OSError."""

    def __init__(self, path: str, kind: Kind, directory: Callable[[int], LogDirectory] = LogDirectory) -> None:
        folder, name = os.path.split(path)
        self._name = name or "."  # a folder
        self._kind = kind
        self._folder = os.open(folder or ".", _FOLDER)
        self._disk = directory(self._folder)

    def close(self) -> None:
        self._disk.close(self._folder)

    def is_inside(self, folder: str) -> bool:
        """Return whether it lies in this folder or below, by whatever path."""
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
        """Return whether it lies directly in this folder."""
        try:
            return os.path.samestat(os.fstat(self._folder), os.stat(folder or "."))
        except OSError:
            return False

    def check(self) -> None:
        """Raise OccupiedError if something of another kind is there."""
        self._is_there(self._name)

    def read(self) -> bytes:
        """Return the file's content, empty if there is none. Raise OccupiedError if it is of another kind.

        Also empty if it is larger than any file of ours: others may have made it, of any size.
        """
        if not self._is_there(self._name):
            return b""
        with open(self._disk.open(self._name), "rb") as file:
            content = file.read(_LARGEST + 1)
        return content if len(content) <= _LARGEST else b""

    def write(self, content: bytes) -> None:
        """Write the file atomically, mode 0644: readers see the old or the new one. Raise OccupiedError."""
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
                raise OccupiedError("a file that was made just now")
            head = file.read(_HEAD)
        if not self._kind(self._name, head):
            raise OccupiedError("another file" if head else "an empty file")
        return True

    def _place(self, temporary: str) -> None:
        try:
            _place_new(self._disk, temporary, self._name)
        except FileExistsError:
            raise OccupiedError("a file that was made just now") from None

    def _replace(self, temporary: str) -> None:
        try:
            self._disk.rename_exchange(temporary, self._name)
        except OSError as error:
            if error.errno not in _NO_SUCH_CALL:
                raise
            self._disk.rename(temporary, self._name)
            return
        try:
            self._is_there(temporary)  # now the old file's name
        except BaseException:
            self._disk.rename_exchange(temporary, self._name)
            raise
        self._disk.unlink(temporary)


def write_new(contents: Mapping[str, bytes]) -> None:
    """Write files with these names into the working folder, mode 0644, all or none. Raise OSError.

    Raise FileExistsError, with the name in `filename2`, if a name is taken.
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
    """Give a file this name. Raise FileExistsError if it is taken."""
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
    """Yield the name of a synced temporary file with this content, and remove it afterwards."""
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
