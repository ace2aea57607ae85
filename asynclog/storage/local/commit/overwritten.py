"""Lines that somebody has written over others, in place, in an old file: those that no segment has yet."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from asynclog.errors import ChangedError
from asynclog.storage.hidden_names import OldLink, new_name, origin
from asynclog.storage.local.byte_ranges import windows
from asynclog.storage.local.commit.known_old_files import Known
from asynclog.storage.local.commit.staging import build, discard, publish
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.segment_reader import WINDOW, Hole, Part

_AHEAD = 500_000  # lines that are looked for at the same time: some 45 MiB of memory


def publish_overwritten(
    directory: LogDirectory, names: SegmentNaming, old: OldLink, source: int, known: Known
) -> tuple[list[str], int, bytes] | None:
    """Make a late segment of the accounted lines that neither the replacement nor any other that came of the file has.

    Return its name, if there is any such line, and how many bytes are accounted for now, and their digest: the line in
    which they ended is taken to its end. None where no line is the same, or that can't be told: then the file was begun
    anew. What had expired is in it, too, and expires again. Raise OSError.
    """
    segments = [known.replacement(directory, old), *_late_segments(directory, names, old)]
    there = LineStock([_lines_of(directory, segment) for segment in segments])
    late = names.late_name(old.begun_anew(os.urandom(4)).token, 0)
    temporary, read = new_name(late), known.proof.of_nothing()
    try:
        end = _end_of_line(source, old.processed_bytes)
        others = (line for line in _lines(read.follow(windows(source, 0, end))) if not there.take(line))
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


def has_a_line_of(directory: LogDirectory, one: str, other: str) -> bool:
    """Return whether any of the first lines of one file is one of the other's, which may have any number before it."""
    there = LineStock([_lines_of(directory, one)])
    try:
        return any(there.take(line) and line.strip() for line in _lines_of(directory, other))
    except ChangedError:
        return True  # it can't be told


def _end_of_line(source: int, size: int) -> int:
    """Return where the line ends that has the last of so many bytes, or of fewer; if it has no end, where it begins."""
    end, start, line = 0, 0, b"\n"
    for line in _lines(windows(source, 0, os.fstat(source).st_size)):
        start, end = end, end + len(line)
        if end >= size:
            break
    return end if end == size or line.endswith(b"\n") else start


def _late_segments(directory: LogDirectory, names: SegmentNaming, old: OldLink) -> list[str]:
    """Return those that came of the file."""
    tokens = {name: names.late_token(name) for name in directory.names()}
    came = sorted(name for name, token in tokens.items() if token and origin(token) == old.origin)
    return [name for name in came if directory.is_file(name)]


def _lines_of(directory: LogDirectory, segment: str) -> Iterator[bytes]:
    """Yield the lines of a segment; of one that is not there none."""
    try:
        descriptor = directory.open(segment)
    except FileNotFoundError:
        return
    try:
        yield from _lines(windows(descriptor, 0, os.fstat(descriptor).st_size))
    finally:
        directory.close(descriptor)


class LineStock:
    """The lines that are in segments, as many of each as there are. `found` once one was taken that is not blank.

    So many lines are looked at ahead of those that were taken.
    """

    def __init__(self, segments: Sequence[Iterator[bytes]], ahead: int = _AHEAD) -> None:
        self._segments = [_Window(lines, ahead // len(segments)) for lines in segments]
        self.found = False

    def take(self, line: bytes) -> bool:
        """Return whether there is one more such line."""
        key = hash(line.rstrip(b"\n"))
        taken = any(segment.take(key) for segment in self._segments)
        self.found |= taken and bool(line.strip())
        return taken


class _Window:
    """The lines of a segment, by their hashes: so many ahead of those that were taken. What nobody takes stays in it.

    So each segment has one of its own: the lines that writers have appended to one leave room for those of others.
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


def _lines(parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield each with its newline. Raise ChangedError where there is a large hole: such a file is not compared."""
    begun = bytearray()
    for part in parts:
        if len(part) > WINDOW:
            raise ChangedError
        *whole, rest = (bytes(len(part)) if isinstance(part, Hole) else bytes(part)).split(b"\n")
        for line in whole:
            yield bytes(begun) + line + b"\n"
            begun.clear()
        begun += rest
    if begun:
        yield bytes(begun)


def _blocks(lines: Iterable[bytes]) -> Iterator[memoryview]:
    """Join them, so that not each line is a write of its own."""
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= WINDOW:
            yield memoryview(bytes(block))
            block.clear()
    yield memoryview(bytes(block))
