"""The lines of a packed segment as blocks, in one pass and in memory that does not grow with the segment."""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from asynclog.errors import DamagedError
from asynclog.scan.reading.line_blocks import SIZES, is_no_record, whole_lines
from asynclog.storage.codecs import PLAIN, Stream, codec_for, is_packed
from asynclog.storage.segment_reader import Part, SegmentReader

BLOCK = 1 << 18  # bytes; they stay in a processor's cache, and the C library keeps their memory for the next segment
_LONGEST = 32 << 20  # bytes of a line that may be a record
_MOST, _RATIO = 2 << 30, 1_000  # bytes, and times the segment's size: logs shrink to a hundredth at most
_VISIBLE = re.compile(rb"[^ \t\r\n]")
_NOTHING = memoryview(b"")


class Block(NamedTuple):
    """The next bytes, from this offset on, and what is to be judged of them: all of it, if they are whole lines.

    Of a long line that can't be a record, one byte is judged with its first block, and nothing with the others.
    """

    offset: int
    data: memoryview
    judged: memoryview


def segment_lines(
    name: str, reader: SegmentReader, size: int, end: int | None = None
) -> Iterator[tuple[int, memoryview]]:
    """Yield (offset, bytes) for the lines of a segment of `size` bytes, packed or not, as `whole_lines` does.

    Blocks are of one size, packed or not: who looks at the first one only sees as much of either.
    With `end`, only for those that start before that offset, and perhaps a few more.
    """
    if not is_packed(name):
        return whole_lines(reader, 0, size if end is None else min(end, size), size)
    blocks = unpacked_lines(unpack(name, reader.parts(0, size)), size, SIZES.block)
    wanted = takewhile(lambda block: end is None or block.offset < end, blocks)
    return ((offset, judged) for offset, _, judged in wanted if judged)


def unpack(name: str, parts: Iterable[Part]) -> Stream:
    """Return the unpacked bytes of a segment of this name, which consists of these parts."""
    return (codec_for(name) or PLAIN).decode(parts)


def unpacked_lines(stream: Stream, size: int, at_once: int = BLOCK) -> Iterator[Block]:
    """Yield all that is packed in a file of `size` bytes; each is good until the second one after it is asked for.

    A block has at most `at_once` bytes, but where a line is longer.

    Raise DamagedError if it can't be unpacked, has a line that is too long, or is a bomb.
    """
    buffer, other = bytearray(at_once), bytearray(at_once)
    offset = fill = 0
    is_inside = is_at_end = False  # of a long line that can't be a record; of the stream
    while fill or not is_at_end:
        fill += _read_full(stream, memoryview(buffer)[fill:])
        is_at_end = fill < len(buffer)
        _must_be_a_log(offset + fill, size)
        block = memoryview(buffer)[:fill]
        if is_inside:
            cut = buffer.find(b"\n", 0, fill) + 1
            is_inside = not cut
            cut, judged = cut or fill, _NOTHING
        elif cut := fill if is_at_end else buffer.rfind(b"\n", 0, fill) + 1:
            judged = block[:cut]
        elif stand_in := _stand_in(buffer):
            is_inside, cut, judged = True, fill, memoryview(stand_in)
        else:
            buffer = buffer.ljust(min(2 * fill, _LONGEST), b"\0")
            continue
        if cut:
            yield Block(offset, block[:cut], judged)
        offset, fill = offset + cut, fill - cut
        buffer, other = _begun(other, block[cut:], at_once), buffer


def _read_full(stream: Stream, buffer: memoryview) -> int:
    """Read until the buffer is full, or to the end; return how many bytes are in it."""
    size = 0
    while size < len(buffer) and (got := stream.readinto(buffer[size:])):
        size += got
    return size


def _begun(buffer: bytearray, rest: memoryview, size: int) -> bytearray:
    """Return a buffer that begins with this rest of another: this one, unless a long line needed a larger one."""
    if len(buffer) != size or len(rest) >= size:
        return bytearray(rest).ljust(size, b"\0")
    buffer[: len(rest)] = rest
    return buffer


def _stand_in(buffer: bytearray) -> bytes:
    """Return the byte that is judged for a line which begins so, if it is no record; none if it may be one."""
    visible = _VISIBLE.search(buffer)
    first = visible[0] if visible else b""
    if b"\0" in buffer:
        return b"\0"
    if is_no_record(first, len(buffer)):
        return first
    if len(buffer) >= _LONGEST:
        raise DamagedError(f"it has a line of more than {_LONGEST >> 20} MiB, which is too long in a compressed file")
    return b""


def most_unpacked(name: str, size: int) -> int:
    """Return how many bytes of lines a segment of this name and size may have at most: more is no log."""
    return max(_MOST, size * _RATIO) if is_packed(name) else size


def _must_be_a_log(unpacked: int, size: int) -> None:
    if unpacked > max(_MOST, size * _RATIO):
        raise DamagedError(f"it unpacks to more than {_RATIO:,} times its size, as no log does")
