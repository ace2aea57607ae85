"""A disk that notes what is done to it, so that one can say what a power cut would have left."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence

import msgspec
from packing import packed

from asynclog.executors.rate_limit import RateLimiter
from asynclog.storage.local.directory import LogDirectory
from faults.watched import Notebook

BUILT = re.compile(r"(?<=\.al-new-)(.+)(?=-[0-9]+$)")  # the inode in the hidden name of a replacement
FOLDER = "the folder"  # stands for the folder itself, where a file has its inode or `new N`


class Looks(msgspec.Struct, frozen=True):
    """The metadata of a file; `modified` is in nanoseconds."""

    owner: int
    group: int
    mode: int
    modified: int
    attributes: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, descriptor: int) -> Looks:
        """Those of an open file."""
        status = os.fstat(descriptor)
        attributes = tuple((name, os.getxattr(descriptor, name)) for name in sorted(os.listxattr(descriptor)))
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime_ns, attributes)

    def put_on(self, descriptor: int) -> None:
        """Give an open file this metadata."""
        os.fchown(descriptor, self.owner, self.group)
        for name, value in self.attributes:
            os.setxattr(descriptor, name, value)
        os.fchmod(descriptor, self.mode)
        os.utime(descriptor, ns=(self.modified, self.modified))


class Named(msgspec.Struct, frozen=True, tag=True):
    """In one stroke these names came to mean other files, or none.

    A replacement's hidden name has the file, as we call it, where it really has the inode: that is another elsewhere.
    """

    entries: dict[str, str | None]

    @property
    def file(self) -> str:
        """Return what has to be synced for it to last."""
        return FOLDER


class Written(msgspec.Struct, frozen=True, tag=True):
    """These bytes were appended to a file."""

    file: str
    data: bytes


class Emptied(msgspec.Struct, frozen=True, tag=True):
    """All bytes were taken out of a file."""

    file: str


class Dressed(msgspec.Struct, frozen=True, tag=True):
    """A file was given its looks."""

    file: str
    looks: Looks


class Synced(msgspec.Struct, frozen=True, tag=True):
    """A file, or the folder, was synced; when that began, the first `before` operations had been done."""

    file: str
    before: int


class Appended(msgspec.Struct, frozen=True, tag=True):
    """A writer appended these bytes to a file, and synced it."""

    file: str
    data: bytes


Operation = Named | Written | Emptied | Dressed | Synced | Appended
_decode = msgspec.json.Decoder(Operation).decode


class Recorder(LogDirectory):
    """Notes every operation that changes the folder, once it is done, and each sync that Linux is asked for.

    When a lease ends, a writer who was kept waiting by it comes to the replaced file, and appends the next of `tails`.
    """

    notebook: Notebook
    tails: Iterator[bytes]

    def __init__(
        self, folder: int, weak: str = "", rate_limit: RateLimiter | None = None, *, times_tell: bool = True
    ) -> None:
        super().__init__(folder, weak, rate_limit, times_tell=times_tell)
        self._files = {name: str(self.status(name).st_ino) for name in self.names()}
        self._open = {folder: FOLDER}
        self._inodes: dict[str, str] = {}
        self._noted = self._made = 0
        self._noting = threading.Lock()
        self._real_sync = os.fsync
        setattr(os, "fsync", self._sync_and_note)  # noqa: B010 - in this child, which does nothing else

    @staticmethod
    def read(notebook: Notebook) -> list[Operation]:
        """Return what was noted."""
        return [_decode(line) for line in notebook.lines()]

    def open(self, name: str) -> int:
        descriptor = super().open(name)
        self._open[descriptor] = self._files.get(name, name)  # the lock file is not recorded: it may hold anything
        return descriptor

    def create(self, name: str) -> int:
        descriptor = super().create(name)
        with self._noting:
            self._made += 1
            self._open[descriptor] = f"new {self._made}"
            self._inodes[str(os.fstat(descriptor).st_ino)] = self._open[descriptor]
        self._name({name: self._open[descriptor]})
        return descriptor

    def write(self, descriptor: int, parts: Sequence[memoryview]) -> int:
        written = super().write(descriptor, parts)
        self._note(Written(self._open[descriptor], b"".join(parts)[:written]))
        return written

    def copy_metadata(self, descriptor: int, source: int) -> None:
        super().copy_metadata(descriptor, source)
        self._note(Dressed(self._open[descriptor], Looks.of(descriptor)))

    def link(self, name: str, new: str) -> None:
        super().link(name, new)
        self._name({new: self._files[name]})

    def rename(self, name: str, new: str) -> None:
        super().rename(name, new)
        self._name({new: self._files[name], name: None})

    def rename_noreplace(self, name: str, new: str) -> None:
        super().rename_noreplace(name, new)
        self._name({new: self._files[name], name: None})

    def rename_exchange(self, name: str, other: str) -> None:
        super().rename_exchange(name, other)
        self._name({name: self._files[other], other: self._files[name]})

    def unlink(self, name: str) -> None:
        super().unlink(name)
        self._name({name: None})

    def open_exclusive(self, name: str) -> int:
        descriptor = super().open_exclusive(name)
        self._open[descriptor] = self._files[name]
        return descriptor

    def truncate(self, descriptor: int) -> None:
        super().truncate(descriptor)
        self._note(Emptied(self._open[descriptor]))

    def release(self, descriptor: int) -> bool:
        released = super().release(descriptor)
        inode = self._open.get(descriptor, "")
        segment = next((name for name, its in self._files.items() if its == inode), "").partition(".al-")[0]
        for tail in [packed(segment, next(self.tails, b""))] if released else []:
            with open(f"/proc/self/fd/{descriptor}", "ab", buffering=0) as file:
                file.write(tail)
            self._note(Appended(self._open[descriptor], tail))
        return released

    def _sync_and_note(self, descriptor: int) -> None:
        before = self._noted
        time.sleep(0.001)  # as a disk would take its time: so that others come meanwhile
        self._real_sync(descriptor)
        self._note(Synced(self._open[descriptor], before))

    def _name(self, entries: dict[str, str | None]) -> None:
        for name, file in entries.items():
            if file is None:
                del self._files[name]
            else:
                self._files[name] = file
        self._note(Named({self._portable(name): file for name, file in entries.items()}))

    def _portable(self, name: str) -> str:
        return BUILT.sub(lambda match: match[0].replace(match[1], self._inodes.get(match[1], match[1])), name)

    def _note(self, operation: Operation) -> None:
        with self._noting:
            self.notebook.note(msgspec.json.encode(operation))
            self._noted += 1
