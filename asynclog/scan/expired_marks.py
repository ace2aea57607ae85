"""Which lines have expired: remembered by a bit for each, which is less than a thousandth of what it is about."""

from collections.abc import Callable
from itertools import compress
from typing import NamedTuple

from asynclog.records.kernel import Kind, kernel
from asynclog.storage.proof import Digest

_OBJECTS = 300  # bytes that a stretch takes beside its marks
_DIGITS = bytes([b"0"[0], *[b"1"[0]] * 255])  # of a flag
_STAYS = bytes(byte != b"1"[0] for byte in range(256))  # of a digit
_OTHERS = bytes(range(255, -1, -1))


class LineRange(NamedTuple):
    """Whole lines, from one offset of a segment to another; without `marks` all of them have expired.

    Else line n has expired where bit n % 8 of byte n // 8 is set; lines beyond the marks stay. `digest` is that of the
    bytes that were judged.
    """

    start: int
    end: int
    marks: bytes = b""
    digest: bytes = b""


class ExpiredRanges(list[LineRange]):
    """The stretches of a range that hold expired lines, in order and apart; all other lines of it stay."""

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return sum(_OBJECTS + len(stretch.marks) for stretch in self)

    def add_block(self, start: int, block: memoryview, lines: int, marks: bytes, digest: Digest) -> None:
        """Add what is known of a block of so many lines that begins at `start`."""
        expired = int.from_bytes(marks, "little").bit_count()
        end = start + len(block)
        if expired == lines and self and self[-1].end == start and not self[-1].marks:
            self[-1] = LineRange(self[-1].start, end, digest=digest(self[-1].digest, block))
        elif expired:
            self.append(LineRange(start, end, b"" if expired == lines else marks, digest(b"", block)))

    def covers(self, size: int) -> bool:
        """Return whether every line of a segment of this size has expired."""
        ends = [0, *(stretch.end for stretch in self)]
        starts = [*(stretch.start for stretch in self), size]
        return starts == ends and not any(stretch.marks for stretch in self)


def pack(flags: bytes) -> bytes:
    """Return the marks of lines: `flags` has a byte for each, 1 if it has expired, else 0."""
    return int(flags[::-1].translate(_DIGITS) or b"0", 2).to_bytes((len(flags) + 7) // 8, "little")


def invert(marks: bytes) -> bytes:
    """Return marks of all lines that these do not mark."""
    return marks.translate(_OTHERS)


def is_marked(marks: bytes, line: int) -> bool:
    """Return whether they mark this line."""
    return line // 8 < len(marks) and bool(marks[line // 8] >> line % 8 & 1)


def choose_compact(kind: Kind) -> Callable[[memoryview, bytes, int], tuple[int, int]]:
    """Return what leaves the marked lines out of a buffer: `compact`, or the kernel's, which is faster."""
    return kernel.compact if kind == "native" else compact


def compact(part: memoryview, marks: bytes, line: int) -> tuple[int, int]:
    """Move what is not marked to the front of this part of a stretch, which begins in this line.

    Return how many bytes that is, and in which line the next part begins.
    """
    *lines, rest = bytes(part).split(b"\n")
    digits = f"{int.from_bytes(marks, 'little'):0{8 * len(marks)}b}"[::-1].encode()
    stays = digits[line : line + len(lines) + 1].translate(_STAYS).ljust(len(lines) + 1, b"\1")
    kept = b"\n".join([*compress(lines, stays), rest if stays[-1] else b""])
    part[: len(kept)] = kept
    return len(kept), line + len(lines)
