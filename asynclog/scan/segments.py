"""Which files of a folder are segments of the log, and what stands in the way of reading or changing them."""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator

from asynclog.model import Fingerprint, Segment
from asynclog.names import Hidden, Names

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def list_segments(folder: int, entries: Iterable[str], names: Names) -> list[Segment]:
    """The log's segments among the entries of the folder with this descriptor, in order, each with its fingerprint.

    A file that vanishes meanwhile is left out. Raises OSError.
    """
    entries = list(entries)
    own_links = Counter(_hidden_inodes(folder, entries))
    found = []
    for name in sorted(filter(names.match, entries), key=names.order):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        links = status.st_nlink - own_links[status.st_ino]
        found.append(Segment(name, Fingerprint.of(status), _obstacle(name, status.st_mode, links)))
    return found


def _obstacle(name: str, mode: int, links: int) -> str:
    kind = stat.S_IFMT(mode)
    if kind != stat.S_IFREG:
        return f"it is {_KINDS.get(kind, 'no regular file')}"
    if links > 1:
        return f"it has {links} hard links, and a rewrite would part them"
    if name.endswith((".gz", ".zst")):
        return "it is compressed, and compressed segments are left alone"
    return ""


def _hidden_inodes(folder: int, entries: Iterable[str]) -> Iterator[int]:
    """The inodes to which a crash has left a hidden link of our own: that makes no segment a hard link."""
    for name in entries:
        if name.startswith(".") and Hidden.parse(name):
            try:
                yield os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
            except FileNotFoundError:
                continue
