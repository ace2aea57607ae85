"""Writes what is to stay, part by part."""

from collections.abc import Iterable

from asynclog.apply.disk import Disk
from asynclog.apply.room import Reservation
from asynclog.windows import Hole, Part

AT_ONCE = 4 << 20  # bytes


def write_all(disk: Disk, target: int, parts: Iterable[Part], reservation: Reservation) -> int:
    """Appends these parts to an empty file; how many bytes that was. A short write is gone on with. Raises OSError.

    The disk begins with what is there while the rest is still being read, which leaves less for the sync to wait for.
    A hole stays one.
    """
    written = begun = 0
    for part in parts:
        if isinstance(part, Hole):
            disk.skip(target, len(part))
        else:
            _write(disk, target, part)
            reservation.spend(len(part))
        written += len(part)
        if written - begun >= AT_ONCE:
            disk.begin_sync(target, begun, written - begun)
            begun = written
    return written


def _write(disk: Disk, target: int, part: memoryview) -> None:
    while part:
        part = part[disk.write(target, [part]) :]
