"""What identifies the end of a segment that may grow: a hash of its last block."""

import hashlib
import os

from asynclog.model import Segment
from asynclog.scan.pieces import as_it_was, open_segment

_BLOCK = 1 << 16  # bytes


def edge(folder: int, segment: Segment, size: int) -> bytes:
    """The hash of the block that ends `size` bytes into the segment, with a line; empty where no line ends there.

    `folder` is the log's, by its descriptor. Empty too where the segment can't be read.
    """
    try:
        descriptor = open_segment(folder, segment.name)
    except OSError:
        return b""
    try:
        if os.fstat(descriptor).st_ino != segment.fingerprint.inode:
            return b""
        start = max(0, size - _BLOCK)
        with as_it_was(descriptor, start, size):
            block = os.pread(descriptor, size - start, start)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return hashlib.blake2b(block, digest_size=16).digest() if block.endswith(b"\n") else b""
