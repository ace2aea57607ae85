"""A file that is built beside a segment: whole, synced and dressed, or not there at all."""

import contextlib
from collections.abc import Iterable

from asynclog.apply.copy import write_all
from asynclog.apply.disk import Disk


def build(disk: Disk, temporary: str, source: int, parts: Iterable[memoryview]) -> int:
    """Makes a new, synced file of these parts, dressed like `source`; how many bytes it has.

    Raises OSError, or what `parts` raises; then nothing of the file is left, as far as the disk lets us.
    """
    target = disk.create(temporary)
    try:
        copied = write_all(disk, target, parts)
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
