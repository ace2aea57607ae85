"""Take the inventory of a log: from the catalog as far as possible, else by reading, which updates the catalog."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.catalog.entry import Entry
from asynclog.executors.worker_pool import WorkerPool, run_async
from asynclog.plan.stats_at_cutoffs import project
from asynclog.plan.whole_file_stats import state_of_file
from asynclog.records.fields import WholeFile, has_file_time
from asynclog.runner.steps.catalog_updates import growing_segments, learn, note
from asynclog.runner.steps.open_log import Log
from asynclog.scan.expired_marks import ExpiredRanges
from asynclog.scan.segment_digests import begins_with, tail_digest
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentState, SegmentStats, merge
from asynclog.storage.codecs import is_packed

T = TypeVar("T")

# Makes what a run keeps of a segment's state: a plan holds all segments at once, and needs little of each.
Keep = Callable[[SegmentState], T]

# Receives the name of a segment that was read in full, and where its expired lines are.
Remember = Callable[[str, ExpiredRanges], None]


class Reads(msgspec.Struct, frozen=True):
    """Counts of segments: known to the catalog, known in their beginning, and read in full; and the bytes read."""

    hits: int = 0
    partial: int = 0
    misses: int = 0
    bytes: int = 0


class Inventory(msgspec.Struct, Generic[T], frozen=True):
    """The kept values of known segments, by name, and the segments that are still to be read.

    `heads` has the statistics of the beginnings of those that were only appended to. `was_scanned` is False if all was
    known before.
    """

    known: dict[str, T]
    unread: dict[str, Segment]
    heads: dict[str, SegmentStats]
    reads: Reads = Reads()
    was_scanned: bool = False


def recall(log: Log, keep: Keep[T]) -> Inventory[T]:
    """Return the inventory without reading: unreadable segments, and those that the catalog knows.

    A segment to be dropped qualifies only if it was read in full. Of whole files the listing tells all.
    """
    fields, newest = log.settings.fields, log.conditions.newest
    if isinstance(fields, WholeFile):
        files = log.segments.items()
        found = {name: keep(state_of_file(file, fields.constant, newest, log.cutoffs)) for name, file in files}
        return Inventory(found, {}, {})
    known = {segment.name: keep(segment) for segment in log.segments.values() if not segment.is_readable}
    unread = {segment.name: segment for segment in log.segments.values() if segment.is_readable}
    heads: dict[str, SegmentStats] = {}
    hits = 0
    for segment, entry in _valid_entries(log, unread, heads):
        stats = project(entry.stats(segment.name, segment.fingerprint), log.cutoffs)
        if stats and (entry.whole or not stats.is_wholly_expired):
            del unread[segment.name]
            hits += 1
            known[segment.name] = keep(stats)
    return Inventory(known, unread, heads, Reads(hits=hits))


def _valid_entries(
    log: Log, unread: dict[str, Segment], heads: dict[str, SegmentStats]
) -> Iterator[tuple[Segment, Entry]]:
    """Yield the entries of unchanged segments, including renamed ones; put those that have grown into `heads`."""
    by_inode = {segment.fingerprint.inode: segment for segment in unread.values()}
    gone, renamed = [], []
    for name, entry in log.catalog.entries() if log.catalog else ():
        if name not in log.segments:
            gone.append(name)
        segment = by_inode.get(entry.fingerprint.inode)
        if segment is None or segment.name not in unread:
            continue
        if segment.name == name and entry.holds_for(segment.fingerprint):
            yield segment, entry
        elif segment.name != name and _is_renamed(log, segment, entry):
            moved = msgspec.structs.replace(entry, fingerprint=segment.fingerprint)
            renamed.append((segment.name, moved))
            yield segment, moved
        elif entry.may_be_the_head_of(segment.fingerprint) and not has_file_time(log.settings.fields):
            head = project(entry.stats(segment.name, entry.fingerprint), log.cutoffs)
            # Reuse it if the digests of what was read still match.
            if head and begins_with(log.scanner.context, segment, entry.ranges):
                heads[segment.name] = head
    note(log, [*((name, None) for name in gone), *renamed])


def _is_renamed(log: Log, segment: Segment, entry: Entry) -> bool:
    """Return whether the segment is the entry's, renamed: only its ctime may differ, and its tail digest must match."""
    if not entry.may_be_renamed(segment.fingerprint) or (entry.unpacked is not None) != is_packed(segment.name):
        return False
    return tail_digest(log.scanner.context.store, segment, segment.fingerprint.size) == entry.tail_digest


def scan_unread(
    log: Log, recalled: Inventory[T], keep: Keep[T], stop: StopRequest, remember: Remember | None = None
) -> Inventory[T]:
    """Read what is unread, until a stop, update the catalog, and return the inventory.

    `remember` receives where expired lines are. If all is known, don't start an event loop, which takes longer than the
    rest of such a run.
    """
    if not recalled.unread:
        return recalled
    stop.defer()
    size = sum(segment.fingerprint.size for segment in recalled.unread.values())
    known = sum(head.fingerprint.size for head in recalled.heads.values())
    total = log.scanner.rate_limit.total_so_far
    with stop.progress.during("scan", segments=len(recalled.unread), size=size - known, count=total) as step:

        def counted(state: SegmentState) -> T:
            step.done += 1
            return keep(state)

        scanned = run_async(_scan, log, recalled, counted, stop, remember)
    if log.catalog:
        log.catalog.flush()
    return scanned


async def _scan(
    log: Log, recalled: Inventory[T], keep: Keep[T], stop: StopRequest, remember: Remember | None
) -> Inventory[T]:
    known, unread, heads = dict(recalled.known), dict(recalled.unread), dict(recalled.heads)
    partial = misses = read = 0
    pool, growing = WorkerPool(log.settings.jobs, stop), growing_segments(log)
    while unread and not stop:
        starts = {name: head.fingerprint.size for name, head in heads.items()}
        scan = log.scanner.scan(list(unread.values()), pool, starts, growing, mark=remember is not None)
        async with scan as found:
            async for scanned in found:
                head = heads.pop(scanned.segment, None)
                if isinstance(scanned, UnreadSegment):
                    state: SegmentState = scanned
                else:
                    rest = scanned.stats[0]
                    read += rest.fingerprint.size - (head.fingerprint.size if head else 0)
                    state = whole = merge(head, rest, rest.fingerprint) if head else rest
                    if head and whole.is_wholly_expired:
                        continue  # an append is not proven: read it in full before it is dropped
                    if remember and scanned.expired is not None:
                        remember(scanned.segment, scanned.expired)
                    partial, misses = partial + bool(head), misses + (not head)
                    learn(log, whole, whole=not head)
                del unread[scanned.segment]
                known[scanned.segment] = keep(state)
    return Inventory(known, unread, heads, Reads(recalled.reads.hits, partial, misses, read), was_scanned=True)
