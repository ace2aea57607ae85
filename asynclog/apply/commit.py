"""Carries out one action: builds the replacement, and puts it in the segment's place under a read lease.

The order of the steps is the whole point; `disk` says which invariants it keeps. One worker carries one action out
from beginning to end, so that nothing can come between.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from asynclog.apply.disk import Disk
from asynclog.apply.drain import Backlog
from asynclog.apply.full_disk import FULL, empty
from asynclog.apply.replacement import build, discard
from asynclog.apply.swap import DisplacedError, let_go, swap, throw_away, undo_swap
from asynclog.errors import ChangedError, DisagreementError
from asynclog.model import Action, Fingerprint, Outcome
from asynclog.names import Built, Hidden, new_name

_NOT_PERMITTED = " (not our file, of a group that we are not in, append-only or immutable: see ls -l, id and lsattr)"


class Evidence(Protocol):
    """Says what of a segment has not expired. Raises OSError, ChangedError or DisagreementError."""

    def staying(self, action: Action, descriptor: int) -> Iterable[memoryview]:
        """The bytes that stay, in order, each part good until the next one is asked for."""

    def confirm_drop(self, action: Action, descriptor: int) -> None:
        """A last word on a segment that goes whole."""


class Quiet(msgspec.Struct, frozen=True):
    """Which segments nobody writes to any more, where no lease can tell: none of `newest`, none changed since."""

    newest: frozenset[str]
    since_ns: int

    def covers(self, action: Action) -> bool:
        return action.segment not in self.newest and action.fingerprint.mtime_ns < self.since_ns


class NotQuietError(Exception):
    """There is no lease to be had, and the segment may still be written to."""


class Replaced(msgspec.Struct, frozen=True):
    """A commit that has happened. `hidden` is what is to be drained; None where that is the next job's business.

    `fault` is in words what the disk said when it was to be made durable.
    """

    hidden: Hidden | None
    lease_ns: int
    leased: bool
    fault: str = ""


def carry_out(disk: Disk, backlog: Backlog, quiet: Quiet, evidence: Evidence, action: Action) -> Outcome:
    """Drops or rewrites a segment, as its action says. What fails or has to wait is an outcome, not an error."""
    outcome = _attempt(disk, backlog, quiet, evidence, action)
    backlog.settle()
    return outcome


def _attempt(disk: Disk, backlog: Backlog, quiet: Quiet, evidence: Evidence, action: Action) -> Outcome:
    try:
        replaced = _replace(disk, backlog, quiet, evidence, action)
    except FileNotFoundError:
        return _left(action, "skipped", "it has vanished since it was scanned")
    except ChangedError:
        return _left(action, "skipped", "it has changed since it was scanned")
    except BlockingIOError:
        return _left(action, "skipped", "it is busy: somebody has it open for writing")
    except DisagreementError as error:
        return msgspec.structs.replace(_left(action, "failed", f"{error}: it was left as it is"), bug=True)
    except NotQuietError:
        reason = "no file lease is to be had here, and somebody may still write to it"
        return msgspec.structs.replace(_left(action, "skipped", reason), unleased=True)
    except OSError as error:
        hint = _NOT_PERMITTED if error.errno == errno.EPERM else ""
        return _left(action, "failed", f"{error.strerror}{hint}: it was left as it is")
    if replaced.hidden:
        backlog.add(replaced.hidden)
    return Outcome(
        action.segment,
        "failed" if replaced.fault else "done",
        replaced.fault,
        action.expired,
        action.bytes_after,
        replaced.lease_ns,
        unleased=not replaced.leased,
    )


def _left(action: Action, status: Literal["skipped", "failed"], reason: str) -> Outcome:
    return Outcome(action.segment, status, reason, bytes_after=action.fingerprint.size)


def _replace(disk: Disk, backlog: Backlog, quiet: Quiet, evidence: Evidence, action: Action) -> Replaced:
    try:
        return _replace_proven(disk, backlog, quiet, evidence, action)
    except OSError as error:
        if action.kind != "drop" or error.errno not in FULL or disk.broken:
            raise
    return _drop_emptied(disk, backlog, quiet, action)


def _replace_proven(disk: Disk, backlog: Backlog, quiet: Quiet, evidence: Evidence, action: Action) -> Replaced:
    source = disk.open(action.segment)
    try:
        _must_be(action.fingerprint, os.fstat(source))
        if action.kind == "drop":
            evidence.confirm_drop(action, source)
            return _commit(backlog, quiet, source, action, Built(action.segment, 0, 0))
        built = _build(disk, source, action, evidence.staying(action, source))
        try:
            return _commit(backlog, quiet, source, action, built)
        except DisplacedError:
            raise  # a writer may have come to the replacement
        except BaseException:
            throw_away(disk, built)
            raise
    finally:
        disk.close(source)  # and so ends the lease


def _drop_emptied(disk: Disk, backlog: Backlog, quiet: Quiet, action: Action) -> Replaced:
    """Where there is still no room for names, or somebody comes, it stays there, empty but for what is new."""
    fingerprint, fault = empty(disk, action)
    if fault:
        return Replaced(None, 0, leased=True, fault=fault)
    emptied = msgspec.structs.replace(action, fingerprint=fingerprint)
    try:
        source = disk.open(action.segment)
        try:
            return _commit(backlog, quiet, source, emptied, Built(action.segment, 0, 0))
        finally:
            disk.close(source)
    except (BlockingIOError, FileNotFoundError, ChangedError, NotQuietError):
        pass
    except OSError as error:
        if error.errno not in FULL or disk.broken:
            fault = f"{error.strerror}: it was emptied, but can't be removed"
    return Replaced(None, 0, leased=True, fault=fault)


def _build(disk: Disk, source: int, action: Action, staying: Iterable[memoryview]) -> Built:
    temporary = new_name(action.segment)
    size = build(disk, temporary, source, staying)
    try:
        if size != action.bytes_after:
            raise ChangedError
        built = Built(action.segment, disk.status(temporary).st_ino, size)
        disk.rename(temporary, str(built))
    except BaseException:
        discard(disk, temporary)
        raise
    return built


def _commit(backlog: Backlog, quiet: Quiet, source: int, action: Action, built: Built) -> Replaced:
    """From the lease to its end: while it is held a writer's open() waits, so nothing is done here that need not be."""
    disk = backlog.disk
    leased = disk.lease(source)
    begun = time.monotonic_ns()
    if not leased and not quiet.covers(action):
        raise NotQuietError
    _must_be(action.fingerprint, disk.status(action.segment))
    hidden = Hidden(action.segment, os.urandom(4).hex(), action.fingerprint.size)
    disk.link(action.segment, str(hidden))
    try:
        disk.sync_folder()
        _must_be_alone(disk, source, action, leased=leased)
        swapped = swap(disk, action, built)
    except BaseException:
        _undo_link(disk, hidden)
        raise
    fault = ""
    try:
        if swapped and not let_go(disk, built, {action.fingerprint.inode}):
            undo_swap(backlog, built)
            _undo_link(disk, hidden)
            raise DisplacedError
        disk.sync_folder()
    except OSError as error:
        if disk.visible_name(action.fingerprint.inode) is not None:
            raise  # a rotation was faster, and the next job gives that file its name back
        fault = f"{error.strerror}: it was replaced, but that may not last, and the next job finishes it"
    if leased:
        disk.release(source)
    return Replaced(None if fault else hidden, time.monotonic_ns() - begun, leased, fault)


def _must_be_alone(disk: Disk, source: int, action: Action, *, leased: bool) -> None:
    """The last look: nobody waits for the lease's end, and the name still means the same file."""
    if leased and not disk.leased(source):
        raise BlockingIOError(errno.EAGAIN, "somebody opened it for writing meanwhile")
    if not action.fingerprint.is_but_for_names(disk.status(action.segment)):
        raise ChangedError


def _undo_link(disk: Disk, hidden: Hidden) -> None:
    """Removes the link of a commit that did not happen: the file still has its other name, whichever that is by now.

    Where that is not certain, recovery finds out.
    """
    with contextlib.suppress(OSError):
        if disk.status(str(hidden)).st_nlink > 1:
            disk.unlink(str(hidden))


def _must_be(fingerprint: Fingerprint, status: os.stat_result) -> None:
    """Raises ChangedError where a file is not the one with this fingerprint, under one name only."""
    if Fingerprint.of(status) != fingerprint or status.st_nlink != 1:
        raise ChangedError
