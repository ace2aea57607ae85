"""A store that keeps its segments in memory: all that a run needs of a store, without a file system."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from asynclog.actions import Action, Outcome
from asynclog.errors import ChangedError
from asynclog.segments import Fingerprint, Segment, Space
from asynclog.storage.segment_store import Leftovers, Listing, StoreLock, Survivors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Set

    from asynclog.storage.naming import SegmentNaming
    from asynclog.storage.segment_reader import Part


class Content(NamedTuple):
    """The bytes of a segment, and the number of the write that put them there."""

    lines: bytes
    version: int

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(1, self.version, len(self.lines), self.version, self.version)


class MemoryReader:
    """One segment as it was when it was opened."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def as_listed(self, listed: Fingerprint) -> Fingerprint | None:
        now = self._content.fingerprint
        return now if now == listed else None

    def current(self) -> Fingerprint:
        return self._content.fingerprint

    def may_be_written(self) -> bool:
        return False

    def read(self, start: int, end: int) -> bytes:
        return self._content.lines[start:end]

    def read_into(self, buffer: memoryview, offset: int) -> int:
        found = self._content.lines[offset : offset + len(buffer)]
        buffer[: len(found)] = found
        return len(found)

    def parts(self, start: int, end: int) -> Iterator[Part]:
        if end > len(self._content.lines):
            raise ChangedError
        if end > start:
            yield memoryview(bytearray(self._content.lines[start:end]))

    def next_data(self, start: int, end: int) -> int:
        del end
        return start

    def data_bytes(self, start: int, end: int) -> int:
        return max(0, end - start)

    def preserving_cache(self, start: int, end: int) -> AbstractContextManager[None]:
        del start, end
        return nullcontext()


class Held:
    """A lock that is never lost."""

    def is_lost(self) -> bool:
        return False


class MemoryStore:
    """Segments by name."""

    weakness = ""

    def __init__(self, naming: SegmentNaming) -> None:
        self._naming = naming
        self._contents: dict[str, Content] = {}
        self._writes = 0

    def put(self, name: str, lines: bytes) -> None:
        """Write a segment."""
        self._writes += 1
        self._contents[name] = Content(lines, self._writes)

    def contents(self) -> dict[str, bytes]:
        """Return the segments' contents by name."""
        return {name: content.lines for name, content in self._contents.items()}

    def open(self, segment: Segment) -> AbstractContextManager[MemoryReader]:
        if segment.name not in self._contents:
            raise FileNotFoundError(segment.name)
        return nullcontext(MemoryReader(self._contents[segment.name]))

    def current(self, name: str) -> Fingerprint:
        if name not in self._contents:
            raise FileNotFoundError(name)
        return self._contents[name].fingerprint

    def list(self) -> Listing:
        names = sorted(filter(self._naming.match, self._contents), key=self._naming.sort_key)
        segments = tuple(Segment(name, self._contents[name].fingerprint) for name in names)
        return Listing(tuple(self._contents), segments, tuple(filter(self._naming.is_neighbour, self._contents)))

    def space(self) -> Space | None:
        return None

    def lock(self, *, wait: float, breaks: bool) -> AbstractContextManager[StoreLock]:
        del wait, breaks
        return nullcontext(Held())

    def recover(self) -> None:
        pass

    def replace(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        del newest
        return self._changed(action, survivors)

    def drop(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        del newest
        return self._changed(action, survivors)

    def _changed(self, action: Action, survivors: Survivors) -> Outcome:
        content = self._contents.get(action.segment)
        if content is None:
            return Outcome(action.segment, "skipped", "it has vanished since it was scanned")
        if content.fingerprint != action.fingerprint:
            return Outcome(action.segment, "skipped", "it has changed since it was scanned")
        reader, proof = MemoryReader(content), survivors.proof()
        if action.kind == "drop":
            survivors.verify_drop(action, reader, proof)
            del self._contents[action.segment]
            return Outcome(action.segment, "done", deleted=action.records_to_delete, reread=proof.reread)
        staying = b"".join(
            bytes(part if isinstance(part, memoryview) else len(part))
            for part in survivors.iter_survivors(action, reader, proof, len(content.lines))
        )
        self.put(action.segment, staying)
        return Outcome(
            action.segment, "done", deleted=action.records_to_delete, bytes_after=len(staying), reread=proof.reread
        )

    def finish(self) -> None:
        pass

    def leftovers(self) -> Leftovers:
        return Leftovers((), {}, ())

    def hindrances(self, actions: Iterable[Action]) -> Sequence[str]:
        del actions
        return ()
