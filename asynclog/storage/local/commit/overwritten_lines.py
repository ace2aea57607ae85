"""Find the lines that a writer has overwritten in place in an old file, and publish those that no segment has yet."""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from asynclog.errors import ChangedError, DamagedError
from asynclog.storage.codecs import PLAIN, codec_for, is_packed
from asynclog.storage.hidden_names import OldLink, hidden_segment, new_name, origin
from asynclog.storage.local.commit.old_file_checks import Known
from asynclog.storage.local.commit.staging import build, discard, publish
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.byte_ranges import parts_of
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.segment_reader import LONGEST_PART, Hole, Part

_LONGEST_LINE = 64 << 20  # bytes, which are held in memory three times
_AHEAD = 500_000  # lines held at a time: some 45 MiB of memory


def publish_overwritten(
    directory: LogDirectory, names: SegmentNaming, old: OldLink, source: int, known: Known
) -> tuple[list[str], int, bytes] | None:
    """Make a late segment of the accounted lines that neither the replacement nor another late segment of the file has.

    Return its name, if there are such lines, the new accounted length, extended to the end of its last line, and its
    digest; None if no line is the same, or if that is unknown, as of a packed file: then it was begun anew. The late
    segment also has what had expired, which expires again. Raise OSError.
    """
    if is_packed(old.segment):
        return None
    segments = [known.replacement(directory, old), *_late_segments(directory, names, old)]
    there = LineStock([_lines_of(directory, segment) for segment in segments if is_made_of(directory, segment, old)])
    late = names.late_name(old.begun_anew(os.urandom(4)).token, 0)
    temporary, read = new_name(late), known.proof.of_nothing()
    try:
        end = _end_of_line(source, old.processed_bytes)
        others = (line for line in _lines(read.follow(parts_of(source, 0, end))) if not there.take(line))
        size = build(directory, temporary, source, _blocks(others), end, beside=old.segment)
    except ChangedError:
        return None
    if not (there.found and size):
        discard(directory, temporary)
    if not there.found:
        return None
    if size:
        publish(directory, temporary, late)
    return [late] if size else [], end, read.ranges[0].digest


def begins_with_lines_of(directory: LogDirectory, one: str, size: int, other: str) -> bool:
    """Return whether all lines of the first `size` bytes of `one` occur in `other`, and one of them is not blank."""
    there = LineStock([_lines_of(directory, one, size)])
    try:
        for line in _lines_of(directory, other):
            there.take(line)
        return there.found and there.is_used_up()
    except DamagedError:  # it was whole
        return False
    except ChangedError:
        return True  # unknown


def _end_of_line(source: int, size: int) -> int:
    """Return the end of the line that has the last of `size` bytes, or of the last line; its start if unfinished."""
    end, start, line = 0, 0, b"\n"
    for line in _lines(parts_of(source, 0, os.fstat(source).st_size)):
        start, end = end, end + len(line)
        if end >= size:
            break
    return end if end == size or line.endswith(b"\n") else start


def _late_segments(directory: LogDirectory, names: SegmentNaming, old: OldLink) -> list[str]:
    """Return the late segments that were made of this file."""
    tokens = {name: names.late_token(name) for name in directory.names()}
    return sorted(name for name, token in tokens.items() if token and origin(token) == old.origin)


def is_made_of(directory: LogDirectory, segment: str, old: OldLink) -> bool:
    """Return whether this can be made of the old file: it has its owner. Anybody else may take a segment's name."""
    try:
        status, owner = directory.status(segment), directory.status(str(old)).st_uid
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid == owner


def _lines_of(directory: LogDirectory, name: str, size: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a segment, or of an old file by its hidden name; none if it does not exist.

    With a size, only those of its first bytes.
    """
    try:
        descriptor = directory.open(name)
    except FileNotFoundError:
        return
    try:
        end = os.fstat(descriptor).st_size
        parts = parts_of(descriptor, 0, end if size is None else min(size, end))
        yield from _lines(_unpacked(hidden_segment(name) or name, parts))
    finally:
        directory.close(descriptor)


def _unpacked(segment: str, parts: Iterator[Part]) -> Iterator[Part]:
    codec = codec_for(segment) or PLAIN
    if not codec.is_packed:
        yield from parts
        return
    stream, buffer = codec.decode(parts), memoryview(bytearray(LONGEST_PART))
    while got := stream.readinto(buffer):
        yield buffer[:got]


class LineStock:
    """A multiset of the lines of segments. `found` is True once a line that is not blank was taken.

    It reads `ahead` lines beyond those that were taken.
    """

    def __init__(self, segments: Sequence[Iterator[bytes]], ahead: int = _AHEAD) -> None:
        self._segments = [_Lookahead(lines, ahead // len(segments)) for lines in segments]
        self.found = False

    def take(self, line: bytes) -> bool:
        """Remove one such line, and return whether there was one."""
        key = hash(line.rstrip(b"\n"))
        taken = any(segment.take(key) for segment in self._segments)
        self.found |= taken and bool(line.strip())
        return taken

    def is_used_up(self) -> bool:
        """Return whether each line of the segments was taken."""
        return all(segment.is_used_up() for segment in self._segments)


class _Lookahead:
    """The lines of a segment, by their hashes: `size` of them beyond those that were taken. Untaken lines stay in it.

    Each segment looks ahead on its own, so that the lines appended to one don't use up the room of another.
    """

    def __init__(self, lines: Iterator[bytes], size: int) -> None:
        self._hashes = (hash(line.rstrip(b"\n")) for line in lines)
        self._numbers: Counter[int] = Counter()
        self._room = size

    def take(self, key: int) -> bool:
        for each in islice(self._hashes, self._room):
            self._numbers[each] += 1
            self._room -= 1
        if not self._numbers.get(key):
            return False
        self._numbers[key] -= 1
        self._room += 1
        if not self._numbers[key]:
            del self._numbers[key]
        return True

    def is_used_up(self) -> bool:
        return not self._numbers and next(self._hashes, None) is None


def _lines(parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield each line with its newline. Raise ChangedError if one is huge: such a file is not compared."""
    begun = bytearray()
    for part in parts:
        if len(part) > LONGEST_PART or len(begun) > _LONGEST_LINE:
            raise ChangedError
        *whole, rest = (bytes(len(part)) if isinstance(part, Hole) else bytes(part)).split(b"\n")
        for line in whole:
            yield bytes(begun) + line + b"\n"
            begun.clear()
        begun += rest
    if begun:
        yield bytes(begun)


def _blocks(lines: Iterable[bytes]) -> Iterator[memoryview]:
    """Join lines into blocks, to avoid a write for each line."""
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= LONGEST_PART:
            yield memoryview(bytes(block))
            block.clear()
    yield memoryview(bytes(block))
