"""Take the inventory of a log: from the catalog as far as that knows it, else by reading, which it then remembers."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import anyio
import msgspec

from asynclog.cancellation import StopRequest
from asynclog.catalog.entry import Entry
from asynclog.executors.worker_pool import WorkerPool
from asynclog.plan.aging import project
from asynclog.runner.catalog_updates import growing_segments, learn, note
from asynclog.runner.open_log import Log
from asynclog.scan.expired_lines import ExpiredRanges
from asynclog.scan.tail_digest import begins_with, tail_digest
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SegmentState, SegmentStats, merge

T = TypeVar("T")

# The value that a run keeps of the state of a segment: a plan holds all segments at once, and needs little of each.
Keep = Callable[[SegmentState], T]

# Receives what was learned of a segment that was read whole: its name, and where its expired lines stand.
Remember = Callable[[str, ExpiredRanges], None]


class Reads(msgspec.Struct, frozen=True):
    """The number of segments that the catalog knew, or their beginning, and of those read whole; and bytes read."""

    hits: int = 0
    partial: int = 0
    misses: int = 0
    bytes: int = 0


class Inventory(msgspec.Struct, Generic[T], frozen=True):
    """The kept values of known segments, by name, and the segments that are still to be read.

    `heads` has what is known of the beginnings of those that only were appended to. It `was_scanned` if not all was
    known before.
    """

    known: dict[str, T]
    unread: dict[str, Segment]
    heads: dict[str, SegmentStats]
    reads: Reads = Reads()
    was_scanned: bool = False


def recall(log: Log, keep: Keep[T]) -> Inventory[T]:
    """Tell what need not be read: what can't be, and what the catalog knows. What goes whole was read whole before."""
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
    """Yield the entries of segments that have not changed, renamed ones among them; put what has grown into `heads`."""
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
        elif entry.may_be_the_head_of(segment.fingerprint):
            head = project(entry.stats(segment.name, entry.fingerprint), log.cutoffs)
            # If nothing before the old end has changed.
            if head and begins_with(log.scanner.context, segment, entry.ranges):
                heads[segment.name] = head
    note(log, [*((name, None) for name in gone), *renamed])


def _is_renamed(log: Log, segment: Segment, entry: Entry) -> bool:
    """Nothing tells a rename from other changes of an inode but the name: a segment that kept it is read again."""
    if not entry.may_be_renamed(segment.fingerprint):
        return False
    return tail_digest(log.scanner.context.store, segment, segment.fingerprint.size) == entry.tail_digest


def scan_unread(
    log: Log, recalled: Inventory[T], keep: Keep[T], stop: StopRequest, remember: Remember | None = None
) -> Inventory[T]:
    """Read what is unread, until a stop, and have the catalog know it; `remember` is told where expired lines stand.

    An event loop takes longer to start than many a run to say that there is nothing to do.
    """
    if not recalled.unread:
        return recalled
    stop.defer()
    scanned = anyio.run(_scan, log, recalled, keep, stop, remember)
    if log.catalog:
        log.catalog.flush()
    return scanned


async def _scan(
    log: Log, recalled: Inventory[T], keep: Keep[T], stop: StopRequest, remember: Remember | None
) -> Inventory[T]:
    known, unread, heads = dict(recalled.known), dict(recalled.unread), dict(recalled.heads)
    partial = misses = read = 0
    workers, growing = WorkerPool(log.settings.jobs, stop), growing_segments(log)
    while unread and not stop:
        starts = {name: head.fingerprint.size for name, head in heads.items()}
        scan = log.scanner.scan(list(unread.values()), workers, starts, growing, mark=remember is not None)
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
                        continue  # that it has only been appended to is not proven: before it goes it is read whole
                    if remember and scanned.expired is not None:
                        remember(scanned.segment, scanned.expired)
                    partial, misses = partial + bool(head), misses + (not head)
                    learn(log, whole, whole=not head)
                del unread[scanned.segment]
                known[scanned.segment] = keep(state)
    return Inventory(known, unread, heads, Reads(recalled.reads.hits, partial, misses, read), was_scanned=True)
