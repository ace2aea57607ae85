"""Identify the bytes of a segment that may be renamed, or grow: by a hash of its last block, or of all of it."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from asynclog.errors import ChangedError
from asynclog.records.kernel import choose_digest
from asynclog.scan.context import ScanContext
from asynclog.segments import Range, Segment
from asynclog.storage.codecs import is_packed
from asynclog.storage.proof import Proof
from asynclog.storage.segment_reader import ReadStore, SegmentReader

_BLOCK = 1 << 16  # bytes

T = TypeVar("T")


def tail_digest(store: ReadStore, segment: Segment, size: int) -> bytes:
    """Return the hash of the block that ends `size` bytes into the segment; empty if it does not end with a line.

    Empty too if the segment can't be read. A packed one ends where it ends.
    """

    def read(reader: SegmentReader) -> bytes:
        start = max(0, size - _BLOCK)
        with reader.preserving_cache(start, size):
            block = reader.read(start, size)
        is_whole = block.endswith(b"\n") or is_packed(segment.name)
        return hashlib.blake2b(block, digest_size=16).digest() if is_whole else b""

    return _of(store, segment, read) or b""


def begins_with(context: ScanContext, segment: Segment, ranges: Sequence[Range]) -> bool:
    """Return whether these ranges of the segment still have their digests, which a reader of the same kind has made.

    False, too, if they don't end with a line: the next one would go on with it.
    """

    def check(reader: SegmentReader) -> bool:
        for each in ranges:
            with reader.preserving_cache(each.start, each.end):
                Proof(choose_digest(context.kind), [each]).check(reader, lambda: None)
        return reader.read(ranges[-1].end - 1, ranges[-1].end) == b"\n"

    return _of(context.store, segment, check) or False


def digested(context: ScanContext, segment: Segment) -> tuple[Range, ...]:
    """Return the digests of all bytes of a segment; none if it can't be read."""

    def read(reader: SegmentReader) -> tuple[Range, ...]:
        proof = Proof(choose_digest(context.kind))
        for _ in proof.follow(reader.parts(0, segment.fingerprint.size)):
            pass
        return tuple(proof.ranges)

    return _of(context.store, segment, read) or ()


def _of(store: ReadStore, segment: Segment, read: Callable[[SegmentReader], T]) -> T | None:
    """Return what `read` makes of the open segment; None if it is another one by now, or can't be read."""
    try:
        with store.open(segment) as reader:
            return read(reader) if reader.as_listed(segment.fingerprint) is not None else None
    except (OSError, ChangedError, ValueError):  # ValueError: a digest that another reader has made
        return None
