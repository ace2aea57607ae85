"""Read the files of a configuration: short texts. Each error names the file and, if it is known, the line."""

import errno
import hashlib
import os
import stat
from typing import BinaryIO, Literal

import msgspec

from asynclog.errors import ConfigurationError
from asynclog.storage.local.access.other_writers import other_writer
from asynclog.storage.local.access.trusted_open import StrangerError, open_file, permissions_of

LARGEST = 16 << 20  # bytes; a policy of 1,000 schemas has about 100 KiB, a registry of years some MiB

_PART = 1 << 20  # bytes read at once


class FileText(msgspec.Struct, frozen=True):
    """The text of a file, and the SHA-256 of its bytes, in hexadecimal."""

    text: str
    sha256: str


# Why a file is read: a person named it; or it was found, or is named by one that was found; or it lies beside
# the log, and is its owner's; or it is a plan that says itself which log it is for,
# or names programs to run.
Origin = Literal["named", "found", "beside", "plan", "hooks"]

# Why no stranger may have written such a file, and what to do about it.
_NO_STRANGER = {
    "found": (
        "this file was found, not named, and {}: somebody else could say there what is deleted. Nothing was touched. "
        "If it is meant, name the configuration: --config FILE"
    ),
    "hooks": (
        "this configuration has hooks, and {}: somebody else could say there what is run. Nothing was touched. Take "
        "the write permission away, or the hooks out"
    ),
    "plan": (
        "this plan is to say which log it is for, and {}: somebody else could say there what is deleted. Nothing was "
        "touched. If it is meant, name the log, too: --config FILE, or --path LOG and --schemas FILE"
    ),
}


def read_text(path: str, largest: int = LARGEST, origin: Origin = "named") -> str:
    """Return the file's text. Raise an error naming it if it can't be read, is too large, has a NUL or is not UTF-8.

    What nobody has named, others could have put there, or write to: then it is an error, too.
    """
    return _decoded(path, _read(path, largest, origin))


def read_file(path: str, largest: int = LARGEST, origin: Origin = "named") -> FileText:
    """Return the same with what identifies the very bytes that were read."""
    data = _read(path, largest, origin)
    return FileText(_decoded(path, data), hashlib.sha256(data).hexdigest())


def _read(path: str, largest: int, origin: Origin) -> bytes:
    try:
        with open(_opened(path, origin), "rb") as file:
            os.set_blocking(file.fileno(), True)
            return _all_of(file, path, largest)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}{_instead(path, error)}") from None


def _instead(path: str, error: OSError) -> str:
    """Return what may be meant by a path that is not there, or that of a folder; empty if nothing is known."""
    from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - only for an error

    folder, name = os.path.split(path)
    if error.errno == errno.EISDIR:
        return ": name a file in it"
    try:
        return did_you_mean(name, os.listdir(folder or ".")) if error.errno == errno.ENOENT else ""
    except OSError:
        return ""


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: this is not UTF-8") from None


def _opened(path: str, origin: Origin) -> int:
    if origin in _NO_STRANGER:
        try:
            return open_file(path)
        except StrangerError as error:
            raise ConfigurationError(f"{path}: {_NO_STRANGER[origin].format(error.strerror)}") from None
    # A FIFO that nobody writes to is empty, and not waited for; one that a shell made with <(…) is read.
    flags = os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK)
    except BlockingIOError:  # somebody's write lease, whose end Linux sees to; a FIFO never says so
        descriptor = os.open(path, flags)
    if origin == "beside":
        try:
            _refuse_unsafe(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def _refuse_unsafe(path: str, descriptor: int) -> None:
    """Leave a registry to its owner, unless others could trick root by it."""
    found = permissions_of(descriptor)
    if not stat.S_ISREG(found.mode):
        raise ConfigurationError(f"{path}: it is not a regular file: name it with --schemas if it is meant")
    who = other_writer(found, {0}) if os.geteuid() == 0 else ""
    if who:
        raise ConfigurationError(
            f"{path}: {who} may write to it, and so could trick a job that runs as root: run it as the file's owner, "
            "take the write permission away, or name the file with --schemas"
        )


def _all_of(file: BinaryIO, path: str, largest: int) -> bytes:
    """Read all of it, but stop once it is too large or has a NUL byte: a device may have no end."""
    parts: list[bytes] = []
    size = 0
    while part := file.read(_PART):
        if b"\0" in part:
            line = sum(each.count(b"\n") for each in parts) + part.count(b"\n", 0, part.index(b"\0")) + 1
            raise ConfigurationError(f"{path}:{line}: this is no text: it has a NUL byte")
        parts.append(part)
        size += len(part)
        if size > largest:
            raise ConfigurationError(f"{path}: larger than {largest >> 20} MiB, which no such file needs to be")
    return b"".join(parts)
