"""Open only files and folders that no stranger could have put there.

Strangers are all users except root and the one that the job runs as. Errors are OSErrors, whose text says who it is.
"""

import errno
import os
import pwd
import stat
from contextlib import ExitStack, suppress

from asynclog.storage.local.access.other_writers import Permissions, other_writer

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MOST_LINKS = 40  # the limit of Linux
_NO_LIST = {errno.ENODATA, errno.ENOTSUP}


class StrangerError(PermissionError):
    """A stranger could have put it there, or could change it; `strerror` says who."""


def permissions_of(descriptor: int) -> Permissions:
    """Return what decides who may write to this open file or folder. Raise OSError."""
    status = os.fstat(descriptor)
    lists = (_attribute(descriptor, name) for name in ("system.posix_acl_access", "system.nfs4_acl"))
    return Permissions(status.st_uid, status.st_gid, status.st_mode, _own_group(status.st_uid), *lists)


def open_folder(path: str) -> int:
    """Return an O_PATH descriptor of the folder at an absolute path, and create it if it is missing.

    No stranger may be able to replace any part of the path: a folder that others may write to is accepted only if it is
    sticky and the next part is not theirs, a link only if it and its folder are ours or root's alone. What is opened by
    the descriptor's path (see `path_of`) is therefore in this folder. Raise OSError.
    """
    with ExitStack() as resources:
        _, _, folder = _walk(path, resources, every=True, make=True)
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{path_of(folder)} is not a folder")
        return os.dup(folder)


def open_file(path: str) -> int:
    """Return a descriptor for reading the regular file at an absolute path, which no stranger may write or replace.

    Check the file, the folder that it lies in, and every link that leads there. Raise OSError.
    """
    with ExitStack() as resources:
        folder, name, file = _walk(path, resources, every=False, make=False)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _refused("it is not a regular file")
        must_be_trusted(file, "it")
        descriptor = os.open(name, _READ, dir_fd=folder)
        if not os.path.samestat(os.fstat(descriptor), os.fstat(file)):
            os.close(descriptor)
            raise _refused("it was replaced while it was opened")
        return descriptor


def must_be_trusted(descriptor: int, what: str) -> None:
    """Raise StrangerError if a stranger owns this file or folder, or may write to it."""
    found = permissions_of(descriptor)
    _must_own(found.owner, what)
    writer = other_writer(found, _trusted())
    if writer:
        raise _refused(f"{writer} may write to {what}")


def path_of(descriptor: int) -> str:
    """Return the present path of an open file or folder, without links."""
    return os.readlink(f"/proc/self/fd/{descriptor}")


def _walk(path: str, resources: ExitStack, *, every: bool, make: bool) -> tuple[int, str, int]:
    """Return the folder, the name in it, and an O_PATH descriptor of what an absolute path leads to.

    Follow links here, not in open(). Check each part of the path if `every`, else only links and the end.
    """
    folder = entry = _opened("/", None, resources)
    last, names, links = ".", path.split("/")[::-1], 0
    while names:
        name = names.pop()
        if name in {"", "."}:
            continue
        if not stat.S_ISDIR(os.fstat(entry).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{path_of(entry)} is not a folder")
        folder, last, is_end = entry, name, not any(names)
        entry = _made(name, folder, resources, is_end=is_end) if make else _opened(name, folder, resources)
        status = os.fstat(entry)
        is_link = stat.S_ISLNK(status.st_mode)
        if is_end and not every:
            _must_own(status.st_uid, "it")
        if name != ".." and (every or is_link or is_end):
            _must_stay(folder, status)
        if is_link:
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.readlink("", dir_fd=entry)
            names += target.split("/")[::-1]
            entry = _opened("/", None, resources) if target.startswith("/") else folder
    return folder, last, entry


def _made(name: str, folder: int, resources: ExitStack, *, is_end: bool) -> int:
    with suppress(FileNotFoundError):
        return _opened(name, folder, resources)
    _must_stay(folder, None)
    with suppress(FileExistsError):  # another job was faster
        os.mkdir(name, 0o700 if is_end else 0o755, dir_fd=folder)
    return _opened(name, folder, resources)


def _must_stay(folder: int, entry: os.stat_result | None) -> None:
    """Raise StrangerError if a stranger could replace this entry of a folder; None is one that we would create."""
    found, where = permissions_of(folder), path_of(folder)
    _must_own(found.owner, where)
    is_link = entry is not None and stat.S_ISLNK(entry.st_mode)
    if entry is not None and is_link:
        _must_own(entry.st_uid, f"a link in {where}")
    writer = other_writer(found, _trusted())
    if writer and not (found.mode & stat.S_ISVTX and not is_link and (entry is None or _is_alone(entry))):
        raise _refused(f"{writer} may write to {where}")


def _is_alone(entry: os.stat_result) -> bool:
    """Return whether only we or root can have given this entry of a sticky folder its name."""
    return entry.st_uid in _trusted() and (stat.S_ISDIR(entry.st_mode) or entry.st_nlink == 1)


def _must_own(owner: int, what: str) -> None:
    if owner not in _trusted():
        raise _refused(f"{what} belongs to {_user(owner)}")


def _trusted() -> set[int]:
    return {0, os.geteuid()}


def _user(number: int) -> str:
    try:
        return f"user {number} ({pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"user {number}"


def _own_group(user: int) -> int | None:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:  # in a container, users often have no name
        return os.getegid() if user == os.geteuid() else None


def _attribute(descriptor: int, name: str) -> bytes | None:
    """Return an extended attribute: empty if there is none, None if root can't read it."""
    # An O_PATH descriptor has attributes only by this path.
    for place in (descriptor, f"/proc/self/fd/{descriptor}"):
        try:
            return os.getxattr(place, name)
        except OSError as error:
            if error.errno in _NO_LIST:
                return b""
            if error.errno != errno.EBADF:
                break
    return None if os.geteuid() == 0 else b""


def _opened(name: str, folder: int | None, resources: ExitStack) -> int:
    descriptor = os.open(name, _LOOK, dir_fd=folder)
    resources.callback(os.close, descriptor)
    return descriptor


def _refused(why: str) -> StrangerError:
    return StrangerError(errno.EPERM, why)
