"""The scan's unit of work: one byte range of one segment, read by one worker."""

import os
from collections.abc import Iterator

import msgspec

from asynclog.errors import ChangedError
from asynclog.model import Fingerprint, Policy, Segment
from asynclog.scan.blocks import whole_lines
from asynclog.scan.tally import Tally

PIECE = 64 << 20  # bytes; small enough for two workers to end together, large enough not to matter

# No link is followed, no FIFO is waited for, and opening gives no writer's descriptor away.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Piece(msgspec.Struct, frozen=True):
    """The lines of `segment` that start in its bytes [start, end)."""

    segment: Segment
    start: int
    end: int


class Refused(msgspec.Struct, frozen=True):
    """Why a piece could not be read; `failed` where that is an error, not a change."""

    reason: str
    failed: bool = False


def cut_up(segment: Segment) -> list[Piece]:
    """The pieces that a segment is read in; a small one is one piece."""
    size = segment.fingerprint.size
    return [Piece(segment, start, min(start + PIECE, size)) for start in range(0, size, PIECE)]


def read_piece(folder: int, policy: Policy, now: int, piece: Piece) -> Tally | Refused:
    """Counts the lines of one piece; `folder` is the descriptor of the log's folder."""
    segment = piece.segment
    try:
        descriptor = os.open(segment.name, _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        return Refused("it has vanished")
    except OSError as error:
        return Refused(f"it can't be opened: {error.strerror}", failed=True)
    try:
        if Fingerprint.of(os.fstat(descriptor)) != segment.fingerprint:
            return Refused("it changed before it was read")
        tally = Tally(policy, now)
        for offset, block in whole_lines(descriptor, piece.start, piece.end, segment.fingerprint.size):
            take_block(tally, offset, block)
        return tally
    except ChangedError:
        return Refused("it became shorter while it was read")
    except OSError as error:
        return Refused(f"it can't be read: {error.strerror}", failed=True)
    finally:
        os.close(descriptor)


def expired_ranges(policy: Policy, now: int, descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yields the byte ranges of the expired lines of a whole segment, in order; memory does not grow with them.

    Raises ChangedError where the segment ends before `size`.
    """
    tally = Tally(policy, now, with_ranges=True)
    for offset, block in whole_lines(descriptor, 0, size, size):
        take_block(tally, offset, block)
        yield from tally.take_ranges()


def take_block(tally: Tally, offset: int, block: memoryview) -> None:
    """Counts the whole lines of a block that starts at this offset of the segment."""
    lines = bytes(block).split(b"\n")
    unfinished = lines.pop()
    for line in lines:
        end = offset + len(line) + 1
        tally.take(line, offset, end)
        offset = end
    if unfinished:
        tally.take(unfinished, offset, offset + len(unfinished))
