"""Decide whether leases can be trusted on a mount: only if every open() of a file goes through this system.

Linux grants leases even on file systems whose files are opened behind its back: by a server's other clients, in the
folder below a FUSE mount, or in the upper folder of an overlay. So only known file systems are trusted. Mounts of other
mount namespaces are not seen. Nor does a lease detect the clients of this system's own NFS server, which opens a file
anew for each write.
"""

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

# On a disk or in memory, with all names, inodes and open files in this system. FAT and exFAT are not among them: they
# have no hard links, and their inode numbers change. An overlay is reliable for those who use it as one.
_WHOLE = {"ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "nilfs2", "reiserfs", "ntfs3"}
_WHOLE |= {"tmpfs", "ramfs", "rootfs", "overlay"}
# Writing through a shared mapping updates no time there; an overlay may be on top of one.
_TIMELESS = {"tmpfs", "ramfs", "rootfs", "overlay"}
_READ_ONLY = {"squashfs", "erofs", "iso9660", "cramfs"}

_ESCAPE = re.compile(rb"\\([0-7]{3})")
_OPTION = re.compile(rb"[^(),]+")
UNKNOWN = (OSError, ValueError, IndexError, StopIteration)  # what a /proc raises that does not tell of mounts
_GIVEN = re.compile(r"\\(.)", re.DOTALL)


class FileSystem(NamedTuple):
    """The kind of file system that a folder is on, and why leases can't be trusted there; empty if they can."""

    kind: str
    weak: str

    @property
    def times_tell(self) -> bool:
        """Whether every change of a file updates one of its times."""
        return self.kind not in _TIMELESS


class Mount(msgspec.Struct, frozen=True):
    """A line of mountinfo: `root` is the path in the file system `device` that is mounted at `point`.

    `may_write` is whether its own options let anybody write through it.
    """

    number: int
    device: str
    root: str
    point: str
    kind: str
    options: tuple[str, ...]
    may_write: bool


class _Place(msgspec.Struct, frozen=True):
    """The place of a folder: its path, the mount that it is on, and the folders that it is in, itself included."""

    path: str
    own: Mount
    mounts: Sequence[Mount]
    parents: Container[tuple[int, int] | None]

    @property
    def in_file_system(self) -> tuple[str, str]:
        """Its device, and its path on that."""
        return in_file_system(self.path, self.own)

    def is_in(self, folder: str) -> bool:
        """Return whether it is this folder or lies in it, whatever mounts lead there."""
        real = os.path.realpath(folder)
        beneath = [mount for mount in self.mounts if _is_in(real, mount.point)]
        mount = max(beneath, key=lambda mount: len(mount.point), default=self.own)
        (device, root), (own_device, own_root) = in_file_system(real, mount), self.in_file_system
        same = device == own_device and _is_in(own_root, root)
        return _is_in(self.path, real) or same or _identity(real) in self.parents


def parents(folder: int) -> Iterator[tuple[int, int]]:
    """Yield device and inode of the folder and of each of its parents, as far as they may be examined."""
    here = os.dup(folder)
    try:
        seen = None
        while (status := os.fstat(here)) and (found := (status.st_dev, status.st_ino)) != seen:
            yield found
            seen, above = found, os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = above
    except OSError:
        pass
    finally:
        os.close(here)


def file_system(
    folder: int, proc: str = "/proc", parents: Callable[[int], Iterable[tuple[int, int]]] = parents
) -> FileSystem:
    """Return the file system of the folder with this descriptor, according to `proc` and the folder's parents."""
    try:
        path, own, mounts = located(folder, proc)
    except UNKNOWN:
        return FileSystem("unknown", f"{proc} does not tell what file system it is on")
    if own.kind not in _WHOLE | _READ_ONLY:
        return FileSystem(own.kind, f"it is on {own.kind}, where others may write past this machine's leases")
    place = _Place(path, own, mounts, set(parents(folder)))
    upper = _upper_folder(place)
    if upper:
        return FileSystem(own.kind, f"an overlay has {upper} as its upper folder, and writers there ignore leases")
    return FileSystem(own.kind, _exported(place, os.path.join(proc, "fs/nfsd/exports")))


def located(folder: int, proc: str) -> tuple[str, Mount, Sequence[Mount]]:
    """Return the path of the folder with this descriptor, the mount that it is on, and all mounts. Raise `UNKNOWN`."""
    info = _content(proc, "self/fdinfo", str(folder)).decode()
    number = int(next(line.split()[1] for line in info.splitlines() if line.startswith("mnt_id:")))
    mounts = [parse_mount(line) for line in _content(proc, "self/mountinfo").splitlines()]
    own = next(mount for mount in mounts if mount.number == number)
    return os.readlink(os.path.join(proc, "self/fd", str(folder))), own, mounts


def _content(*path: str) -> bytes:
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def parse_mount(line: bytes) -> Mount:
    """Parse `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: see mountinfo(5)."""
    words = line.split(b" ")
    dash = words.index(b"-", 6)
    options = tuple(map(_unescaped, words[dash + 3].split(b",")))
    root, point, kind = map(_unescaped, (words[3], words[4], words[dash + 1]))
    return Mount(int(words[0]), words[2].decode(), root, point, kind, options, b"rw" in words[5].split(b","))


def _unescaped(word: bytes) -> str:
    return os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match[1], 8) & 255]), word))


def _upper_folder(place: _Place) -> str:
    """Return the upper folder of an overlay that this folder is or lies in; empty without one."""
    for upper in _upper_folders(place.mounts):
        if os.path.isabs(upper):
            if place.is_in(upper):
                return upper
            continue
        # Relative to the mounting process: any folder that it may mean counts.
        tail = os.path.normpath(upper).split("/")
        tail = tail[len(tail) - tail[::-1].index("..") :] if ".." in tail else tail
        if any(f"/{'/'.join(tail)}/" in f"{path}/" for path in (place.path, place.in_file_system[1])):
            return upper
    return ""


def _upper_folders(mounts: Sequence[Mount]) -> Iterator[str]:
    """Yield them as listed, and unescaped, because mount(8) takes a backslash before a comma or a backslash."""
    for mount in mounts:
        for option in mount.options if mount.kind == "overlay" else ():
            if option.startswith("upperdir="):
                told = option.removeprefix("upperdir=")
                yield from dict.fromkeys((told, _GIVEN.sub(r"\1", told)))


def _exported(place: _Place, exports: str) -> str:
    """Return, in words, the NFS export through which this folder can be written to; empty without one.

    `exports` has lines like `/srv/log<tab>*(rw,sync)`; after a `#`, an entry that the server will look up again.
    """
    try:
        lines = _content(exports).splitlines()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{exports} can't be read, so it is unknown whether NFS exports it: {error.strerror}"
    for line in lines:
        name, _, clients = line.removeprefix(b"# ").partition(b"\t")
        folder = _unescaped(name)
        if b"rw" in _OPTION.findall(clients) and os.path.isabs(folder) and place.is_in(folder):
            return f"{folder} is exported by NFS, whose clients ignore leases"
    return ""


def in_file_system(path: str, mount: Mount) -> tuple[str, str]:
    """Return the device of a path of this mount, and its path in that file system."""
    return mount.device, os.path.normpath(f"{mount.root.rstrip('/')}/{os.path.relpath(path, mount.point)}")


def _is_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
