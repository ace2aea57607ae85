"""Find the files of a folder that are segments of the log, and what prevents reading or changing them."""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from asynclog.segments import Fingerprint, Segment
from asynclog.storage.codecs import LEFT_ALONE, codec_for
from asynclog.storage.hidden_names import OldLink
from asynclog.storage.naming import SegmentNaming

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}

_UNKNOWN = Fingerprint(0, 0, 0, 0, 0)


def list_segments(
    folder: int, entries: Iterable[str], names: SegmentNaming, *, whole_files: bool = False
) -> list[Segment]:
    """Return the segments among the entries of the folder with this descriptor, in order, each with its fingerprint.

    A file that vanishes meanwhile is left out. One that may not be examined, as on somebody's own mount, is skipped:
    whoever may make a name in the folder could keep the others from being read. Raise OSError.
    """
    entries = list(entries)
    own_links = Counter(_hidden_inodes(folder, entries))
    found = []
    for name in sorted(filter(names.match, entries), key=names.sort_key):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            found.append(Segment(name, _UNKNOWN, f"it can't be examined: {error.strerror}", "special"))
            continue
        links = status.st_nlink - own_links[status.st_ino]
        found.append(_segment(name, status, links, is_left_alone=not whole_files and codec_for(name) is None))
    return found


def _segment(name: str, status: os.stat_result, links: int, *, is_left_alone: bool) -> Segment:
    fingerprint, kind = Fingerprint.of(status), stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        fingerprint = msgspec.structs.replace(fingerprint, size=0)  # its size is not the log's
        return Segment(name, fingerprint, f"it is {_KINDS.get(kind, 'not a regular file')}", "special")
    if is_left_alone:
        return Segment(name, fingerprint, LEFT_ALONE, "packed")
    if links > 1:
        return Segment(name, fingerprint, f"it has {links} hard links, and a rewrite would part them")
    return Segment(name, fingerprint)


def _hidden_inodes(folder: int, entries: Iterable[str]) -> Iterator[int]:
    """Yield the inodes with a hidden link that a crash left: it does not count as a hard link of the segment."""
    for name in entries:
        if name.startswith(".") and OldLink.parse(name):
            try:
                yield os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
            except (FileNotFoundError, PermissionError):
                continue
