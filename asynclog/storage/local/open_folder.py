"""Open the log's folder once, and check it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from asynclog.errors import ConfigurationError
from asynclog.storage.local.access.other_writers import other_writer
from asynclog.storage.local.access.trusted_open import permissions_of
from asynclog.storage.local.linux.metadata import fixed


@contextmanager
def opened_folder(path: str, *, allow_unsafe: bool) -> Iterator[int]:
    """Open the folder for the `with`, and yield its descriptor. Raise FileNotFoundError if there is none.

    Raise ConfigurationError if it is not a folder, is a symbolic link or, for root, may be written to by others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if os.path.islink(path):
            raise ConfigurationError(
                f"{path}: the log's folder is a symbolic link, which may lead elsewhere tomorrow: "
                f"write {os.path.realpath(path)} instead"
            ) from None
        raise ConfigurationError(f"{path}: the log's folder can't be opened: {error.strerror}{_whose(path)}") from None
    try:
        _must_be_entered(path, descriptor)
        if os.geteuid() == 0 and not allow_unsafe:
            _refuse_unsafe(path, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _whose(path: str) -> str:
    """Return who we are and whose the folder is, if it is somebody else's and can be seen."""
    from asynclog.storage.local.access.user import user_of  # noqa: PLC0415 - only for a message

    with suppress(OSError):
        owner = os.stat(path, follow_symlinks=False).st_uid
        if owner != os.geteuid():
            return f": we are {user_of(os.geteuid())}, and it is of {user_of(owner)}: run the job as that user"
    return ""


def fixed_folder(folder: str, flag: str) -> str:
    """Return why no run works in a folder with this flag, `immutable` or `append-only`, and what to do about it."""
    letter = "i" if flag == "immutable" else "a"
    return (
        f"{folder} is {flag} (see lsattr), so that no file there can be removed or renamed: take that flag away first, "
        f"with chattr -{letter} {folder}"
    )


def refuse_fixed(path: str, descriptor: int) -> None:
    """Raise ConfigurationError if the folder is immutable or append-only: files made there could not be removed."""
    flag = fixed(descriptor)
    if flag:
        raise ConfigurationError(f"{fixed_folder(path, flag)}: nothing was touched")


def _must_be_entered(path: str, descriptor: int) -> None:
    try:
        os.stat(".", dir_fd=descriptor)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the log's folder can be listed, but not entered: {error.strerror}: this user has no right x on it"
        ) from None


def _refuse_unsafe(path: str, descriptor: int) -> None:
    who = other_writer(permissions_of(descriptor), {0})
    if who:
        raise ConfigurationError(
            f"{path}: {who} may write to the log's folder, and so could trick a job that runs as root: run it as the "
            "folder's owner, take the write permission away, or say --allow-unsafe-folder"
        )
