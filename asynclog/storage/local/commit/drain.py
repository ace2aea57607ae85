"""Move what writers appended to a file while it was replaced into a late segment, then unlink the file."""

import os
import time
from typing import Literal, NamedTuple

from asynclog.errors import ChangedError
from asynclog.storage.codecs import is_packed
from asynclog.storage.hidden_names import OldLink, new_name
from asynclog.storage.local.commit.old_file_checks import Known
from asynclog.storage.local.commit.overwritten_lines import publish_overwritten
from asynclog.storage.local.commit.staging import build, discard, publish
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.byte_ranges import end_of_lines, parts_of
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof


class Drained(NamedTuple):
    """An old file by its present name, the late segments that were made of it, and its fate.

    It is gone; or busy, because somebody has it open; or kept for the next job, because that can't be known.
    """

    old: OldLink
    late: list[str]
    fate: Literal["gone", "busy", "kept"]


def drain(  # noqa: PLR0913 - where, what, and under which conditions
    directory: LogDirectory, names: SegmentNaming, old: OldLink, known: Known, *, open_too: bool, idle_period: int
) -> Drained:
    """Publish what lies beyond the accounted length, unlink the old file if possible, and return what became of it.

    A file that has nothing in common with its replacement was begun anew: publish all of it. If it was truncated, or
    lines in it were overwritten, publish the lines that no segment has. While somebody has the file open it stays;
    `open_too` publishes its whole lines nevertheless. Without leases it stays until it has not changed for the idle
    period (ns). Raise OSError.
    """
    try:
        descriptor = directory.open(str(old))
    except BlockingIOError:  # somebody else holds a lease on it
        return Drained(old, [], "busy")
    try:
        holder = _holder(directory, descriptor)
        if holder == "busy" and not open_too:
            return Drained(old, [], "busy")
        status = os.fstat(descriptor)
        digest = _accounted(descriptor, status, old, known)
        late: list[str] = []
        if digest is None:
            old, digest, late = _renewed(directory, names, old, descriptor, known)
        rests = holder == "alone" or (holder == "unknown" and _is_idle(status, present(directory, names) - idle_period))
        end = status.st_size if rests else _end_of_whole(descriptor, old, status.st_size)
        late_name = names.late_name(old.token, old.processed_bytes, old.segment)
        if end > old.processed_bytes and _is_there(directory, late_name):
            # A job was killed as it had published that, and it was emptied since: whether it was copied is unknown.
            old = _rename(directory, old, old._replace(token=old.begun_anew(os.urandom(4)).token))
        for segment, new in _publish_new(directory, names, old, descriptor, end, proof=known.proof, digest=digest):
            old = _rename(directory, old, new)
            late.append(segment)
        if holder == "unknown" and (late or not rests):
            return Drained(old, late, "kept")
        if not rests or os.fstat(descriptor).st_size != old.processed_bytes:
            return Drained(old, late, "busy")
        directory.sync_folder(known.ticket)
        # The last look: who opens the file after it writes to one without a name.
        if holder == "alone" and not directory.leased(descriptor):
            return Drained(old, late, "busy")
        directory.unlink(str(old))
        directory.sync_folder()
    finally:
        directory.close(descriptor)
    return Drained(old, late, "gone")


def _end_of_whole(descriptor: int, old: OldLink, size: int) -> int:
    """Return up to where an old file that may still grow can be published: what a packed one gets is whole at last."""
    if is_packed(old.segment):
        return old.processed_bytes
    return end_of_lines(descriptor, old.processed_bytes, size)


def _publish_new(  # noqa: PLR0913 - where, what, and what is known of it
    directory: LogDirectory,
    names: SegmentNaming,
    old: OldLink,
    descriptor: int,
    end: int,
    *,
    proof: Proof,
    digest: bytes,
) -> list[tuple[str, OldLink]]:
    """Make a late segment of the unaccounted bytes up to `end`; none if the file has shrunk.

    Return it with the old file's next name, which is found before others see the segment and may rename it.
    """
    if end <= old.processed_bytes:
        return []
    late = names.late_name(
        old.token, old.processed_bytes, old.segment
    )  # what a job that was killed then has left is known by it
    temporary = new_name(late)
    new = parts_of(descriptor, old.processed_bytes, end)
    try:
        build(directory, temporary, descriptor, new, end - old.processed_bytes, beside=old.segment)
    except ChangedError:
        return []
    try:
        advanced = _advanced(directory, old, temporary, proof, digest)
    except BaseException:
        discard(directory, temporary)
        raise
    publish(directory, temporary, late)
    return [(late, advanced)]


def _is_there(directory: LogDirectory, name: str) -> bool:
    try:
        directory.status(name)
    except FileNotFoundError:
        return False
    return True


def _accounted(descriptor: int, status: os.stat_result, old: OldLink, known: Known) -> bytes | None:
    """Return the digest of the accounted bytes, empty if it is not needed; None if the file was begun anew."""
    if status.st_size < old.processed_bytes:
        return None
    if status.st_size == old.processed_bytes and known.is_untouched(status):
        return b""
    return known.digest(descriptor, old)


def _renewed(
    directory: LogDirectory, names: SegmentNaming, old: OldLink, descriptor: int, known: Known
) -> tuple[OldLink, bytes, list[str]]:
    """Publish overwritten lines; if the file was begun anew, reset its accounted length.

    Return its name, the digest of what is accounted for now (empty if unknown), and the late segments.
    """
    status = os.fstat(descriptor)
    overwritten = publish_overwritten(directory, names, old, descriptor, known)
    if overwritten:
        late, size, digest = overwritten
        return _rename(directory, old, old.advanced(size, digest)), digest, late
    if status.st_size >= old.processed_bytes and known.is_unwritten(status):
        return old, b"", []
    return _rename(directory, old, old.begun_anew(os.urandom(4))), b"", []


def _holder(directory: LogDirectory, descriptor: int) -> Literal["alone", "busy", "unknown"]:
    try:
        return "alone" if directory.lease(descriptor) else "unknown"
    except BlockingIOError:
        return "busy"


def present(directory: LogDirectory, names: SegmentNaming) -> int:
    """Return the lock file's mtime (ns since 1970), which is the file system's clock; our own clock if it is earlier.

    A job renews its lock file when it begins, and every few seconds.
    """
    try:
        return min(time.time_ns(), directory.status(names.lock).st_mtime_ns)
    except OSError:
        return time.time_ns()


def _is_idle(status: os.stat_result, since: int) -> bool:
    return max(status.st_mtime_ns, status.st_ctime_ns) < since


def advance_offset(directory: LogDirectory, old: OldLink, late: str, proof: Proof, digest: bytes) -> OldLink:
    """Durably advance the accounted length by a late segment's size, before that segment can be cleaned.

    `digest` is that of the bytes before, empty if unknown. Return the file's new name. Raise OSError.
    """
    return _rename(directory, old, _advanced(directory, old, late, proof, digest))


def _advanced(directory: LogDirectory, old: OldLink, late: str, proof: Proof, digest: bytes) -> OldLink:
    descriptor = directory.open(late)
    try:
        size = os.fstat(descriptor).st_size
        if digest or not old.processed_bytes:
            digest = proof.extended(digest, LocalReader(descriptor), size)
    finally:
        directory.close(descriptor)
    return old.advanced(old.processed_bytes + size, digest)


def _rename(directory: LogDirectory, old: OldLink, new: OldLink) -> OldLink:
    directory.rename(str(old), str(new))
    directory.sync_folder()
    return new
