"""A file that is built beside a segment: whole, synced and dressed, or not there at all."""

import contextlib
from collections.abc import Iterable

from asynclog.apply.copy import write_all
from asynclog.apply.disk import Disk
from asynclog.apply.room import Reservation, space_for
from asynclog.windows import Part


def build(disk: Disk, temporary: str, source: int, parts: Iterable[Part], size: int) -> int:
    """Makes a new, synced file of these parts of `source`, dressed like it; how many bytes it has.

    They should be `size`. Raises OSError, where there is no room for them too, or what `parts` raises; then nothing of
    the file is left, as far as the disk lets us.
    """
    with disk.room.reserved(space_for(source, size)) as reservation:
        return _build(disk, temporary, source, parts, reservation)


def _build(disk: Disk, temporary: str, source: int, parts: Iterable[Part], reservation: Reservation) -> int:
    target = disk.create(temporary)
    try:
        disk.give_flags(target, source)
        copied = write_all(disk, target, parts, reservation)
        disk.dress(target, source)
        disk.sync(target)
    except BaseException:
        discard(disk, temporary)
        raise
    finally:
        disk.close(target)
    return copied


def discard(disk: Disk, temporary: str) -> None:
    """Removes a worthless file. Where that fails, the next job's recovery does it."""
    with contextlib.suppress(OSError):
        disk.unlink(temporary)
