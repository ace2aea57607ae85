"""What identifies the bytes of a segment that may be renamed, or grow: a hash of its last block, or of all of it."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from asynclog.errors import ChangedError
from asynclog.scan.chunks import open_segment, preserve_page_cache
from asynclog.scan.classifiers import Kind, choose_digest
from asynclog.storage.byte_ranges import windows
from asynclog.storage.proof import Proof
from asynclog.types import Range, Segment

_BLOCK = 1 << 16  # bytes

T = TypeVar("T")


def tail_digest(folder: int, segment: Segment, size: int) -> bytes:
    """The hash of the block that ends `size` bytes into the segment, with a line; empty if no line ends there.

    `folder` is the log's, by its descriptor. Empty too if the segment can't be read.
    """

    def read(descriptor: int) -> bytes:
        start = max(0, size - _BLOCK)
        with preserve_page_cache(descriptor, start, size):
            block = os.pread(descriptor, size - start, start)
        return hashlib.blake2b(block, digest_size=16).digest() if block.endswith(b"\n") else b""

    return _of(folder, segment, read) or b""


def begins_with(folder: int, segment: Segment, ranges: Sequence[Range], kind: Kind) -> bool:
    """Whether these ranges of the segment still have their digests, which a reader of this kind has made.

    And whether they end with a line: else the next one would go on with it.
    """

    def check(descriptor: int) -> bool:
        for each in ranges:
            with preserve_page_cache(descriptor, each.start, each.end):
                Proof(choose_digest(kind), [each]).check(descriptor, lambda: None)
        return os.pread(descriptor, 1, ranges[-1].end - 1) == b"\n"

    return _of(folder, segment, check) or False


def digested(folder: int, segment: Segment, kind: Kind) -> tuple[Range, ...]:
    """The digests of all bytes of a segment; none if it can't be read."""

    def read(descriptor: int) -> tuple[Range, ...]:
        proof = Proof(choose_digest(kind))
        for _ in proof.follow(windows(descriptor, 0, segment.fingerprint.size)):
            pass
        return tuple(proof.ranges)

    return _of(folder, segment, read) or ()


def _of(folder: int, segment: Segment, read: Callable[[int], T]) -> T | None:
    """What `read` makes of the segment's descriptor; None if it is another file, or can't be read."""
    try:
        descriptor = open_segment(folder, segment.name)
    except OSError:
        return None
    try:
        return read(descriptor) if os.fstat(descriptor).st_ino == segment.fingerprint.inode else None
    except (OSError, ChangedError, ValueError):  # ValueError: a digest that another reader has made
        return None
    finally:
        with contextlib.suppress(OSError):  # it was only read
            os.close(descriptor)
