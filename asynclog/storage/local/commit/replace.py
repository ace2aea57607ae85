"""Put a replacement, or nothing, in a segment's place under a read lease.

The steps are numbered as in docs/reliability.md. Their order is the whole point; `directory` has the invariants.
"""

import contextlib
import os
import time
from collections.abc import Iterable

import msgspec

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.storage.codecs import HEAD, PLAIN, codec_for
from asynclog.storage.hidden_names import OldLink, StagedFile, new_name
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.exchange import (
    DisplacedError,
    LateWriterError,
    discard_staged,
    swap,
    unlink_displaced,
)
from asynclog.storage.local.commit.old_file_checks import Displaced, Withdrawn
from asynclog.storage.local.commit.precommit import (
    IdleRule,
    Pinned,
    Target,
    confirm,
    must_be_alone,
    must_be_free,
    must_be_removable,
    must_go_on_with_a_line,
    must_have_no_late_writer,
    must_hold,
    pin,
)
from asynclog.storage.local.commit.staging import Counted, build, discard
from asynclog.storage.local.commit.undo import swap_back, take_back, undo_link, undo_rest
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.proof import Proof
from asynclog.storage.segment_reader import Part
from asynclog.storage.segment_store import Survivors


class CommitResult(msgspec.Struct, frozen=True):
    """A commit that has happened. `displaced` is the old file to be drained; None if the next job has to do that.

    `size` is the segment's new size, `fault` says why it could not be made durable; empty if it could.
    """

    displaced: Displaced | None
    size: int
    lease_ns: int
    leased: bool
    fault: str = ""


def replace(queue: DrainQueue, idle: IdleRule, survivors: Survivors, action: Action, proof: Proof) -> CommitResult:
    """Drop or rewrite a segment, and return the result; `proof` notes what was judged.

    Raise the errors that `apply_action` maps to outcomes.
    """
    directory = queue.directory
    source = directory.open(action.segment)
    try:
        must_hold(action, os.fstat(source))
        must_be_free(directory, source)
        must_be_removable(directory, source)
        target = Target(action, source, proof)
        if action.kind == "rewrite":
            return _rewrite(queue, idle, survivors, target)
        survivors.verify_drop(action, LocalReader(source), proof)
        return commit(queue, idle, target, StagedFile(action.segment, 0, 0))
    finally:
        directory.close(source)  # and so ends the lease


def _rewrite(queue: DrainQueue, idle: IdleRule, survivors: Survivors, target: Target) -> CommitResult:
    directory = queue.directory
    size = os.fstat(target.source).st_size
    must_go_on_with_a_line(target.source, target.action.fingerprint.size, size)
    staying = survivors.iter_survivors(target.action, LocalReader(target.source), target.proof, size)
    staged, known = _stage(directory, target, staying, size)
    try:
        kept = directory.open(str(staged))  # else a new file may get its inode number, should somebody remove it
        try:
            return commit(queue, idle, target, staged, known)
        finally:
            directory.close(kept)
    except (DisplacedError, LateWriterError):
        raise  # a writer may have come to the replacement
    except BaseException:
        discard_staged(directory, staged)
        raise


def _stage(directory: LogDirectory, target: Target, staying: Iterable[Part], size: int) -> tuple[StagedFile, Withdrawn]:
    """Build the replacement, and give it the name that marks it as whole (step 2).

    Return it, and what is known of it should it lose the segment's name again: of a packed one, digests of its bytes.
    """
    action, source, _ = target
    temporary = new_name(action.segment)
    expected = action.line_bytes_after + size - action.fingerprint.size
    codec, lines = codec_for(action.segment) or PLAIN, Counted(staying)
    parts, built = codec.encode(os.pread(source, HEAD, 0), lines), target.proof.of_nothing()
    if codec.is_packed:
        parts = built.follow(parts)
    copied = build(directory, temporary, source, parts, size if codec.is_packed else expected)
    try:
        if lines.size != expected:
            raise ChangedError
        status = directory.status(temporary)
        staged = StagedFile(action.segment, status.st_ino, copied)
        directory.rename(temporary, str(staged))
    except BaseException:
        discard(directory, temporary)
        raise
    segment = FileId(action.fingerprint.device, action.fingerprint.inode)
    return staged, Withdrawn(built, segment, FileId.of(status), status.st_mtime_ns)


