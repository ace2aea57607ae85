"""The scan's unit of work: one byte range of one segment, read by one worker."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from resource import RUSAGE_THREAD, getrusage
from typing import NamedTuple, TypeVar

import msgspec

from asynclog.errors import ChangedError
from asynclog.model import Fingerprint, Policy, Segment
from asynclog.pace import Pace
from asynclog.scan.blocks import whole_lines
from asynclog.scan.evidence import BUDGET
from asynclog.scan.marks import Stretches
from asynclog.scan.readers import Kind, Reader, make_reader
from asynclog.scan.tally import Tally

PIECE = 64 << 20  # bytes at most; larger ones are hardly faster
LEAST = 24 << 20  # bytes; what is read ahead of one piece should not reach the last quarter of the next: `as_it_was`
_FOLIO = 2 << 20  # bytes, a huge page; so much of a file Linux may hold as one, and then lets go of all or nothing
UNIT, AT_ONCE = 8 << 20, 64  # bytes and pieces that are read in one go; between these a job can be stopped

# No link is followed, no FIFO is waited for, and opening gives no writer's descriptor away.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


T = TypeVar("T")


class Piece(msgspec.Struct, frozen=True):
    """The lines of `segment` that start in its bytes [start, end); `mark` is whether expired ones are remembered."""

    segment: Segment
    start: int
    end: int
    mark: bool


class Reading(NamedTuple):
    """What a piece holds. `expired` says where its expired lines stand, None where that is too much to carry."""

    tally: Tally
    expired: Stretches | None


class Refused(msgspec.Struct, frozen=True):
    """Why a piece could not be read; `failed` where that is an error, not a change."""

    reason: str
    failed: bool = False


def piece_size(total: int, workers: int) -> int:
    """How large the pieces of so many bytes should be: each worker should get as many as the others."""
    rounds = max(1, math.ceil(total / (workers * PIECE)))
    return min(PIECE, max(LEAST, math.ceil(total / (workers * rounds))))


def cut_up(segment: Segment, size: int, start: int = 0, *, mark: bool = True) -> list[Piece]:
    """The pieces of at most this size that a segment is read in, from byte `start` on; a small one is one piece.

    They are equal, for of a short last one all would have been read ahead: see `as_it_was`.
    """
    end = segment.fingerprint.size
    count = max(1, math.ceil((end - start) / size))
    size = max(1, math.ceil((end - start) / count))
    return [Piece(segment, at, min(at + size, end), mark) for at in range(start, end, size)]


def together(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The pieces in their order, small ones as one unit of work: to hand that over takes longer than to read one."""
    unit: list[Piece] = []
    size = 0
    for piece in pieces:
        size += piece.end - piece.start
        if unit and (size > UNIT or len(unit) == AT_ONCE):
            yield unit
            unit, size = [], piece.end - piece.start
        unit.append(piece)
    if unit:
        yield unit


class View(msgspec.Struct, frozen=True):
    """How a log is looked at: its folder, by descriptor or, in another process, by path; reader, policy and present."""

    folder: int | str
    kind: Kind
    policy: Policy
    now: int


def read_pieces(view: View, pace: Pace, pieces: Iterable[Piece]) -> list[tuple[Piece, Reading | Refused]]:
    """What each of them holds."""
    return [(piece, read_piece(view, pace, piece)) for piece in pieces]


def read_piece(view: View, pace: Pace, piece: Piece) -> Reading | Refused:
    """Counts the lines of one piece. The page cache has no more of it afterwards than it had before."""
    return opened(view.folder, piece, partial(_read, make_reader(view.kind, view.policy, view.now), pace, piece))


def opened(folder: int | str, piece: Piece, read: Callable[[int], T]) -> T | Refused:
    """What `read` makes of the piece, given a descriptor of its segment; or what was in the way."""
    segment = piece.segment
    try:
        descriptor = open_segment(folder, segment.name)
    except FileNotFoundError:
        return Refused("it has vanished")
    except OSError as error:
        return Refused(f"it can't be opened: {error.strerror}", failed=True)
    try:
        if Fingerprint.of(os.fstat(descriptor)) != segment.fingerprint:
            return Refused("it changed before it was read")
        with as_it_was(descriptor, piece.start, piece.end):
            return read(descriptor)
    except ChangedError:
        return Refused("it became shorter while it was read")
    except OSError as error:
        return Refused(f"it can't be read: {error.strerror}", failed=True)
    finally:
        os.close(descriptor)


def open_segment(folder: int | str, name: str) -> int:
    """A descriptor for reading. Raises OSError."""
    if isinstance(folder, int):
        return os.open(name, _FLAGS, dir_fd=folder)
    return os.open(os.path.join(folder, name), _FLAGS)


@contextmanager
def as_it_was(descriptor: int, start: int, end: int) -> Iterator[None]:
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


def _read(reader: Reader, pace: Pace, piece: Piece, descriptor: int) -> Reading:
    expired = Stretches() if piece.mark else None
    done = piece.start
    for offset, block in whole_lines(descriptor, piece.start, piece.end, piece.segment.fingerprint.size):
        reader.read(offset, block, expired)
        pace.spend(offset + len(block) - done)
        done = offset + len(block)
        if expired is not None and expired.size > BUDGET:
            expired = None
    return Reading(reader.tally(), expired)
