"""Undo an exchange: give the segment its name back, and leave nothing of the replacement that nobody has written to."""

import contextlib

from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.exchange import restore_displaced
from asynclog.storage.local.commit.old_file_checks import Withdrawn
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId


def swap_back(directory: LogDirectory, staged: StagedFile) -> bool:
    """Undo a swap at once, as long as nobody else has touched the name. Return whether nothing is left of it.

    A waiting writer may reopen the segment for the rest of a line, and must find the same file. A replacement still
    has to be drained. What fails, since a rotation was faster, `undo_rest` does.
    """
    name, segment = str(staged), staged.segment
    with contextlib.suppress(OSError):
        if not staged.inode:
            directory.rename_noreplace(name, segment)
            return True
        if directory.status(segment).st_ino == staged.inode:
            directory.rename_exchange(name, segment)
            if directory.status(name).st_ino != staged.inode:  # a rotation was faster, and its new file has the name
                directory.rename_exchange(name, segment)
    return False


def take_back(queue: DrainQueue, staged: StagedFile, segment: FileId, known: Withdrawn | None) -> bool:
    """Take its name from a replacement again, where names can't be exchanged and the file is another segment by now.

    Return whether nothing is left of it to be seen to. If it can't be taken, note that: nobody does it later.
    """
    directory = queue.directory
    try:
        is_there = directory.visible_name(segment, queue.names.match) is not None
        if is_there and known and (place := directory.visible_name(known.built, queue.names.match)):
            directory.rename(place, str(staged))
            return False
    except OSError as error:
        queue.problems.append(
            f"{staged.segment}: it was given another name as it was replaced, and what replaced it can't be removed "
            f"({error.strerror}): its records may be there twice"
        )
    return True


def undo_rest(queue: DrainQueue, staged: StagedFile, old: OldLink, known: Withdrawn | None, *, is_undone: bool) -> None:
    """See to the replacement and to the second name of a segment that has its name back, or could not get it yet.

    `known` is what is known of the replacement, if there is one. What fails is a problem of the job: recovery does it.
    """
    is_rotating = _is_linked(queue.directory, staged)
    if not is_undone:
        _undo_swap(queue, staged, known)
    if not is_rotating:  # else the rotation goes on to take the file's name, and recovery sees to what it has
        undo_link(queue, old, staged)


def _is_linked(directory: LogDirectory, staged: StagedFile) -> bool:
    """Whether a rotation by link has begun with the replacement while that had the segment's name, or has it still."""
    for name in (str(staged), staged.segment):
        with contextlib.suppress(OSError):
            status = directory.status(name)
            if status.st_ino == staged.inode:
                return status.st_nlink > 1
    return False


def _undo_swap(queue: DrainQueue, staged: StagedFile, known: Withdrawn | None) -> None:
    """Give a file displaced by mistake its name back; if that fails, note the problem."""
    try:
        queue.directory.sync_folder()
        restore_displaced(queue, staged, known)
    except OSError as error:
        queue.problems.append(
            f"{staged}: what replaced {staged.segment}, or was given that name meanwhile, can't be put back yet "
            f"({error.strerror}): it is safe there, and the next job tries again"
        )


def undo_link(queue: DrainQueue, old: OldLink, staged: StagedFile) -> None:
    """Remove the link of an undone commit, if the file has another name again; else recovery does both.

    It stays if a displaced file has the replacement's hidden name still: by the lines of the file that has the link,
    recovery tells the replacement from a file that has got its inode number since. If it can't be removed, note that.
    """
    directory = queue.directory
    try:
        if staged.inode and _inode(directory, str(staged)) not in {None, staged.inode}:
            return
        if directory.status(str(old)).st_nlink > 1:
            directory.sync_folder()
            directory.unlink(str(old))
    except OSError as error:
        queue.problems.append(
            f"{old}: the second name of {old.segment} can't be removed yet ({error.strerror}): the next job does that"
        )


def _inode(directory: LogDirectory, name: str) -> int | None:
    try:
        return directory.status(name).st_ino
    except FileNotFoundError:
        return None
