"""The scan's unit of work: one byte range of one segment, read by one worker."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from resource import RUSAGE_THREAD, getrusage
from typing import NamedTuple, TypeVar

import msgspec

from asynclog.errors import ChangedError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.scan.classifiers import Kind, choose_digest, make_classifier
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_lines import ExpiredRanges
from asynclog.scan.line_blocks import whole_lines
from asynclog.scan.survivors import BUDGET
from asynclog.storage.byte_ranges import data_bytes, end_of_lines
from asynclog.storage.local.leases import may_be_written
from asynclog.storage.proof import Digest
from asynclog.types import Fingerprint, Range, Segment, WhyUnjudged

MAX_CHUNK = 64 << 20  # bytes at most; larger ones are hardly faster
MAX_CHUNKS = 1 << 12  # of all segments together: a sparse one may have any size
MIN_CHUNK = (
    24 << 20
)  # bytes; what is read ahead of one piece should not reach the last quarter of the next: `as_it_was`
_FOLIO = 2 << 20  # bytes, a huge page; so much of a file Linux may hold as one, and then lets go of all or nothing
UNIT, AT_ONCE = 8 << 20, 64  # bytes and pieces that are read in one go; between these a job can be stopped

# No link is followed, no FIFO is waited for, and opening gives no writer's descriptor away.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

# How a file begins that gzip, zstd, xz, lz4, zip or bzip2 has written.
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"PK\x03\x04")
_BZIP2, _BZIP2_BLOCK, _HEAD = b"BZh", b"1AY&SY", 10

T = TypeVar("T")


class Chunk(msgspec.Struct, frozen=True):
    """The lines of `segment` that start in its bytes [start, end).

    `mark` is whether expired ones are remembered, `digest` whether the bytes are to be known again.
    """

    segment: Segment
    start: int
    end: int
    mark: bool
    digest: bool = False


class Seen(NamedTuple):
    """What the segment of a piece was while that was read.

    The size in its fingerprint is what could be read, if it grows. `quiet` is whether nobody can have written to it
    meanwhile. `digested` are the bytes with their digest, None if that was not wanted or could not be had.
    """

    fingerprint: Fingerprint
    quiet: bool
    digested: Range | None


class ChunkResult(NamedTuple):
    """What a piece holds. `expired` says where its expired lines stand, None where that is too much to carry."""

    tally: StatsBuilder
    expired: ExpiredRanges | None
    seen: Seen


class ReadFailure(msgspec.Struct, frozen=True):
    """Why a piece could not be read, in words and in a word; `failed` where that is an error, not a change."""

    reason: str
    unjudged: WhyUnjudged
    failed: bool = False


def chunk_size(total: int, workers: int) -> int:
    """How large the pieces of so many bytes should be: each worker should get as many as the others."""
    largest = max(MAX_CHUNK, math.ceil(total / MAX_CHUNKS))
    rounds = max(1, math.ceil(total / (workers * largest)))
    return min(largest, max(MIN_CHUNK, math.ceil(total / (workers * rounds))))


def split(segment: Segment, size: int, start: int = 0, *, mark: bool = True, digest: bool = False) -> list[Chunk]:
    """The pieces of at most this size that a segment is read in, from byte `start` on; a small one is one piece.

    They are equal, for of a short last one all would have been read ahead: see `as_it_was`.
    """
    end = segment.fingerprint.size
    count = max(1, math.ceil((end - start) / size))
    size = max(1, math.ceil((end - start) / count))
    return [Chunk(segment, at, min(at + size, end), mark, digest) for at in range(start, end, size)]


def batch(pieces: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The pieces in their order, small ones as one unit of work: to hand that over takes longer than to read one."""
    unit: list[Chunk] = []
    size = 0
    for piece in pieces:
        size += piece.end - piece.start
        if unit and (size > UNIT or len(unit) == AT_ONCE):
            yield unit
            unit, size = [], piece.end - piece.start
        unit.append(piece)
    if unit:
        yield unit


class ScanContext(msgspec.Struct, frozen=True):
    """How a log is looked at: its folder, by descriptor or, in another process, by path; reader and cutoffs."""

    folder: int | str
    kind: Kind
    cutoffs: Cutoffs


def read_chunks(
    view: ScanContext, pace: RateLimiter, pieces: Iterable[Chunk]
) -> list[tuple[Chunk, ChunkResult | ReadFailure]]:
    """What each of them holds."""
    return [(piece, read_chunk(view, pace, piece)) for piece in pieces]


def read_chunk(view: ScanContext, pace: RateLimiter, piece: Chunk) -> ChunkResult | ReadFailure:
    """Counts the lines of one piece. The page cache has no more of it afterwards than it had before."""
    return with_segment(view.folder, piece, partial(_read, view, pace, piece))


