"""Lines that somebody has written over others, in place, in an old file: those that no segment has yet."""

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from asynclog.errors import ChangedError
from asynclog.storage.hidden_names import OldLink, new_name
from asynclog.storage.local.byte_ranges import windows
from asynclog.storage.local.commit.staging import build, discard
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof
from asynclog.storage.segment_reader import WINDOW, Hole, Part

_AHEAD = 4 << 20  # bytes of the replacement in which a line is looked for


def publish_overwritten(
    directory: LogDirectory, names: SegmentNaming, old: OldLink, source: int, proof: Proof
) -> tuple[list[str], bytes] | None:
    """Make a late segment of the accounted lines that neither the segment nor what came of the file before has.

    Return its name, if there is any such line, and the digest of the accounted bytes now. None where no line is the
    same, or that can't be told: then the file was begun anew. What had expired is in it, too, and expires again. Raise
    OSError.
    """
    if os.fstat(source).st_size > old.processed_bytes and os.pread(source, 1, old.processed_bytes - 1) != b"\n":
        return None  # it goes on in the middle of a line
    read = proof.of_nothing()
    temporary = new_name(names.late(old.token, 0))
    with ExitStack() as opened:
        known = [_Ahead(_lines_of(directory, name, opened)) for name in _known(directory, names, old)]
        lines = _lines(read.follow(windows(source, 0, old.processed_bytes)))
        others = (line for line in lines if not any(each.take(line) for each in known))
        try:
            size = build(directory, temporary, source, _blocks(others), old.processed_bytes)
        except ChangedError:
            return None
    found, digest = any(each.found for each in known), read.ranges[0].digest
    if not (found and size):
        discard(directory, temporary)
        return ([], digest) if found else None
    late = names.late(old.advanced(0, digest).token, 0)  # the same one if it is done again after a kill
    directory.rename(temporary, late)
    directory.sync_folder()
    return [late], digest


def _known(directory: LogDirectory, names: SegmentNaming, old: OldLink) -> list[str]:
    """Return the segments that have lines of the file: what replaced it, and what was moved out of it."""
    tokens = {name: names.late_token(name) for name in directory.names()}
    return [old.segment, *(name for name, token in tokens.items() if token and old.is_origin(token))]


def _lines_of(directory: LogDirectory, name: str, opened: ExitStack) -> Iterator[bytes]:
    """Those of a segment; none if there is no such file."""
    try:
        descriptor = directory.open(name)
    except OSError:
        return
    opened.callback(directory.close, descriptor)
    yield from _lines(windows(descriptor, 0, os.fstat(descriptor).st_size))


class _Ahead:
    """The next lines of the replacement, as far as they are looked at; `found` once one of them was taken."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._next: deque[bytes] = deque()
        self._numbers: Counter[bytes] = Counter()
        self._size = 0
        self.found = False

    def take(self, line: bytes) -> bool:
        """Whether the line is there; then what stands before it is passed over."""
        self._look()
        if not self._numbers[line]:
            return False
        passed = b""
        while passed != line:
            passed = self._next.popleft()
            self._numbers[passed] -= 1
            if not self._numbers[passed]:
                del self._numbers[passed]
            self._size -= len(passed)
        self.found |= bool(line.strip())
        return True

    def _look(self) -> None:
        while self._size < _AHEAD and (line := next(self._lines, b"")):
            self._next.append(line)
            self._numbers[line] += 1
            self._size += len(line)


def _lines(parts: Iterable[Part]) -> Iterator[bytes]:
    """Each with its newline. Raise ChangedError where there is a hole: such a file is not compared."""
    begun = bytearray()
    for part in parts:
        if isinstance(part, Hole):
            raise ChangedError
        *whole, rest = bytes(part).split(b"\n")
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
