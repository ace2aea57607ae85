"""The log's folder: opened once, and checked."""

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from asynclog.errors import ConfigurationError


@contextmanager
def opened_folder(path: str, *, allow_unsafe: bool) -> Iterator[int]:
    """A descriptor of the folder, for `with`. FileNotFoundError where there is none.

    Raises ConfigurationError where it is no folder, a symbolic link, or, for root, one that others may write to.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if os.path.islink(path):
            raise ConfigurationError(f"{path}: the log's folder is a symbolic link: name the folder itself") from None
        raise ConfigurationError(f"{path}: the log's folder can't be opened: {error.strerror}") from None
    try:
        if os.geteuid() == 0 and not allow_unsafe:
            _refuse_unsafe(path, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_unsafe(path: str, status: os.stat_result) -> None:
    if status.st_mode & stat.S_IWOTH:
        who = "everybody"
    elif status.st_mode & stat.S_IWGRP and status.st_gid != _own_group(status.st_uid):
        who = "a group other than its owner's own"
    else:
        return
    raise ConfigurationError(
        f"{path}: {who} may write to the log's folder, and so could trick a job that runs as root: run it as the "
        "folder's owner, take the write permission away, or say --allow-unsafe-folder"
    )


def _own_group(user: int) -> int | None:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return None
