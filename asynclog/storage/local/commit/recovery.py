"""Finish or undo what a killed job left, before anything is planned. Needs no database."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.commit.drain import advance_offset
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.exchange import restore_displaced, unlink_displaced
from asynclog.storage.local.commit.leftovers import is_segment
from asynclog.storage.local.commit.old_file_checks import Inherited
from asynclog.storage.local.commit.overwritten_lines import begins_with_lines_of, is_made_of
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.naming import SegmentNaming


def recover(directory: LogDirectory, names: SegmentNaming, queue: DrainQueue, left: Sequence[str]) -> None:
    """Remove worthless replacements, undo commits that never happened, and drain those that did.

    `left` are the hidden names of this log. Queue what can't be done yet, or note it among the queue's problems; of
    files that somebody keeps open, publish the whole lines. Raise OSError if the folder can't be read.
    """
    old_links = [old for old in map(OldLink.parse, left) if old]
    for name in left:
        if staged := StagedFile.parse(name):
            if not _attempt(queue, name, partial(_resolve, queue, staged, old_links)):
                queue.block(staged.segment)
        elif not OldLink.parse(name):
            _attempt(queue, name, partial(directory.unlink, name))
    for old in old_links:
        finish = partial(_finish, directory, names, queue, old)
        if queue.is_blocked(old.segment) or not _attempt(queue, str(old), finish):
            queue.block_late(old)
    directory.sync_folder()
    queue.drain_due(open_too=True)


def _resolve(queue: DrainQueue, staged: StagedFile, old_links: Iterable[OldLink]) -> None:
    """Resolve a replacement's hidden name, before its segment's old files: they need their second name until then."""
    directory = queue.directory
    replaced = {str(old): FileId.of(directory.status(str(old))) for old in old_links if old.segment == staged.segment}
    if not unlink_displaced(directory, staged, set(replaced.values())):
        is_replacement = partial(_is_replacement, directory, staged, list(replaced))
        restore_displaced(queue, staged, None, is_replacement, at_once=True)
    directory.sync_folder()


def _is_replacement(directory: LogDirectory, staged: StagedFile, old: Sequence[str], segment: str) -> bool:
    """Return whether a segment with the replacement's inode is the replacement: it begins with lines of an old file.

    One such line would not do: files may begin with the same one, and what is taken for the replacement is let go. The
    old file is another one, and has its owner: anybody else may have given a file such a name. Raise OSError if the
    segment is renamed at this moment: the next job looks again.
    """
    status = directory.status(segment)
    alike = _may_be_displaced(directory, staged, status.st_uid) and any(
        begins_with_lines_of(directory, segment, staged.size, name)
        for name in old
        if _is_another_of(directory.status(name), status)
    )
    if not alike and directory.status(segment).st_ino != staged.inode:
        raise BlockingIOError(errno.EAGAIN, "it was renamed at this moment")
    return alike


def _may_be_displaced(directory: LogDirectory, staged: StagedFile, owner: int) -> bool:
    """Return whether the file of this hidden name can have had a segment's, in whose place that owner's file was."""
    folder = os.fstat(directory.folder)
    is_sticky = bool(folder.st_mode & stat.S_ISVTX)
    return not is_sticky or directory.status(str(staged)).st_uid in {0, folder.st_uid, owner}


def _is_another_of(file: os.stat_result, segment: os.stat_result) -> bool:
    """Return whether this is another file, of the same owner."""
    return file.st_uid == segment.st_uid and FileId.of(file) != FileId.of(segment)


def _attempt(queue: DrainQueue, name: str, step: Callable[[], None]) -> bool:
    """Try a step; return whether it succeeded, and note the problem if not."""
    try:
        step()
    except OSError as error:
        queue.problems.append(f"{name}: what a killed job left can't be cleaned up: {error.strerror}")
        return False
    return True


def _finish(directory: LogDirectory, names: SegmentNaming, queue: DrainQueue, old: OldLink) -> None:
    status = directory.status(str(old))
    if status.st_nlink > 1 and is_segment(directory, names, FileId.of(status)):  # then it was never replaced
        directory.unlink(str(old))
        return
    queue.add(_behind_published(directory, names, queue.inherited, old), at_once=True)


def _behind_published(directory: LogDirectory, names: SegmentNaming, inherited: Inherited, old: OldLink) -> OldLink:
    """Advance the accounted length if a job was killed just after publishing a late segment, and return the new name.

    Not if the file was begun anew, or if that segment is none of ours.
    """
    late = names.late_name(old.token, old.processed_bytes, old.segment)
    if not (is_made_of(directory, late, old) and directory.status(late).st_size):
        return old
    descriptor = directory.open(str(old))
    try:
        digest = inherited.digest(descriptor, old)
    finally:
        directory.close(descriptor)
    return old if digest is None else advance_offset(directory, old, late, inherited.proof, digest)
