"""Carries out one action: builds the replacement, and puts it in the segment's place under a read lease.

The order of the steps is the whole point; `disk` says which invariants it keeps. One worker carries one action
out from beginning to end, so that nothing can come between.
"""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from asynclog.apply.copy import kept_ranges
from asynclog.apply.disk import Disk
from asynclog.apply.drain import Backlog
from asynclog.apply.replacement import build, discard
from asynclog.errors import ChangedError
from asynclog.model import Action, Fingerprint, Outcome
from asynclog.names import Hidden, new_name

# (descriptor, size) -> the byte ranges of the segment's expired lines, in order and apart.
FindExpired = Callable[[int, int], Iterable[tuple[int, int]]]


class Replaced(msgspec.Struct, frozen=True):
    """A commit that has happened. `fault` is in words what the disk said when it was to be made durable."""

    hidden: Hidden
    lease_ns: int
    fault: str = ""


def carry_out(disk: Disk, backlog: Backlog, find_expired: FindExpired, action: Action) -> Outcome:
    """Drops or rewrites a segment, as its action says. What fails or has to wait is an outcome, not an error."""
    outcome = _attempt(disk, backlog, find_expired, action)
    backlog.settle()
    return outcome


def _attempt(disk: Disk, backlog: Backlog, find_expired: FindExpired, action: Action) -> Outcome:
    try:
        replaced = _replace(disk, find_expired, action)
    except FileNotFoundError:
        return _left(action, "skipped", "it has vanished since it was scanned")
    except ChangedError:
        return _left(action, "skipped", "it has changed since it was scanned")
    except BlockingIOError:
        return _left(action, "skipped", "it is busy: somebody has it open for writing")
    except OSError as error:
        return _left(action, "failed", f"{error.strerror}: it was left as it is")
    backlog.add(replaced.hidden)
    return Outcome(
        action.segment,
        "failed" if replaced.fault else "done",
        replaced.fault,
        action.expired,
        action.bytes_after,
        replaced.lease_ns,
    )


def _left(action: Action, status: Literal["skipped", "failed"], reason: str) -> Outcome:
    return Outcome(action.segment, status, reason, bytes_after=action.fingerprint.size)


def _replace(disk: Disk, find_expired: FindExpired, action: Action) -> Replaced:
    source = disk.open(action.segment)
    try:
        _must_be(action.fingerprint, os.fstat(source))
        if action.kind == "drop":
            return _commit(disk, source, action, lambda: disk.unlink(action.segment))
        temporary = new_name(action.segment)
        size = action.fingerprint.size
        copied = build(disk, temporary, source, kept_ranges(find_expired(source, size), size))
        try:
            if copied != action.bytes_after:
                raise ChangedError
            return _commit(disk, source, action, lambda: disk.rename(temporary, action.segment))
        except BaseException:
            discard(disk, temporary)
            raise
    finally:
        disk.close(source)  # and so ends the lease


def _commit(disk: Disk, source: int, action: Action, swap: Callable[[], None]) -> Replaced:
    """From the lease to its end: while it is held a writer's open() waits, so nothing is done here that need not be."""
    disk.lease(source)
    begun = time.monotonic_ns()
    _must_be(action.fingerprint, disk.status(action.segment))
    hidden = Hidden(action.segment, secrets.token_hex(4), action.fingerprint.size)
    disk.link(action.segment, str(hidden))
    try:
        disk.sync_folder()
        if not disk.leased(source):
            raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")
        if disk.status(action.segment).st_ino != action.fingerprint.inode:
            raise ChangedError
        swap()
    except BaseException:
        _undo_link(disk, action, hidden)
        raise
    fault = ""
    try:
        disk.sync_folder()
    except OSError as error:
        fault = f"{error.strerror}: it was replaced, but a power cut now might undo that"
    disk.release(source)
    return Replaced(hidden, time.monotonic_ns() - begun, fault)


def _undo_link(disk: Disk, action: Action, hidden: Hidden) -> None:
    """Removes the link of a commit that did not happen; where that is not certain, recovery finds out."""
    with contextlib.suppress(OSError):
        if disk.status(action.segment).st_ino == action.fingerprint.inode:
            disk.unlink(str(hidden))


def _must_be(fingerprint: Fingerprint, status: os.stat_result) -> None:
    """Raises ChangedError where a file is not the one with this fingerprint, under one name only."""
    if Fingerprint.of(status) != fingerprint or status.st_nlink != 1:
        raise ChangedError
