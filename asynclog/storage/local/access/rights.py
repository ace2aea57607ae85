"""Look up the rights that a run would have in a log's folder: nothing is tried but a lease, and nothing is written."""

import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from asynclog.actions import Action
from asynclog.storage.local.access.user import User, group_of, this_user, user_of
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.linux.leases import may_be_written
from asynclog.storage.local.linux.metadata import fixed
from asynclog.storage.local.lock.record import LARGEST, SILENCE, Holder, is_of_a_lock, lives

_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Owned(NamedTuple):
    """A segment that a plan changes, or that could not be opened.

    Who owns it, whether it may be read, and opened for reading and writing.

    `fixed` is the flag that keeps everybody from changing it: `immutable`, `append-only`, or empty. `is_busy` is
    whether somebody has it open for writing now, `mounted` where it is mounted as a file; empty if nowhere.
    """

    name: str
    uid: int
    gid: int
    owner: str
    is_rewritten: bool
    may_read: bool
    may_open: bool
    fixed: str
    is_busy: bool
    mounted: str


class Rights(msgspec.Struct, frozen=True):
    """The rights of a run. `owner` is the folder's, by name, `fixed` the folder's flag, like a segment's.

    `lock` says what is wrong with the lock file, `holder` who holds it now; empty if nothing is, or nobody does.
    `links_are_protected` is Linux's fs.protected_hardlinks, `by_quiet` whether weak leases are allowed, `weak` why
    leases can't be trusted in the folder.
    """

    user: User
    folder: str
    uid: int
    mode: int
    owner: str
    fixed: str
    is_read_only: bool
    may_write: bool
    has_lock: bool
    lock: str
    holder: str
    segments: Sequence[Owned]
    links_are_protected: bool
    by_quiet: bool
    weak: str


def find_rights(  # noqa: PLR0913 - where, what, and under which conditions
    directory: LogDirectory,
    path: str,
    lock: str,
    actions: Iterable[Action],
    mounts: Mapping[str, str],
    *,
    by_quiet: bool,
) -> Rights:
    """Return the rights of a run of these actions, which change a segment or failed, in the log's directory at `path`.

    `lock` is the lock file's name, `mounts` says where files are mounted on their own, `by_quiet` whether a run may go
    on if leases can't be trusted.
    """
    folder, weak = directory.folder, directory.weak
    status = os.fstat(folder)
    problem, has_lock, holder = _lock(folder, lock, status.st_uid)
    owned = (_owned(folder, action, weak, mounts.get(action.segment, "")) for action in actions)
    return Rights(
        user=this_user(),
        folder=path,
        uid=status.st_uid,
        mode=status.st_mode,
        owner=user_of(status.st_uid),
        fixed=fixed(folder),
        is_read_only=bool(os.fstatvfs(folder).f_flag & os.ST_RDONLY),
        may_write=_may(folder, ".", os.W_OK | os.X_OK),
        has_lock=has_lock,
        lock=problem,
        holder=holder,
        segments=[each for each in owned if each],
        links_are_protected=_read("/proc/sys/fs/protected_hardlinks").strip() != "0",
        by_quiet=by_quiet,
        weak=weak,
    )


def _owned(folder: int, action: Action, weak: str, mounted: str) -> Owned | None:
    """Return the facts about a segment that is to be changed; None if it has vanished."""
    try:
        status = os.stat(action.segment, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if action.failed and _may(folder, action.segment, os.R_OK):
        return None  # it has failed for another reason
    uid, gid = status.st_uid, status.st_gid
    owner = f"{user_of(uid)}, {group_of(gid)}"
    may_read, may_open = (_may(folder, action.segment, how) for how in (os.R_OK, os.R_OK | os.W_OK))
    flag, is_busy = _in_the_way(folder, action.segment, weak)
    is_rewritten = action.kind == "rewrite"
    return Owned(action.segment, uid, gid, owner, is_rewritten, may_read, may_open, flag, is_busy, mounted)


def _in_the_way(folder: int, name: str, weak: str) -> tuple[str, bool]:
    """Return the flag that keeps a segment from being changed, and whether somebody has it open for writing now.

    Return empty and False if unknown. Only a lease can detect writers, if leases can be trusted.
    """
    try:
        descriptor = os.open(name, _LOOK, dir_fd=folder)
    except OSError:
        return "", False
    try:
        return fixed(descriptor), not weak and may_be_written(descriptor)
    finally:
        os.close(descriptor)


def _lock(folder: int, name: str, owner: int) -> tuple[str, bool, str]:
    """Return what is wrong with the lock file, whether there is one, and who holds it."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return "", False, ""
    except OSError as error:
        return f"the lock file {name} can't be looked at: {error.strerror}", True, ""
    if not stat.S_ISREG(status.st_mode):
        return f"{name} is the lock file's name, but not a regular file: remove it", True, ""
    whose = f"the lock file {name} of {user_of(status.st_uid)}"
    if status.st_uid not in {os.geteuid(), 0, owner}:
        problem = f"{whose} is neither ours, nor root's, nor the folder's owner's"
        return f"{problem}: if no job of that user is at work, remove it", True, ""
    content = _content(folder, name)
    if status.st_size > LARGEST or not is_of_a_lock(content):
        return f"{name} is the lock file's name, but holds something else: move it away, or remove it", True, ""
    holder = _holder(content, status)
    flag, _ = _in_the_way(folder, name, weak="it is not asked for a lease")
    if flag:
        return f"{whose} is {flag} (see lsattr), so that nobody can write to it", True, holder
    if not _may(folder, name, os.R_OK | os.W_OK):
        return f"we are {user_of(os.geteuid())}, and may not open {whose} for writing", True, holder
    return "", True, holder


def _content(folder: int, name: str) -> bytes:
    """Return the lock file's content; empty if we may not read it."""
    try:
        descriptor = os.open(name, _LOOK, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, LARGEST, 0)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _holder(content: bytes, status: os.stat_result) -> str:
    """Return the holder by the file's record and Linux's list of locks, or ""; a real run may know better."""
    holder = Holder.decoded(content)
    alive = lives(holder, Holder.myself(0)) if holder else False
    if holder and (alive or (alive is None and time.time() - status.st_mtime < SILENCE)):
        return str(holder)
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    is_locked = any("FLOCK" in line and file in line.split() for line in _read("/proc/locks").splitlines())
    return "it has not said who it is" if is_locked else ""


def _may(folder: int, name: str, how: int) -> bool:
    return os.access(name, how, dir_fd=folder, effective_ids=True)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
