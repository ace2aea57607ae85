"""Carry out one action of a plan, and report its outcome: the only place that maps errors to outcomes.

One worker carries an action out from beginning to end, so that no other can interfere. The steps are in `replace`.
"""

import errno
import os
from typing import Literal

import msgspec

from asynclog.actions import Action, Outcome
from asynclog.errors import ChangedError, DisagreementError
from asynclog.storage.local.access.user import group_of, user_of
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.full_disk_drop import FULL, drop_truncated
from asynclog.storage.local.commit.precommit import IdleRule, NoLeaseError
from asynclog.storage.local.commit.replace import CommitResult, replace
from asynclog.storage.proof import Proof
from asynclog.storage.segment_store import Survivors

_HINTS = {
    errno.EXDEV: " (it is a mount of its own, and can't be replaced: mount the log's folder instead)",
}


def apply_action(queue: DrainQueue, idle: IdleRule, survivors: Survivors, action: Action) -> Outcome:
    """Drop or rewrite a segment, as its action says, and return the outcome, even if it fails or has to wait."""
    proof = survivors.proof()
    try:
        result = _replace_or_truncate(queue, idle, survivors, action, proof)
    except Exception as error:
        outcome = _outcome_of(queue, action, error)
    else:
        # Without a lease a writer of the old file can't be detected: the next job looks again.
        if result.displaced and result.leased:
            queue.add(result.displaced.old, result.displaced)
        outcome = _outcome_after(action, result)
    queue.drain_due()
    return msgspec.structs.replace(outcome, reread=proof.reread)


def _replace_or_truncate(
    queue: DrainQueue, idle: IdleRule, survivors: Survivors, action: Action, proof: Proof
) -> CommitResult:
    try:
        return replace(queue, idle, survivors, action, proof)
    except OSError as error:
        is_judged = proof.size == action.fingerprint.size and not action.of_nothing
        if action.kind != "drop" or not is_judged or error.errno not in FULL or queue.directory.sync_failed:
            raise
    return drop_truncated(queue, idle, action, proof)


def _outcome_after(action: Action, result: CommitResult) -> Outcome:
    return Outcome(
        action.segment,
        "failed" if result.fault else "done",
        result.fault,
        action.records_to_delete,
        result.size,
        result.lease_ns,
        unleased=not result.leased,
    )


def _outcome_of(queue: DrainQueue, action: Action, error: Exception) -> Outcome:
    """Return the outcome of an action that failed or has to wait: the segment is unchanged. Raise any other error."""
    match error:
        case FileNotFoundError():
            return left(action, "skipped", "it has vanished since it was scanned")
        case ChangedError():
            return left(action, "skipped", "it has changed since it was scanned")
        case BlockingIOError():
            return left(action, "skipped", "it is busy: somebody has it open for writing")
        case NoLeaseError():
            return msgspec.structs.replace(left(action, "skipped", str(error)), unleased=True)
        case DisagreementError():
            return msgspec.structs.replace(left(action, "failed", f"{error}: it was left as it is"), bug=True)
        case OSError():
            hint = _HINTS.get(error.errno or 0, "") or _whose(queue, action, error)
            return left(action, "failed", f"{error.strerror}{hint}: it was left as it is")
    raise error


def _whose(queue: DrainQueue, action: Action, error: OSError) -> str:
    """Return who we are, and whose the segment is, if we lack a right on it."""
    if error.errno != errno.EPERM:
        return ""
    try:
        status = queue.directory.status(action.segment)
    except OSError:
        return ""
    return (
        " (not our file, of a group that we are not in, append-only or immutable: "
        f"we are {user_of(os.geteuid())}, and it is of {user_of(status.st_uid)}, {group_of(status.st_gid)}; "
        "see ls -l, id and lsattr)"
    )


def left(action: Action, status: Literal["skipped", "failed"], reason: str) -> Outcome:
    """Return the outcome of an action of which nothing was done."""
    return Outcome(action.segment, status, reason, bytes_after=action.fingerprint.size)
