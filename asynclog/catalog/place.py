"""Where the catalog of a log is: one file in the state folder, which is ours alone."""

import contextlib
import errno
import hashlib
import os
import stat


def catalog_path(state: str, folder: str, base: str) -> str:
    """The catalog's file for this log, in the state folder, which is made, for its owner only, where there is none.

    Raises OSError where it can't be used.
    """
    os.makedirs(state, mode=0o700, exist_ok=True)
    _must_be_ours(os.stat(state))
    digest = hashlib.blake2b(os.fsencode(os.path.join(os.path.realpath(folder), base)), digest_size=8).hexdigest()
    path = os.path.join(state, f"{os.path.splitext(base)[0]}-{digest}.sqlite")
    with contextlib.suppress(FileNotFoundError):
        _must_be_ours(os.stat(path, follow_symlinks=False))
    return path


def _must_be_ours(status: os.stat_result) -> None:
    """What others may write, they could make us believe."""
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(errno.EPERM, "it belongs to another user, or others may write to it")
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise PermissionError(errno.EPERM, "it is neither a file nor a folder")
