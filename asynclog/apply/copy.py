"""Writes what is to stay, part by part."""

from collections.abc import Iterable

from asynclog.apply.disk import Disk

AT_ONCE = 4 << 20  # bytes


def write_all(disk: Disk, target: int, parts: Iterable[memoryview]) -> int:
    """Appends these parts to an empty file; how many bytes that was. A short write is gone on with. Raises OSError.

    The disk begins with what is there while the rest is still being read, which leaves less for the sync to wait for.
    """
    written = begun = 0
    for part in parts:
        done = 0
        while done < len(part):
            done += disk.write(target, [part[done:]])
        written += done
        if written - begun >= AT_ONCE:
            disk.begin_sync(target, begun, written - begun)
            begun = written
    return written
