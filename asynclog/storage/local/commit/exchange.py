"""The commit point: a segment and its replacement change places, and a file that was not meant gets its name back.

A rotation by rename may come between the last look at a segment's name and the swap. So nothing is replaced or removed
under that name: the file that had it is given the replacement's hidden name, and looked at there.
"""

import contextlib
import errno
import os
from collections.abc import Callable

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.known_old_files import Known
from asynclog.storage.local.directory import LogDirectory


def _always(segment: str) -> bool:
    del segment
    return True


class DisplacedError(ChangedError):
    """The file that had the segment's name when that was swapped is not the one that was meant. It gets the name back.

    The replacement has been seen.
    """


class LateWriterError(BlockingIOError):
    """Somebody has come to the segment while that was swapped. It gets its name back; the replacement has been seen."""


def swap(directory: LogDirectory, action: Action, staged: StagedFile) -> bool:
    """Put the replacement in the segment's place, or, in a drop, nothing. Raise OSError; then nothing has happened.

    False where the file system can't exchange names (NFS): the file that had the name has lost it for good.
    """
    try:
        if action.kind == "drop":
            directory.rename_noreplace(action.segment, str(staged))
        else:
            directory.rename_exchange(str(staged), action.segment)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS}:
            raise
    else:
        return True
    if action.kind == "drop":
        directory.unlink(action.segment)
    else:
        directory.rename(str(staged), action.segment)
    return False


def swap_back(directory: LogDirectory, staged: StagedFile) -> bool:
    """Undo a swap at once, as long as nobody else has touched the name. Return whether nothing is left of it.

    A writer who waits may open the segment anew for the rest of a line, and has to find the same file. A replacement
    is still to be drained then. Raise OSError; then `undo_swap` has all to do.
    """
    if not staged.inode:
        directory.rename_noreplace(str(staged), staged.segment)
        return True
    if directory.status(staged.segment).st_ino == staged.inode:
        directory.rename_exchange(str(staged), staged.segment)
    return False


def unlink_displaced(directory: LogDirectory, staged: StagedFile, replaced: set[int]) -> bool:
    """Remove the hidden name where it means a file with one of these inodes, which is known under another one, too.

    False where it means any other file by now: that is for `restore_displaced`. Raise OSError.
    """
    name = str(staged)
    if directory.status(name).st_ino not in replaced:
        return False
    directory.unlink(name)
    return True


def restore_displaced(
    queue: DrainQueue,
    staged: StagedFile,
    known: Known | None,
    is_replacement: Callable[[str], bool] = _always,
    *,
    at_once: bool = False,
) -> None:
    """Let the hidden name go where it means a file that was not to be replaced, or the replacement itself.

    Such a file gets the name that the replacement has, which may have been rotated, too; without a replacement see
    `_give_a_name`. The replacement is drained, for a writer may have come to it: `known` tells what it was,
    `is_replacement` whether a segment is it, for in a copy of a folder its inode is another file's. Raise OSError; then
    the next job's recovery does it.
    """
    directory, name = queue.directory, str(staged)
    if directory.status(name).st_ino == staged.inode:
        old = OldLink.of(staged.segment, staged.size, os.urandom(4))
        directory.rename(name, str(old))
        directory.sync_folder()
        queue.add(old, known, at_once=at_once)
    elif (place := directory.visible_name(staged.inode)) and is_replacement(place):
        directory.rename_exchange(name, place)
        directory.sync_folder()
        restore_displaced(queue, staged, known, is_replacement, at_once=at_once)
    else:
        _give_a_name(queue, staged)
        directory.sync_folder()


def _give_a_name(queue: DrainQueue, staged: StagedFile) -> None:
    """Have the file be seen again, by the segment's name or, if that has been given away, by that of a late segment.

    If a rotation has given it another name since, and its own to another file or to none, that is enough.
    """
    directory, name = queue.directory, str(staged)
    is_seen = directory.visible_name(directory.status(name).st_ino) is not None
    # The replacement had the name of before, and somebody has removed that: else it was only we who took it.
    is_taken = is_seen and staged.inode != 0
    with contextlib.suppress(FileExistsError):
        if not is_taken:
            directory.rename_noreplace(name, staged.segment)
            return
    if is_seen:
        directory.sync_folder()
        directory.unlink(name)
    else:
        late = queue.names.late_name(os.urandom(4).hex(), 0)
        directory.rename_noreplace(name, late)
        queue.late.append(late)


def undo_swap(queue: DrainQueue, staged: StagedFile, known: Known) -> None:
    """Give a file back the name that was not to be taken from it; where that fails it is among the problems."""
    try:
        queue.directory.sync_folder()
        restore_displaced(queue, staged, known)
    except OSError as error:
        queue.problems.append(
            f"{staged}: the file that was given the name {staged.segment} meanwhile can't have it back yet "
            f"({error.strerror}): it is safe there, and the next job tries again"
        )


def discard_staged(directory: LogDirectory, staged: StagedFile) -> None:
    """Remove a replacement, if that is what its hidden name still means; where that fails, the next job does it."""
    with contextlib.suppress(OSError):
        if directory.status(str(staged)).st_ino == staged.inode:
            directory.unlink(str(staged))
