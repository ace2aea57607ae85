"""Drop a segment on a disk so full that the file can't be given a second name: truncate it first.

That frees the space that everything else needs. Under a write lease nobody else has the file open, and no name changes:
a writer that waits in open() meanwhile appends to the file that it meant.
"""

import errno
import os

import msgspec

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.segments import Fingerprint
from asynclog.storage.hidden_names import StagedFile
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.precommit import IdleRule, NoLeaseError, Target
from asynclog.storage.local.commit.replace import CommitResult, commit
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.proof import Proof

FULL = {errno.ENOSPC, errno.EDQUOT}


def drop_truncated(queue: DrainQueue, idle: IdleRule, action: Action, proof: Proof) -> CommitResult:
    """Truncate the segment, then drop it in the ordinary way, and return the result.

    If linking still fails or a writer arrives, the truncated segment stays, holding only new data. Raise OSError or
    ChangedError if nothing was changed.
    """
    directory = queue.directory
    fingerprint, fault = _truncate(directory, action, proof)
    if fault:
        return CommitResult(None, fingerprint.size, 0, leased=True, fault=fault)
    emptied = msgspec.structs.replace(action, fingerprint=fingerprint)
    try:
        source = directory.open(action.segment)
        try:
            target = Target(emptied, source, proof.of_nothing())
            return commit(queue, idle, target, StagedFile(action.segment, 0, 0))
        finally:
            directory.close(source)
    except (BlockingIOError, FileNotFoundError, ChangedError, NoLeaseError):
        pass
    except OSError as error:
        if error.errno not in FULL or directory.sync_failed:
            fault = f"{error.strerror}: it was emptied, but can't be removed"
    return CommitResult(None, 0, 0, leased=True, fault=fault)


def _truncate(directory: LogDirectory, action: Action, proof: Proof) -> tuple[Fingerprint, str]:
    """Truncate a wholly expired segment; return its fingerprint, and the disk's error in words or an empty string.

    Raise ChangedError if it is not what was judged, or OSError if it can't be opened exclusively: nothing was changed.
    """
    try:
        descriptor = directory.open_exclusive(action.segment)
    except OSError as error:
        raise OSError(
            errno.ENOSPC, f"The disk is full, and it can't be opened exclusively: {error.strerror}"
        ) from error
    try:
        if not action.fingerprint.is_but_for_names(os.fstat(descriptor)):
            raise ChangedError
        proof.check(LocalReader(descriptor), lambda: None)
        directory.truncate(descriptor)
        try:
            directory.sync(descriptor)
            return Fingerprint.of(os.fstat(descriptor)), ""
        except OSError as error:
            return action.fingerprint, f"{error.strerror}: it was emptied, but that may not last"
    finally:
        directory.close(descriptor)
