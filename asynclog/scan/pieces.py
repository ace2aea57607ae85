"""The scan's unit of work: one byte range of one segment, read by one worker."""

import os
from typing import NamedTuple

import msgspec

from asynclog.errors import ChangedError
from asynclog.model import Fingerprint, Policy, Segment
from asynclog.scan.blocks import whole_lines
from asynclog.scan.evidence import BUDGET
from asynclog.scan.marks import Stretches
from asynclog.scan.readers import Kind, Reader, make_reader
from asynclog.scan.tally import Tally

PIECE = 64 << 20  # bytes; small enough for two workers to end together, large enough not to matter

# No link is followed, no FIFO is waited for, and opening gives no writer's descriptor away.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


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


def cut_up(segment: Segment, *, mark: bool) -> list[Piece]:
    """The pieces that a segment is read in; a small one is one piece."""
    size = segment.fingerprint.size
    return [Piece(segment, start, min(start + PIECE, size), mark) for start in range(0, size, PIECE)]


def read_piece(folder: int | str, kind: Kind, policy: Policy, now: int, piece: Piece) -> Reading | Refused:
    """Counts the lines of one piece; `folder` is the log's, by its descriptor or, in another process, by its path."""
    segment = piece.segment
    try:
        descriptor = _open(folder, segment.name)
    except FileNotFoundError:
        return Refused("it has vanished")
    except OSError as error:
        return Refused(f"it can't be opened: {error.strerror}", failed=True)
    try:
        if Fingerprint.of(os.fstat(descriptor)) != segment.fingerprint:
            return Refused("it changed before it was read")
        return _read(descriptor, make_reader(kind, policy, now), piece)
    except ChangedError:
        return Refused("it became shorter while it was read")
    except OSError as error:
        return Refused(f"it can't be read: {error.strerror}", failed=True)
    finally:
        os.close(descriptor)


def _open(folder: int | str, name: str) -> int:
    if isinstance(folder, int):
        return os.open(name, _FLAGS, dir_fd=folder)
    return os.open(os.path.join(folder, name), _FLAGS)


def _read(descriptor: int, reader: Reader, piece: Piece) -> Reading:
    expired = Stretches() if piece.mark else None
    for offset, block in whole_lines(descriptor, piece.start, piece.end, piece.segment.fingerprint.size):
        reader.read(offset, block, expired)
        if expired is not None and expired.size > BUDGET:
            expired = None
    return Reading(reader.tally(), expired)
