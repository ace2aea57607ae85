"""Carries out one action: builds the replacement, and puts it in the segment's place under a read lease.

The order of the steps is the whole point; `disk` says which invariants it keeps. One worker carries one action out
from beginning to end, so that nothing can come between.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import msgspec

from asynclog.errors import ChangedError, DisagreementError
from asynclog.storage.byte_ranges import Hole, Part
from asynclog.storage.local.commit.drain import Displaced, Undone
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.exchange import (
    DisplacedError,
    LateWriterError,
    discard_staged,
    swap,
    undo_swap,
    unlink_displaced,
)
from asynclog.storage.local.commit.precommit import (
    IdleRule,
    NoLeaseError,
    Pinned,
    Target,
    confirm,
    must_be_free,
    must_be_removable,
    must_go_on_with_a_line,
    must_hold,
    pin,
)
from asynclog.storage.local.commit.staging import build, discard
from asynclog.storage.local.commit.truncation import FULL, truncate_expired
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import OldLink, StagedFile, new_name
from asynclog.storage.proof import Proof
from asynclog.types import Action, Outcome

_HEAD = 1 << 12  # bytes of a replacement by which it is known again
_HINTS = {
    errno.EPERM: " (not our file, of a group that we are not in, append-only or immutable: see ls -l, id and lsattr)",
    errno.EXDEV: " (it is a mount of its own, and can't be replaced: mount the log's folder instead)",
}


class Survivors(Protocol):
    """Says what of a segment has not expired. Raises OSError, ChangedError or DisagreementError."""

    def proof(self) -> Proof:
        """A proof with nothing in it yet."""

    def staying(self, action: Action, descriptor: int, proof: Proof, size: int) -> Iterable[Part]:
        """The bytes that stay of the first `size`, in order, each part good until the next one is asked for."""

    def confirm_drop(self, action: Action, descriptor: int, proof: Proof) -> None:
        """A last word on a segment that goes whole."""


class CommitResult(msgspec.Struct, frozen=True):
    """A commit that has happened. `displaced` is what is to be drained; None if that is the next job's business.

    `size` is that of the segment now, `fault` in words what the disk said when it was to be made durable.
    """

    displaced: Displaced | None
    size: int
    lease_ns: int
    leased: bool
    fault: str = ""


def apply_action(
    disk: LogDirectory, backlog: DrainQueue, quiet: IdleRule, evidence: Survivors, action: Action
) -> Outcome:
    """Drops or rewrites a segment, as its action says. What fails or has to wait is an outcome, not an error."""
    outcome = _attempt(disk, backlog, quiet, evidence, action)
    backlog.settle()
    return outcome


def _attempt(disk: LogDirectory, backlog: DrainQueue, quiet: IdleRule, evidence: Survivors, action: Action) -> Outcome:
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
    except NoLeaseError as error:
        return msgspec.structs.replace(_left(action, "skipped", str(error)), unleased=True)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        return _left(action, "failed", f"{error.strerror}{hint}: it was left as it is")
    # Without leases nobody can tell who still writes to the old file: the next job looks again.
    if replaced.displaced and replaced.leased:
        backlog.add(replaced.displaced.hidden, known=replaced.displaced)
    return Outcome(
        action.segment,
        "failed" if replaced.fault else "done",
        replaced.fault,
        action.expired,
        replaced.size,
        replaced.lease_ns,
        unleased=not replaced.leased,
    )


def _left(action: Action, status: Literal["skipped", "failed"], reason: str) -> Outcome:
    return Outcome(action.segment, status, reason, bytes_after=action.fingerprint.size)


def _replace(
    disk: LogDirectory, backlog: DrainQueue, quiet: IdleRule, evidence: Survivors, action: Action
) -> CommitResult:
    proof = evidence.proof()
    try:
        return _replace_in_place(backlog, quiet, evidence, action, proof)
    except OSError as error:
        if (
            action.kind != "drop"
            or action.of_nothing
            or error.errno not in FULL
            or disk.broken
            or proof.size != action.fingerprint.size
        ):
            raise
    return _drop_emptied(backlog, quiet, action, proof)


def _replace_in_place(
    backlog: DrainQueue, quiet: IdleRule, evidence: Survivors, action: Action, proof: Proof
) -> CommitResult:
    disk = backlog.disk
    source = disk.open(action.segment)
    try:
        must_hold(action, os.fstat(source))
        must_be_free(disk, source)
        must_be_removable(disk, source)
        target = Target(action, source, proof)
        if action.kind == "rewrite":
            return _rewrite(backlog, quiet, evidence, target)
        evidence.confirm_drop(*target)
        return _commit(backlog, quiet, target, StagedFile(action.segment, 0, 0))
    finally:
        disk.close(source)  # and so ends the lease


def _rewrite(backlog: DrainQueue, quiet: IdleRule, evidence: Survivors, target: Target) -> CommitResult:
    disk = backlog.disk
    size = os.fstat(target.source).st_size
    must_go_on_with_a_line(target.source, target.action.fingerprint.size, size)
    head = bytearray()
    built = _build(disk, target, _noting_head(evidence.staying(*target, size), head), size)
    try:
        return _commit(backlog, quiet, target, built, bytes(head))
    except (DisplacedError, LateWriterError):
        raise  # a writer may have come to the replacement
    except BaseException:
        discard_staged(disk, built)
        raise


def _drop_emptied(backlog: DrainQueue, quiet: IdleRule, action: Action, proof: Proof) -> CommitResult:
    """If there is still no room for names, or somebody comes, it stays there, empty but for what is new."""
    disk = backlog.disk
    fingerprint, fault = truncate_expired(disk, action, proof)
    if fault:
        return CommitResult(None, fingerprint.size, 0, leased=True, fault=fault)
    emptied = msgspec.structs.replace(action, fingerprint=fingerprint)
    try:
        source = disk.open(action.segment)
        try:
            return _commit(
                backlog, quiet, Target(emptied, source, proof.of_nothing()), StagedFile(action.segment, 0, 0)
            )
        finally:
            disk.close(source)
    except (BlockingIOError, FileNotFoundError, ChangedError, NoLeaseError):
        pass
    except OSError as error:
        if error.errno not in FULL or disk.broken:
            fault = f"{error.strerror}: it was emptied, but can't be removed"
    return CommitResult(None, 0, 0, leased=True, fault=fault)


def _build(disk: LogDirectory, target: Target, staying: Iterable[Part], size: int) -> StagedFile:
    action, source, _ = target
    temporary = new_name(action.segment)
    expected = action.bytes_after + size - action.fingerprint.size
    copied = build(disk, temporary, source, staying, expected)
    try:
        if copied != expected:
            raise ChangedError
        built = StagedFile(action.segment, disk.status(temporary).st_ino, copied)
        disk.rename(temporary, str(built))
    except BaseException:
        discard(disk, temporary)
        raise
    return built


def _noting_head(parts: Iterable[Part], head: bytearray) -> Iterator[Part]:
    """Copies the beginning of these parts, up to their first hole."""
    most = _HEAD
    for part in parts:
        if isinstance(part, Hole):
            most = len(head)
        else:
            head += part[: most - len(head)]
        yield part


def _commit(backlog: DrainQueue, quiet: IdleRule, target: Target, built: StagedFile, head: bytes = b"") -> CommitResult:
    """From the second name to the end of the lease. A writer's open() waits only from `pin` to `confirm`."""
    disk, (action, source, proof) = backlog.disk, target
    hidden = OldLink.of(action.segment, proof.size, os.urandom(4))
    disk.link(action.segment, str(hidden))
    try:
        disk.sync_folder()
        pinned = pin(disk, quiet, target)
        if action.kind == "rewrite" and not disk.is_dressed_like(str(built), source):
            raise ChangedError
        hidden = _with_digest(disk, hidden, pinned.digest)
    except BaseException:
        disk.release(source)
        with contextlib.suppress(OSError):  # else recovery does it
            disk.unlink(str(hidden))
        raise
    try:
        swapped = swap(disk, action, built)
    except BaseException:
        disk.release(source)
        _undo_link(disk, hidden)
        raise
    fault = ""
    try:
        disk.sync_folder()
        if swapped:
            confirm(disk, source, built, pinned)
            unlink_displaced(disk, built, {pinned.inode})
    except (DisplacedError, LateWriterError):
        disk.release(source)  # the file has all that it had, under whatever name: nobody has to wait for that
        undo_swap(backlog, built, Undone(proof, head))
        _undo_link(disk, hidden)
        raise
    except OSError as error:
        if disk.visible_name(pinned.inode) is not None:
            raise  # a rotation was faster, and the next job gives that file its name back
        fault = f"{error.strerror}: it was replaced, but that may not last, and the next job finishes it"
    disk.release(source)
    waited = time.monotonic_ns() - pinned.begun_ns
    displaced = None if fault else _displaced(disk, target, pinned, hidden)
    return CommitResult(displaced, built.size, waited, pinned.leased, fault)


def _with_digest(disk: LogDirectory, hidden: OldLink, digest: bytes) -> OldLink:
    """Has the name tell what was judged, while nobody can change it: this job may be killed, and writers go on."""
    known = hidden.going_on(hidden.accounted, digest)
    if known != hidden:  # of nothing there is no digest
        disk.rename(str(hidden), str(known))
    return known


def _displaced(disk: LogDirectory, target: Target, pinned: Pinned, hidden: OldLink) -> Displaced | None:
    """The old file; None if the disk does not tell of it any more, and the next job has to see to it."""
    try:
        return Displaced(hidden, pinned.fingerprint(os.fstat(target.source)), target.proof, disk.ticket())
    except OSError:
        return None


def _undo_link(disk: LogDirectory, hidden: OldLink) -> None:
    """Removes the link of a commit that was undone, if the file has got another name back; else recovery does both."""
    with contextlib.suppress(OSError):
        if disk.status(str(hidden)).st_nlink > 1:
            disk.unlink(str(hidden))
