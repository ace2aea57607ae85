"""A log in a folder, to be looked at: see `SegmentSource`."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

from asynclog.segments import Space
from asynclog.storage.local.reading.listing import list_segments
from asynclog.storage.local.reading.read_directory import ReadDirectory
from asynclog.storage.local.reading.segment_reader import LocalReadStore
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.segment_store import Listing


class LocalSource(LocalReadStore):
    """The log in this directory at `path`, to be read only: see `SegmentSource`.

    Of `whole_files` it does not matter how they are packed.
    """

    def __init__(
        self, path: str, directory: ReadDirectory, naming: SegmentNaming, *, whole_files: bool = False
    ) -> None:
        super().__init__(path, directory.folder)
        self._whole_files = whole_files
        self._directory = directory
        self._naming = naming

    def list(self) -> Listing:
        directory, names = self._directory, self._directory.names()
        segments = list_segments(directory.folder, names, self._naming, whole_files=self._whole_files)
        others = sorted(set(names).difference(segment.name for segment in segments))
        neighbours = [name for name in others if self._naming.is_neighbour(name) and _is_no_folder(directory, name)]
        strays = dict(_strays(directory, sorted(filter(self._naming.is_stray, names))))
        return Listing(tuple(names), tuple(segments), tuple(neighbours), strays)

    def space(self) -> Space | None:
        try:
            status = os.statvfs(self._directory.folder)
        except OSError:
            return None
        size = status.f_blocks * status.f_frsize
        return Space(status.f_bavail * status.f_frsize, size) if size else None  # some file systems count no blocks


def _strays(directory: ReadDirectory, names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield those of these hidden files that exist, with their sizes."""
    for name in names:
        with suppress(OSError):
            status = directory.status(name)
            if stat.S_ISREG(status.st_mode):
                yield name, status.st_size


def _is_no_folder(directory: ReadDirectory, name: str) -> bool:
    """Return whether it exists and is anything but a folder."""
    try:
        return not stat.S_ISDIR(directory.status(name).st_mode)
    except OSError:
        return False
