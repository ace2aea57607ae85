"""What a log holds: from the catalog where that is known, else read, and then the catalog knows it."""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from asynclog.catalog.entry import Entry
from asynclog.config.settings import Settings
from asynclog.executors.pool import WorkerPool
from asynclog.plan.projection import after_rewrite, project
from asynclog.report.cleanup.result import Catalogued
from asynclog.scan.scanner import Scanner
from asynclog.scan.survivors import SurvivorReader
from asynclog.scan.tail_digest import begins_with, digested, tail_digest
from asynclog.statistics import merge
from asynclog.storage.naming import SegmentNaming
from asynclog.types import Action, Outcome, Segment, SegmentStats, UnreadSegment

if TYPE_CHECKING:
    from asynclog.catalog.store import Catalog


class Reads(msgspec.Struct):
    """How many segments the catalog knew, or their beginning, and how many were read whole; and bytes read."""

    hits: int = 0
    partial: int = 0
    misses: int = 0
    bytes: int = 0


class Inventory:
    """One look at these segments, under the scanner's cutoffs. Without a catalog everything is read.

    `unread` are the segments that are still to be read.
    """

    def __init__(
        self,
        scanner: Scanner,
        evidence: SurvivorReader | None,
        segments: Collection[Segment],
        names: SegmentNaming,
        catalog: "Catalog | None",
    ) -> None:
        self.reads = Reads()
        self._scanner = scanner
        self._evidence = evidence
        self._catalog = catalog
        self._begun = time.time_ns()  # by the real clock, for it is compared to those of files
        self._waiting = {segment.name: segment for segment in segments if segment.is_readable}
        dated = (name for name in reversed(self._waiting) if not names.late_token(name) and name != names.base)
        self._growing = {names.base, next(dated, names.base)} if catalog else set()
        self._names = {segment.name for segment in segments}
        self._rotates = names.is_renamed_later
        self._heads: dict[str, SegmentStats] = {}

    @property
    def problem(self) -> str:
        """Why the catalog could not be used, in a sentence; empty where it could, or there is none."""
        if self._catalog is None or not self._catalog.problem:
            return ""
        return f"{self._catalog.path}: the catalog can't be used, and all was read: {self._catalog.problem}"

    def catalogued(self) -> Catalogued | None:
        """What the report says of the catalog; None where there is none."""
        if self._catalog is None:
            return None
        return Catalogued(self.reads.hits, self.reads.partial, self.reads.misses, self._catalog.rebuilt)

    def keep(self) -> None:
        """Has the catalog write down what it has learned so far."""
        if self._catalog:
            self._catalog.flush()

    @property
    def unread(self) -> list[Segment]:
        return list(self._waiting.values())

    def _entries(self) -> Iterator[tuple[Segment, Entry]]:
        """The entries of segments that have not changed, renamed ones among them."""
        by_inode = {segment.fingerprint.inode: segment for segment in self._waiting.values()}
        gone, renamed = [], []
        for name, entry in self._catalog.entries() if self._catalog else ():
            if name not in self._names:
                gone.append(name)
            segment = by_inode.get(entry.fingerprint.inode)
            if segment is None or segment.name not in self._waiting:
                continue
            if segment.name == name and entry.holds_for(segment.fingerprint):
                yield segment, entry
            elif segment.name != name and self._is_renamed(segment, entry):
                moved = msgspec.structs.replace(entry, fingerprint=segment.fingerprint)
                renamed.append((segment.name, moved))
                yield segment, moved
            elif entry.may_be_the_head_of(segment.fingerprint):
                self._remember_head(segment, entry)
        self._note([*((name, None) for name in gone), *renamed])

    def _is_renamed(self, segment: Segment, entry: Entry) -> bool:
        """Nothing tells a rename from other changes of an inode but the name: a segment that kept it is read again."""
        if not entry.may_be_renamed(segment.fingerprint):
            return False
        return tail_digest(self._scanner.store, segment, segment.fingerprint.size) == entry.edge

    def _note(self, entries: Iterable[tuple[str, Entry | None]]) -> None:
        for name, entry in entries:
            if self._catalog:
                self._catalog.put(name, entry)

    def _remember_head(self, segment: Segment, entry: Entry) -> None:
        """If nothing before the old end has changed."""
        head = project(entry.census(segment.name, entry.fingerprint), self._scanner.cutoffs)
        if head and begins_with(self._scanner.store, segment, entry.ranges, self._scanner.kind):
            self._heads[segment.name] = head

    def recalled(self) -> Iterator[SegmentStats]:
        """The censuses of the segments that need not be read: one that goes as a whole was read as a whole before."""
        for segment, entry in self._entries():
            now = project(entry.census(segment.name, segment.fingerprint), self._scanner.cutoffs)
            if now and (entry.whole or not now.is_wholly_expired):
                del self._waiting[segment.name]
                self.reads.hits += 1
                yield now

    @asynccontextmanager
    async def findings(self, crew: WorkerPool) -> AsyncIterator[AsyncIterator[SegmentStats | UnreadSegment]]:
        """Reads what is unread, for `async with`. What is still unread then has to be read once more."""
        starts = {name: head.fingerprint.size for name, head in self._heads.items()}
        async with self._scanner.censuses(self.unread, crew, self._evidence, starts, self._growing) as found:
            yield self._learned(found)

    async def _learned(
        self, found: AsyncIterator[SegmentStats | UnreadSegment]
    ) -> AsyncIterator[SegmentStats | UnreadSegment]:
        async for finding in found:
            name = finding.segment
            head = self._heads.pop(name, None)
            if isinstance(finding, UnreadSegment):
                del self._waiting[name]
                yield finding
                continue
            self.reads.bytes += finding.fingerprint.size - (head.fingerprint.size if head else 0)
            census = merge(head, finding, finding.fingerprint) if head else finding
            if head and census.is_wholly_expired:
                continue  # that the segment has only been appended to is not proven: before it goes it is read whole
            del self._waiting[name]
            self.reads.partial += bool(head)
            self.reads.misses += not head
            self._learn(census, whole=not head)
            yield census

    def _learn(self, census: SegmentStats, *, whole: bool = True) -> None:
        if self._catalog:
            name = census.segment
            segment, end = Segment(name, census.fingerprint), b""
            if census.quiet and self._rotates(name):
                end = tail_digest(self._scanner.store, segment, census.fingerprint.size)
            if name in self._growing and not census.ranges:  # it was rewritten, and is still in memory
                ranges = digested(self._scanner.store, segment, self._scanner.kind)
                census = msgspec.structs.replace(census, ranges=ranges)
            known = census.quiet or census.ranges
            self._catalog.put(name, Entry.of(census, self._begun, end, whole=whole) if known else None)

    def settle(self, action: Action, outcome: Outcome) -> None:
        """Has the catalog know what has become of a segment."""
        again = self._evidence.censuses.pop(action.segment, None) if self._evidence else None
        self.reads.bytes += action.fingerprint.size if again else 0
        if not self._catalog:
            return
        if outcome.status != "done":
            if again:  # what was known of it may have been wrong
                self._learn(again)
            return
        left = self._left(action, outcome, again) if action.kind == "rewrite" else None
        if left:
            self._learn(left)
        else:
            self._catalog.put(action.segment, None)

    def _left(self, action: Action, outcome: Outcome, again: SegmentStats | None) -> SegmentStats | None:
        """The census of what a rewrite has left, if nobody has written to it since; None where that is not known."""
        census = again or self._as_read(action)
        left = after_rewrite(census, self._scanner.cutoffs) if census else None
        try:
            now = self._scanner.store.current(action.segment)
        except OSError:
            return None
        ours = (now.size, now.mtime_ns) == (action.bytes_after, action.fingerprint.mtime_ns)
        return msgspec.structs.replace(left, fingerprint=now) if left and ours else None

    def _as_read(self, action: Action) -> SegmentStats | None:
        """The census of the segment if it was read in this job, and not only known from an earlier one."""
        entry = self._catalog.get(action.segment) if self._catalog else None
        read = entry is not None and (entry.scanned, entry.fingerprint) == (self._begun, action.fingerprint)
        return entry.census(action.segment, action.fingerprint) if entry and read else None


def opened_catalog(settings: Settings, segments: Iterable[Segment], resources: ExitStack) -> "Catalog | None":
    """The catalog of the log, which `resources` closes; None where there is nothing that it could know, or none to be.

    What speaks against its use is its `problem`.
    """
    if not settings.state or not any(segment.fingerprint.size for segment in segments):
        return None
    from asynclog.catalog.store import Catalog  # noqa: PLC0415 - a job with nothing to do needs no SQLite

    catalog = Catalog(settings.state, settings.folder, settings.base)
    resources.callback(catalog.close)
    return catalog
