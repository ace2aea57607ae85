"""What an earlier job left when it was killed: finished or undone before anything is planned. Needs no database."""

from collections.abc import Callable, Iterable
from functools import partial

from asynclog.storage.local.commit.drain import Inherited, advance_offset
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.exchange import restore_displaced, unlink_displaced
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import OldLink, SegmentNaming, StagedFile


def recover(disk: LogDirectory, names: SegmentNaming, backlog: DrainQueue) -> None:
    """Removes worthless replacements, undoes commits that never happened, and drains those that did.

    Other logs' hidden files in the same folder are left to their own jobs. What can't be done yet is in the
    backlog afterwards, or among its problems; of files that somebody keeps open the whole lines are published.
    Raises OSError where the folder can't be read.
    """
    left = leftover_names(disk, names)
    old = [hidden for hidden in map(OldLink.parse, left) if hidden]
    for name in left:
        if built := StagedFile.parse(name):
            if not _attempt(backlog, name, partial(_settle, backlog, built, old)):
                backlog.unsettled.add(built.segment)
        elif not OldLink.parse(name):
            _attempt(backlog, name, partial(disk.unlink, name))
    for hidden in old:
        finish = partial(_finish, disk, names, backlog, hidden)
        if hidden.segment in backlog.unsettled or not _attempt(backlog, str(hidden), finish):
            backlog.unsettled.add(hidden.token)
    if left:
        disk.sync_folder()
    backlog.settle(open_too=True)


def _settle(backlog: DrainQueue, built: StagedFile, old: Iterable[OldLink]) -> None:
    """Before anything else is done about its segment: an old file needs its second name until this one is gone."""
    disk = backlog.disk
    replaced = {disk.status(str(hidden)).st_ino for hidden in old if hidden.segment == built.segment}
    if not unlink_displaced(disk, built, replaced):
        restore_displaced(backlog, built, grace=0)
    disk.sync_folder()


def leftover_names(disk: LogDirectory, names: SegmentNaming) -> list[str]:
    """The hidden names in the folder that a job of this log has made. Those of old and whole files are files' only."""
    left = sorted(filter(names.owns, disk.names()))
    return [name for name in left if not (OldLink.parse(name) or StagedFile.parse(name)) or disk.is_file(name)]


def _attempt(backlog: DrainQueue, name: str, step: Callable[[], None]) -> bool:
    """Whether the step could be done."""
    try:
        step()
    except OSError as error:
        backlog.problems.append(f"{name}: what a killed job left can't be cleaned up: {error.strerror}")
        return False
    return True


def _finish(disk: LogDirectory, names: SegmentNaming, backlog: DrainQueue, hidden: OldLink) -> None:
    status = disk.status(str(hidden))
    if status.st_nlink > 1 and disk.visible_name(status.st_ino):  # then nothing has taken its place
        disk.unlink(str(hidden))
        return
    backlog.add(_behind_published(disk, names, backlog.inherited, hidden), grace=0)


def _behind_published(disk: LogDirectory, names: SegmentNaming, inherited: Inherited, hidden: OldLink) -> OldLink:
    """Moves the accounted length on if a job was killed between that and the late segment; not of a file begun anew."""
    late = names.late(hidden.token, hidden.accounted)
    try:
        published = disk.status(late).st_size
    except FileNotFoundError:
        published = 0
    if not published:
        return hidden
    descriptor = disk.open(str(hidden))
    try:
        digest = inherited.digest(descriptor, hidden)
    finally:
        disk.close(descriptor)
    return hidden if digest is None else advance_offset(disk, hidden, late, inherited.proof, digest)
