"""The commit point: a segment and its replacement change places, and a file that was not meant gets its name back.

A rotation by rename may come between the last look at a segment's name and the swap. So nothing is replaced or removed
under that name: the file that had it is given the hidden name `Built`, and looked at there.
"""

import contextlib
import errno
import os

from asynclog.errors import ChangedError
from asynclog.storage.local.commit.drain import Known
from asynclog.storage.local.commit.drain_queue import GRACE, DrainQueue
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import OldLink, StagedFile
from asynclog.types import Action


class DisplacedError(ChangedError):
    """What had the segment's name when that was swapped is not what was meant. It gets it back.

    The replacement has been seen.
    """


class LateWriterError(BlockingIOError):
    """Somebody has come to the segment while that was swapped. It gets its name back; the replacement has been seen."""


def swap(disk: LogDirectory, action: Action, built: StagedFile) -> bool:
    """Puts the replacement in the segment's place, or, in a drop, nothing. Raises OSError; then nothing has happened.

    False where the file system can't exchange names (NFS): the file that had the name has lost it for good.
    """
    try:
        if action.kind == "drop":
            disk.move(action.segment, str(built))
        else:
            disk.exchange(str(built), action.segment)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS}:
            raise
    else:
        return True
    if action.kind == "drop":
        disk.unlink(action.segment)
    else:
        disk.rename(str(built), action.segment)
    return False


def unlink_displaced(disk: LogDirectory, built: StagedFile, replaced: set[int]) -> bool:
    """Removes the hidden name where it means a file with one of these inodes, which is known under another one, too.

    False where it means any other file by now: that is for `give_back`. Raises OSError.
    """
    name = str(built)
    if disk.status(name).st_ino not in replaced:
        return False
    disk.unlink(name)
    return True


def restore_displaced(backlog: DrainQueue, built: StagedFile, grace: float = GRACE, known: Known | None = None) -> None:
    """Lets the hidden name go where it means a file that was not to be replaced, or the replacement itself.

    Such a file gets the name that the replacement has, which may have been rotated, too; without a replacement that of
    the segment, or, where that has been given away again, one of a late segment. The replacement is drained, for a
    writer may have come to it: `known` tells what it was. Raises OSError; then the next job's recovery does it.
    """
    disk, name = backlog.disk, str(built)
    if disk.status(name).st_ino == built.inode:
        hidden = OldLink.of(built.segment, built.size, os.urandom(4))
        disk.rename(name, str(hidden))
        disk.sync_folder()
        backlog.add(hidden, grace, known)
    elif place := disk.visible_name(built.inode):
        disk.exchange(name, place)
        disk.sync_folder()
        restore_displaced(backlog, built, grace, known)
    else:
        try:
            disk.move(name, built.segment)
        except FileExistsError:
            late = backlog.names.late(os.urandom(4).hex(), 0)
            disk.move(name, late)
            backlog.late.append(late)
        disk.sync_folder()


def undo_swap(backlog: DrainQueue, built: StagedFile, known: Known) -> None:
    """Gives a file back the name that was not to be taken from it; where that fails it is among the problems."""
    try:
        restore_displaced(backlog, built, known=known)
    except OSError as error:
        backlog.problems.append(
            f"{built}: the file that was given the name {built.segment} meanwhile can't have it back yet "
            f"({error.strerror}): it is safe there, and the next job tries again"
        )


def discard_staged(disk: LogDirectory, built: StagedFile) -> None:
    """Removes a replacement, if that is what its hidden name still means; where that fails, the next job does it."""
    with contextlib.suppress(OSError):
        if disk.status(str(built)).st_ino == built.inode:
            disk.unlink(str(built))