def commit(
    queue: DrainQueue, idle: IdleRule, target: Target, staged: StagedFile, known: Withdrawn | None = None
) -> CommitResult:
    """Do everything from the second name to the end of the lease, and return the result.

    A writer's open() waits only from `pin` to the release. `known` is what is known of a replacement.
    """
    directory, source = queue.directory, target.source
    pinned, old = _link_and_pin(queue, idle, target, staged)
    exchanged = _exchange(queue, target, staged, pinned, old)
    try:
        fault = _confirm(queue, source, staged, pinned, exchanged=exchanged)
    except (DisplacedError, LateWriterError):
        is_undone = swap_back(directory, staged) if exchanged else take_back(queue, staged, pinned.file, known)
        directory.release(source)  # the file has all that it had: for what is left to do nobody has to wait
        undo_rest(queue, staged, old, known, is_undone=is_undone)
        raise
    displaced = None if fault else _displaced(directory, target, pinned, old)
    stood = directory.release(source)
    waited = time.monotonic_ns() - pinned.begun_ns
    if displaced and not stood:  # a writer has come, perhaps before the fingerprint was taken
        displaced = msgspec.structs.replace(displaced, fingerprint=None)
    return CommitResult(displaced, staged.size, waited, pinned.leased, fault)


def _link_and_pin(queue: DrainQueue, idle: IdleRule, target: Target, staged: StagedFile) -> tuple[Pinned, OldLink]:
    """Give the segment its second name, durably, then take the lease and compare (steps 3 and 4). Return both."""
    directory, (action, source, proof) = queue.directory, target
    old = OldLink.of(action.segment, proof.size, os.urandom(4))
    directory.link(action.segment, str(old))
    try:
        directory.sync_folder()
        pinned = pin(directory, idle, target, queue.timing.lease_pauses)
        if action.kind == "rewrite" and not directory.has_metadata_of(str(staged), source):
            raise ChangedError
        return pinned, _with_digest(directory, old, pinned.digest)
    except BaseException:
        directory.release(source)
        with contextlib.suppress(OSError):  # else recovery does it
            directory.unlink(str(old))
        raise


def _with_digest(directory: LogDirectory, old: OldLink, digest: bytes) -> OldLink:
    """Put the digest into the name while nobody can change the file: this job may be killed, and writers go on.

    Return the new name.
    """
    known = old.advanced(old.processed_bytes, digest)
    if known != old:  # an empty file has no digest
        directory.rename(str(old), str(known))
    return known


def _exchange(queue: DrainQueue, target: Target, staged: StagedFile, pinned: Pinned, old: OldLink) -> bool:
    """Put the replacement in the segment's place (step 5). Return False if the file system can't exchange names."""
    try:
        must_be_alone(queue.directory, target.source, leased=pinned.leased)
        return swap(queue.directory, target.action, staged)
    except BaseException:
        queue.directory.release(target.source)
        undo_link(queue, old, staged)
        raise


def _confirm(queue: DrainQueue, source: int, staged: StagedFile, pinned: Pinned, *, exchanged: bool) -> str:
    """Make the exchange durable, and check what was displaced (step 6). Return the disk's error in words, or "".

    Raise DisplacedError or LateWriterError if it has to be undone.
    """
    directory = queue.directory
    try:
        if exchanged:
            must_have_no_late_writer(directory, source, pinned)  # it would wait for the disk
        if os.fstat(source).st_nlink > 1 + exchanged:  # it has been renamed or linked before
            _must_be_no_segment(queue, pinned.file)
        directory.sync_folder()
        if exchanged:
            confirm(directory, source, staged, pinned)
            unlink_displaced(directory, staged, {pinned.file})
    except LateWriterError:
        raise
    except OSError as error:
        return _fault(queue, pinned, error, exchanged=exchanged)
    return ""


def _must_be_no_segment(queue: DrainQueue, file: FileId) -> None:
    """Raise DisplacedError unless the old file is no segment any more: then what came to it has to be drained."""
    if queue.directory.visible_name(file, queue.names.match) is not None:
        raise DisplacedError


def _fault(queue: DrainQueue, pinned: Pinned, error: OSError, *, exchanged: bool) -> str:
    """Return in words that the disk has failed after the swap. Raise DisplacedError if a rotation was faster."""
    fault = f"{error.strerror}: it was replaced, but that may not last, and the next job finishes it"
    try:
        _must_be_no_segment(queue, pinned.file)
    except OSError:  # all that is known is that it has lost the segment's name
        return fault if exchanged else f"{fault}; if it has another name now, its records may be there twice"
    return fault


def _displaced(directory: LogDirectory, target: Target, pinned: Pinned, old: OldLink) -> Displaced | None:
    """Return the old file, with its state while it is still leased and after the last change of its names.

    Return None if it can't be examined any more: the next job handles it.
    """
    try:
        fingerprint = pinned.fingerprint(os.fstat(target.source))
        known = fingerprint if pinned.leased and directory.times_tell else None
        return Displaced(old, known, target.proof, directory.ticket())
    except OSError:
        return None
