"""The holder of a log, as recorded in its lock file, and whether it still keeps others out.

If this system knows the holder's process, it says whether that is alive. Any other holder is judged by its silence.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Self

import msgspec

SILENCE = 300.0  # seconds without a renewal, after which a holder that can't be examined counts as dead
LARGEST = 4096  # bytes of a record
_STATE, _START = 0, 19  # fields of /proc/PID/stat behind the command's name
_VALUE = re.compile(rb'"(?:[^"\\\n]|\\.)*"?|-?[0-9]*')  # of a field, the last one maybe torn


class Holder(msgspec.Struct, frozen=True):
    """One job: the process that runs it, and since when (UTC) it has held the lock.

    `start` is when the process began, in clock ticks after the boot. `device` is the lock file's if the flock
    on it is complete, so that a job that gets that lock knows that the holder is gone; else 0. What can't be known is
    empty, or 0. `token` is random.
    """

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start: int
    since: str
    token: str
    device: int = 0

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}, since {self.since}"

    @classmethod
    def myself(cls, device: int) -> Self:
        """Return a record of this process, as holder from now on."""
        return cls(
            host=os.uname().nodename,
            boot_id=_text("sys/kernel/random/boot_id"),
            pid_namespace=_link("self/ns/pid"),
            pid=os.getpid(),
            start=int(_fields(os.getpid())[_START]),
            since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            token=os.urandom(8).hex(),
            device=device,
        )

    def encoded(self) -> bytes:
        """Return the record as it is written to the lock file."""
        return msgspec.json.encode(self) + b"\n"

    @classmethod
    def decoded(cls, content: bytes) -> Self | None:
        """Return the record in a lock file; None if that is empty, torn or not ours: then nobody holds the lock."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def is_of_a_lock(content: bytes) -> bool:
    """Return whether a job may have left this in its lock file: nothing, NULs, a record or, torn, the beginning of one.

    A record may be followed by the rest of a longer one.
    """
    content = content.rstrip(b"\0")
    return Holder.decoded(content.partition(b"\n")[0]) is not None or _begins_record(content)


def _begins_record(content: bytes) -> bool:
    at = 0
    for field in Holder.__struct_fields__:
        key = f'{"," if at else "{"}"{field}":'.encode()
        if not content.startswith(key, at):
            return key.startswith(content[at:])
        value = _VALUE.match(content, at + len(key))
        at = value.end() if value else at
    return at == len(content)


def lives(holder: Holder, me: Holder) -> bool | None:
    """Return whether this process is alive; None if that can't be known from here."""
    if not _is_of_this_boot(holder, me) or not holder.pid_namespace or holder.pid_namespace != me.pid_namespace:
        return None
    if holder.pid <= 0:
        return False
    try:
        os.kill(holder.pid, 0)  # signal 0 only checks, and works even if /proc hides the process
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    fields = _fields(holder.pid)
    if fields == _UNKNOWN:
        return None
    return fields[_STATE] not in {"Z", "X"} and int(fields[_START]) == holder.start


def keeps_out(holder: Holder, me: Holder, silent_for: Callable[[], float]) -> bool:
    """Return whether this holder still has the lock, although `me` holds the flock on the file, if any.

    `silent_for` returns how many seconds ago the holder renewed it.
    """
    if holder.pid != me.pid:  # for a record of this process itself, the flock or the silence decides
        alive = lives(holder, me)
        if alive is not None:
            return alive
    if me.device and _is_of_this_boot(holder, me) and holder.device == me.device:
        return False
    rebooted = holder.boot_id and me.boot_id and holder.boot_id != me.boot_id
    if me.device and holder.host == me.host and rebooted:
        return False
    return silent_for() < SILENCE


def _is_of_this_boot(holder: Holder, me: Holder) -> bool:
    """Return whether both run under the same boot, by its unique ID: a container has a host name of its own."""
    return bool(me.boot_id) and holder.boot_id == me.boot_id


_UNKNOWN = ["", *["0"] * _START]


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the command's name; _UNKNOWN if it is hidden."""
    return _text(f"{pid}/stat").rpartition(") ")[2].split() or _UNKNOWN


def _text(name: str) -> str:
    try:
        with open(f"/proc/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/{name}")
    except OSError:
        return ""
