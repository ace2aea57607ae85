"""The commit point: a segment and its replacement exchange names; a file displaced by mistake gets its name back.

A rotation by rename may come between the last look at a segment's name and the swap. So no file is overwritten or
unlinked under that name: the file that had it gets the replacement's hidden name, and is examined there.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from functools import cache, partial
from itertools import chain

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.old_file_checks import Withdrawn
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId


def _always(segment: str) -> bool:
    del segment
    return True


class DisplacedError(ChangedError):
    """The file that the swap displaced is not the expected one. It gets its name back.

    The replacement was visible meanwhile.
    """


class LateWriterError(BlockingIOError):
    """A writer opened the segment during the swap. It gets its name back; the replacement was visible meanwhile."""


def swap(directory: LogDirectory, action: Action, staged: StagedFile) -> bool:
    """Put the replacement in the segment's place, or, in a drop, nothing.

    Return False if the file system can't exchange names (NFS): the file that had the name has lost it for good. Raise
    OSError, or there ChangedError if that is another one by now: nothing was changed.
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
    if directory.status(action.segment).st_ino != action.fingerprint.inode:
        raise ChangedError
    if action.kind == "drop":
        directory.unlink(action.segment)
    else:
        directory.rename(str(staged), action.segment)
    return False


def unlink_displaced(directory: LogDirectory, staged: StagedFile, replaced: set[FileId]) -> bool:
    """Unlink the hidden name if it refers to one of these files, each of which has another link.

    Return False if it refers to another file by now: that is for `restore_displaced`. Raise OSError.
    """
    name = str(staged)
    if FileId.of(directory.status(name)) not in replaced:
        return False
    directory.unlink(name)
    return True


def restore_displaced(
    queue: DrainQueue,
    staged: StagedFile,
    known: Withdrawn | None,
    is_replacement: Callable[[str], bool] = _always,
    *,
    at_once: bool = False,
) -> None:
    """Free the hidden name if it refers to a file displaced by mistake, or to the replacement itself.

    A displaced file gets the name that the replacement has now, which may have been rotated, too; without a
    replacement see `_give_a_name`. The replacement is drained, because a writer may have opened it: `known` says what
    it was, `is_replacement` whether a segment is it: in a copy of a folder its inode is another file's, and in an
    overlay it may be two files'. If a rotation has linked it, it stays, with what came to it, as the segment of that
    name. Raise OSError; then the next job's recovery does it.
    """
    directory, name = queue.directory, str(staged)
    status = directory.status(name)
    built = known.built if known else FileId(None, staged.inode)
    if built.fits(status):
        if status.st_nlink > 1 and directory.visible_name(FileId.of(status), queue.names.match):
            directory.sync_folder()
            directory.unlink(name)
            return
        old = OldLink.of(staged.segment, staged.size, os.urandom(4))
        directory.rename(name, str(old))
        directory.sync_folder()
        queue.add(old, known, at_once=at_once)
    elif place := _place(queue, staged, built, is_replacement):
        directory.rename_exchange(name, place)
        directory.sync_folder()
        restore_displaced(queue, staged, known, is_replacement, at_once=at_once)
    else:
        _give_a_name(queue, staged)
        directory.sync_folder()


def _place(queue: DrainQueue, staged: StagedFile, built: FileId, is_replacement: Callable[[str], bool]) -> str | None:
    """Return the replacement's name; of several the segment's own, else a segment's: a rotation may have linked it."""
    look = partial(queue.directory.visible_names, built)
    found = chain(look(staged.segment.__eq__), look(queue.names.match), look())
    return next(filter(cache(is_replacement), found), None)


def _give_a_name(queue: DrainQueue, staged: StagedFile) -> None:
    """Make the file visible again, under the segment's name or, if that is taken, under a late segment's.

    If a rotation has renamed it since, that name is enough.
    """
    directory, name = queue.directory, str(staged)
    is_seen = directory.visible_name(FileId.of(directory.status(name)), queue.names.match) is not None
    # With a replacement, the old name went to it, and somebody else has removed that; in a drop only we took the name.
    is_taken = is_seen and staged.inode != 0
    with contextlib.suppress(FileExistsError):
        if not is_taken:
            directory.rename_noreplace(name, staged.segment)
            return
    if is_seen:
        directory.sync_folder()
        directory.unlink(name)
    else:
        late = queue.names.late_name(os.urandom(4).hex(), 0, staged.segment)
        directory.rename_noreplace(name, late)
        queue.late.append(late)


def discard_staged(directory: LogDirectory, staged: StagedFile) -> None:
    """Unlink a replacement if its hidden name still refers to it; if that fails, the next job does it."""
    with contextlib.suppress(OSError):
        if directory.status(str(staged)).st_ino == staged.inode:
            directory.unlink(str(staged))