def with_segment(folder: int | str, piece: Chunk, read: Callable[[int, Fingerprint], T]) -> T | ReadFailure:
    """What `read` makes of the piece, given a descriptor of its segment, and its fingerprint; or what was in the way.

    Of a segment that has grown since it was listed, the whole lines are read that it had then.
    """
    segment = piece.segment
    try:
        descriptor = open_segment(folder, segment.name)
    except FileNotFoundError:
        return ReadFailure("it has vanished", "changed")
    except BlockingIOError:
        return ReadFailure("it is busy: somebody else holds a lease on it", "not_reached")
    except OSError as error:
        return ReadFailure(f"it can't be opened: {error.strerror}", "not_reached", failed=True)
    try:
        fingerprint = _as_listed(descriptor, segment.fingerprint)
        if fingerprint is None:
            return ReadFailure("it changed before it was read", "changed")
        with preserve_page_cache(descriptor, piece.start, piece.end):
            return read(descriptor, fingerprint)
    except ChangedError:
        return ReadFailure("it became shorter while it was read", "changed")
    except OSError as error:
        return ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)
    finally:
        with suppress(OSError):  # it was only read
            os.close(descriptor)


def _as_listed(descriptor: int, listed: Fingerprint) -> Fingerprint | None:
    """The segment's fingerprint now, with the size that its whole lines had when it was listed.

    None if it is another file, has become shorter, or has not one whole line.
    """
    now = Fingerprint.of(os.fstat(descriptor))
    if (now.device, now.inode) != (listed.device, listed.inode) or now.size < listed.size:
        return None
    if now.size == listed.size:
        return now
    end = end_of_lines(descriptor, 0, listed.size)
    return msgspec.structs.replace(now, size=end) if end else None


def open_segment(folder: int | str, name: str) -> int:
    """A descriptor for reading. Raises OSError."""
    if isinstance(folder, int):
        return os.open(name, _FLAGS, dir_fd=folder)
    return os.open(os.path.join(folder, name), _FLAGS)


@contextmanager
def preserve_page_cache(descriptor: int, start: int, end: int) -> Iterator[None]:
    """Gives the pages back that had to be read from the disk: other programs have better use for the memory.

    What is in memory is there because somebody else uses it, and is left alone. Where the last quarter begins tells:
    at the beginning the system has read ahead for the piece before. It asks for the next stretch when the one before is
    begun, so that up to two of them are there, 16 MiB on fast disks. What it has read ahead behind the end is not given
    back here, for then it would be read twice: it is the next piece's, as is what lies across the end. Only where a
    worker who has that one is done sooner do these few MiB stay.
    """
    cached = _is_in_memory(descriptor, (start + 3 * end) // 4)
    yield
    if not cached:
        # With what lies across the beginning, and the byte before, which has told where the first line begins.
        begin = max(0, start - 1) // _FOLIO * _FOLIO
        os.posix_fadvise(descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


def _is_in_memory(descriptor: int, position: int) -> bool:
    """Whether a byte can be read without the disk; True where the file system can't say.

    The system asks the disk for what is not there, though it need not wait: a fast one may have answered by then.
    """
    before = _asked_of_the_disk()
    try:
        os.preadv(descriptor, [bytearray(1)], position, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return _asked_of_the_disk() == before


def _asked_of_the_disk() -> int:
    """How many blocks this thread has had to read so far."""
    return getrusage(RUSAGE_THREAD).ru_inblock


class _Digested:
    """The bytes of a piece, known by their digest if each of them was seen: of a very long line that is no record only
    one is."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._range: Range | None = None
        self._whole = True

    def add(self, offset: int, block: memoryview) -> None:
        start, end, state = self._range or Range(offset, offset, b"")
        self._whole = self._whole and end == offset and not block.readonly
        self._range = Range(start, offset + len(block), self._digest(state, block))

    def range(self) -> Range | None:
        return self._range if self._whole else None


def _is_packed(head: bytes) -> bool:
    """Whether a file begins as a compressed one does. No JSON text begins so."""
    return head.startswith(_PACKED) or (head.startswith(_BZIP2) and head.endswith(_BZIP2_BLOCK))


def _read(
    view: ScanContext, pace: RateLimiter, piece: Chunk, descriptor: int, fingerprint: Fingerprint
) -> ChunkResult | ReadFailure:
    if piece.start == 0 and _is_packed(os.pread(descriptor, _HEAD, 0)):
        return ReadFailure("it is compressed, whatever its name says, and compressed segments are left alone", "packed")
    reader = make_classifier(view.kind, view.cutoffs)
    digested = _Digested(choose_digest(view.kind))
    before, written = Fingerprint.of(os.fstat(descriptor)), may_be_written(descriptor)
    expired = ExpiredRanges() if piece.mark else None
    done, end = piece.start, min(piece.end, fingerprint.size)
    for offset, block in whole_lines(descriptor, piece.start, end, fingerprint.size):
        reader.read(offset, block, expired)
        if piece.digest:
            digested.add(offset, block)
        pace.spend(data_bytes(descriptor, done, offset) + len(block))
        done = offset + len(block)
        if expired is not None and expired.size > BUDGET:
            expired = None
        if reader.has_fragment:
            break
    written = written or Fingerprint.of(os.fstat(descriptor)) != before or may_be_written(descriptor)
    seen = Seen(fingerprint, not written and before == fingerprint, digested.range())
    return ChunkResult(reader.tally(), expired, seen)
