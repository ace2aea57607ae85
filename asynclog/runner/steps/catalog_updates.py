"""Update the catalog with each segment that a run has read or changed."""

from collections.abc import Iterable

import msgspec

from asynclog.actions import Action, Outcome
from asynclog.catalog.entry import Entry
from asynclog.plan.stats_at_cutoffs import after_rewrite
from asynclog.runner.steps.open_log import Log
from asynclog.scan.segment_digests import digested, tail_digest
from asynclog.segments import Segment
from asynclog.statistics import SegmentStats
from asynclog.storage.codecs import is_packed


def note(log: Log, entries: Iterable[tuple[str, Entry | None]]) -> None:
    """Put these entries into the catalog; None removes a segment's entry."""
    for name, entry in entries:
        if log.catalog:
            log.catalog.put(name, entry)


def growing_segments(log: Log) -> set[str]:
    """Return the names of segments that may grow: the current one, and the newest rotated one; never packed ones."""
    if not log.catalog:
        return set()
    naming = log.naming
    readable = (segment.name for segment in reversed(log.segments.values()) if segment.is_readable)
    dated = (name for name in readable if not naming.late_token(name) and name != naming.base)
    return {name for name in (naming.base, next(dated, naming.base)) if not is_packed(name)}


def learn(log: Log, stats: SegmentStats, *, whole: bool = True) -> None:
    """Put a segment that was read into the catalog; `whole` if none of it was known before."""
    if not log.catalog:
        return
    segment, end = Segment(stats.segment, stats.fingerprint), b""
    if stats.quiet and log.naming.is_renamed_later(segment.name):
        end = tail_digest(log.scanner.context.store, segment, stats.fingerprint.size)
    if segment.name in growing_segments(log) and not stats.ranges:  # rewritten, so still in the page cache
        stats = msgspec.structs.replace(stats, ranges=digested(log.scanner.context, segment))
    is_known = stats.quiet or stats.ranges
    log.catalog.put(segment.name, Entry.of(stats, log.listed_at, end, whole=whole) if is_known else None)


def record_outcome(log: Log, action: Action, outcome: Outcome) -> None:
    """Update a segment's entry after its action."""
    if not log.catalog:
        return
    if outcome.status != "done":
        if outcome.reread:  # the entry may have been wrong
            learn(log, outcome.reread)
        return
    left = _left(log, action, outcome) if action.kind == "rewrite" else None
    if left:
        learn(log, left)
    else:
        log.catalog.put(action.segment, None)


def _left(log: Log, action: Action, outcome: Outcome) -> SegmentStats | None:
    """Return the statistics of what a rewrite left, if nobody has written to it since; None if unknown."""
    before = outcome.reread or _as_read(log, action)
    left = after_rewrite(before, log.cutoffs) if before else None
    try:
        now = log.scanner.context.store.current(action.segment)
    except OSError:
        return None
    ours = (now.size, now.mtime_ns) == (outcome.bytes_after, action.fingerprint.mtime_ns)
    return msgspec.structs.replace(left, fingerprint=now) if left and ours else None


def _as_read(log: Log, action: Action) -> SegmentStats | None:
    """Return the segment's statistics if it was read in this run; None if they are from an earlier one."""
    entry = log.catalog.get(action.segment) if log.catalog else None
    was_read = entry is not None and (entry.scanned, entry.fingerprint) == (log.listed_at, action.fingerprint)
    return entry.stats(action.segment, action.fingerprint) if entry and was_read else None
