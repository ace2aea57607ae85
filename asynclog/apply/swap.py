"""The commit point: a segment and its replacement change places, and a file that was not meant gets its name back.

A rotation by rename may come between the last look at a segment's name and the swap. So nothing is replaced or removed
under that name: the file that had it is given the hidden name `Built`, and looked at there.
"""

import errno
import secrets

from asynclog.apply.disk import Disk
from asynclog.apply.drain import GRACE, Backlog
from asynclog.model import Action
from asynclog.names import Built, Hidden


def swap(disk: Disk, action: Action, built: Built) -> bool:
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


def settle(backlog: Backlog, built: Built, replaced: set[int], grace: float = GRACE) -> bool:
    """Lets the hidden name go, whatever file it means by now: whether that was one with these, `replaced`, inodes.

    They are known under another hidden name. Any other file gets back the name from which it was displaced, or, where
    that has been given away again, one of a late segment; the replacement is drained, for a writer may have come to it.
    Raises OSError; then the next job's recovery does it.
    """
    disk, name = backlog.disk, str(built)
    inode = disk.status(name).st_ino
    if inode in replaced:
        disk.unlink(name)
        return True
    if inode == built.inode:
        hidden = Hidden(built.segment, secrets.token_hex(4), built.size)
        disk.rename(name, str(hidden))
        backlog.add(hidden, grace)
    elif _inode(disk, built.segment) is None:
        disk.move(name, built.segment)
    elif _inode(disk, built.segment) == built.inode:
        disk.exchange(name, built.segment)
        settle(backlog, built, replaced, grace)
    else:
        late = backlog.names.late(secrets.token_hex(4), 0)
        disk.move(name, late)
        backlog.late.append(late)
    disk.sync_folder()
    return False


def _inode(disk: Disk, name: str) -> int | None:
    try:
        return disk.status(name).st_ino
    except FileNotFoundError:
        return None
