"""What an earlier job left when it was killed: finished or undone before anything is planned. Needs no database."""

from collections.abc import Callable, Iterable
from functools import partial

from asynclog.storage.local.commit.drain import Inherited, forward
from asynclog.storage.local.commit.drain_queue import Backlog
from asynclog.storage.local.commit.exchange import give_back, let_go
from asynclog.storage.local.directory import Disk
from asynclog.storage.naming import Built, Hidden, Names


def recover(disk: Disk, names: Names, backlog: Backlog) -> None:
    """Removes worthless replacements, undoes commits that never happened, and drains those that did.

    Other logs' hidden files in the same folder are left to their own jobs. What can't be done yet is in the
    backlog afterwards, or among its problems; of files that somebody keeps open the whole lines are published.
    Raises OSError where the folder can't be read.
    """
    left = left_behind(disk, names)
    old = [hidden for hidden in map(Hidden.parse, left) if hidden]
    for name in left:
        if built := Built.parse(name):
            if not _attempt(backlog, name, partial(_settle, backlog, built, old)):
                backlog.unsettled.add(built.segment)
        elif not Hidden.parse(name):
            _attempt(backlog, name, partial(disk.unlink, name))
    for hidden in old:
        finish = partial(_finish, disk, names, backlog, hidden)
        if hidden.segment in backlog.unsettled or not _attempt(backlog, str(hidden), finish):
            backlog.unsettled.add(hidden.token)
    if left:
        disk.sync_folder()
    backlog.settle(open_too=True)


def _settle(backlog: Backlog, built: Built, old: Iterable[Hidden]) -> None:
    """Before anything else is done about its segment: an old file needs its second name until this one is gone."""
    disk = backlog.disk
    replaced = {disk.status(str(hidden)).st_ino for hidden in old if hidden.segment == built.segment}
    if not let_go(disk, built, replaced):
        give_back(backlog, built, grace=0)
    disk.sync_folder()


def left_behind(disk: Disk, names: Names) -> list[str]:
    """The hidden names in the folder that a job of this log has made. Those of old and whole files are files' only."""
    left = sorted(filter(names.owns, disk.names()))
    return [name for name in left if not (Hidden.parse(name) or Built.parse(name)) or disk.is_file(name)]


def _attempt(backlog: Backlog, name: str, step: Callable[[], None]) -> bool:
    """Whether the step could be done."""
    try:
        step()
    except OSError as error:
        backlog.problems.append(f"{name}: what a killed job left can't be cleaned up: {error.strerror}")
        return False
    return True


def _finish(disk: Disk, names: Names, backlog: Backlog, hidden: Hidden) -> None:
    status = disk.status(str(hidden))
    if status.st_nlink > 1 and disk.visible_name(status.st_ino):  # then nothing has taken its place
        disk.unlink(str(hidden))
        return
    backlog.add(_behind_published(disk, names, backlog.inherited, hidden), grace=0)


def _behind_published(disk: Disk, names: Names, inherited: Inherited, hidden: Hidden) -> Hidden:
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
    return hidden if digest is None else forward(disk, hidden, late, inherited.proof, digest)
