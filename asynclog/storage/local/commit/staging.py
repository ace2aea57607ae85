"""Build a file beside a segment, and give it its name: whole, synced and with its metadata, or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.disk_space import Reservation, space_for
from asynclog.storage.segment_reader import Hole, Part

AT_ONCE = 4 << 20  # bytes


class Counted:
    """Parts of lines; `size` counts the bytes that have been taken."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = parts
        self.size = 0

    def __iter__(self) -> Iterator[Part]:
        for part in self._parts:
            self.size += len(part)
            yield part


def write_all(directory: LogDirectory, target: int, parts: Iterable[Part], reservation: Reservation) -> int:
    """Append these parts to an empty file, and return how many bytes they were. Continue a short write. Raise OSError.

    Writeback starts while the rest is still being read, which leaves less for the sync to wait for. A hole stays one.
    """
    written = begun = 0
    for part in parts:
        if isinstance(part, Hole):
            directory.write_hole(target, len(part))
        else:
            _write(directory, target, part)
            reservation.spend(len(part))
        written += len(part)
        if written - begun >= AT_ONCE:
            directory.begin_sync(target, begun, written - begun)
            begun = written
    return written


def _write(directory: LogDirectory, target: int, part: memoryview) -> None:
    while part:
        part = part[directory.write(target, [part]) :]


def build(  # noqa: PLR0913 - where, what, and whose metadata
    directory: LogDirectory, temporary: str, source: int, parts: Iterable[Part], size: int, *, beside: str = ""
) -> int:
    """Make a new, synced file of these parts of `source`, with its metadata, and return how many bytes it has.

    `size` is the expected number. Nobody may read it who may not read the segment `beside`, if that exists. Raise
    OSError, also if there is no room, or what `parts` raises; the file is then removed, if the disk allows it.
    """
    with directory.room.reserved(space_for(source, size)) as reservation:
        target = directory.create(temporary)
        try:
            directory.copy_flags(target, source)
            copied = write_all(directory, target, parts, reservation)
            directory.copy_metadata(target, source)
            if beside:
                directory.narrow(target, beside)
            directory.sync(target)
        except BaseException:
            discard(directory, temporary)
            raise
        finally:
            directory.close(target)
        return copied


def publish(directory: LogDirectory, temporary: str, name: str) -> None:
    """Give a whole file its name, durably. Discard it and raise FileExistsError if that is taken, or OSError."""
    try:
        try:
            directory.rename_noreplace(temporary, name)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOSYS}:  # the file system has no such call
                raise
            if name in directory.names():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
            directory.rename(temporary, name)
    except BaseException:
        discard(directory, temporary)
        raise
    directory.sync_folder()


def discard(directory: LogDirectory, temporary: str) -> None:
    """Remove a worthless file. If that fails, the next job's recovery does it."""
    with contextlib.suppress(OSError):
        directory.unlink(temporary)
