"""Open a segment and read it: what is in the way is a value."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from asynclog.errors import ChangedError, DamagedError
from asynclog.scan.reading.unpacked_lines import segment_lines
from asynclog.segments import Fingerprint, Segment, WhyUnjudged
from asynclog.storage.codecs import LEFT_ALONE, codec_for, is_packed
from asynclog.storage.segment_reader import ReadStore, SegmentReader

T = TypeVar("T")


class ReadFailure(msgspec.Struct, frozen=True):
    """Why a segment could not be read, in words and in a word; `failed` where that is an error, not a change."""

    reason: str
    unjudged: WhyUnjudged
    failed: bool = False


def with_lines(
    store: ReadStore, segment: Segment, read: Callable[[Iterator[tuple[int, memoryview]]], T], end: int | None = None
) -> T | ReadFailure:
    """Return what `read` makes of a segment's lines, given as `whole_lines` yields them; or what was in the way.

    With `end`, only of those that start before that offset.
    """
    size = segment.fingerprint.size

    def read_lines(reader: SegmentReader, fingerprint: Fingerprint) -> T:
        return read(segment_lines(segment.name, reader, fingerprint.size, end))

    return with_segment(store, segment, size if end is None else min(end, size), read_lines)


def with_segment(
    store: ReadStore, segment: Segment, end: int, read: Callable[[SegmentReader, Fingerprint], T], start: int = 0
) -> T | ReadFailure:
    """Return what `read` makes of the bytes [start, end) of a segment, given it open, and its fingerprint.

    Return a failure if something was in the way.

    Of a segment that has grown since it was listed, the whole lines are read that it had then.
    """
    if codec_for(segment.name) is None:
        return ReadFailure(LEFT_ALONE, "packed")
    try:
        opened = store.open(segment)
    except FileNotFoundError:
        return ReadFailure("it has vanished", "changed")
    except BlockingIOError:
        return ReadFailure("it is busy: somebody else holds a lease on it", "not_reached")
    except OSError as error:
        return ReadFailure(f"it can't be opened: {error.strerror}", "not_reached", failed=True)
    try:
        with opened as reader:
            fingerprint = reader.as_listed(segment.fingerprint)
            if fingerprint is None or not _is_whole(reader, segment):
                return ReadFailure("it changed before it was read", "changed")
            try:
                with reader.preserving_cache(start, end):
                    return read(reader, fingerprint)
            except DamagedError as error:
                return _damaged(reader, error)
    except ChangedError:
        return ReadFailure("it became shorter while it was read", "changed")
    except OSError as error:
        return ReadFailure(f"it can't be read: {error.strerror}", "damaged", failed=True)


def _is_whole(reader: SegmentReader, segment: Segment) -> bool:
    """Return False if a packed segment has grown since it was listed: it has no lines where it ended then."""
    return not is_packed(segment.name) or reader.current().size == segment.fingerprint.size


def _damaged(reader: SegmentReader, error: DamagedError) -> ReadFailure:
    if reader.may_be_written():
        return ReadFailure("somebody is writing to it, and it can't be unpacked yet", "changed")
    return ReadFailure(f"it can't be read: {error.strerror}", "damaged")
