"""Lines that would be records if their timestamp had an offset from UTC: counted, for people. It decides nothing."""

import re
from functools import partial

from asynclog.model import Fingerprint, Segment
from asynclog.pace import Pace
from asynclog.scan.blocks import BLOCK, whole_lines
from asynclog.scan.line import read_line
from asynclog.scan.pieces import Piece, Refused, opened

_STAMP = re.compile(
    rb'"timestamp"[ \t\r]*:[ \t\r]*"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?=")'
)


def without_offset(folder: int, pace: Pace, end: int, segment: Segment) -> int | Refused:
    """How many lines that start before `end` lack nothing else. Lines longer than a block are left out."""
    return opened(folder, Piece(segment, 0, end, mark=False), partial(_count, pace, end))


def _count(pace: Pace, end: int, descriptor: int, fingerprint: Fingerprint) -> int:
    lines = 0
    for _, block in whole_lines(descriptor, 0, min(end, fingerprint.size), fingerprint.size):
        pace.spend(len(block))
        if len(block) <= BLOCK:
            lines += _in_block(bytes(block))
    return lines


def _in_block(block: bytes) -> int:
    """A line counts once, however many such timestamps it has."""
    found = set()
    for stamp in _STAMP.finditer(block):
        start, end = block.rfind(b"\n", 0, stamp.start()) + 1, block.find(b"\n", stamp.end())
        line = block[start : end if end >= 0 else len(block)]
        at = stamp.end() - start
        if start not in found and read_line(line) is None and read_line(line[:at] + b"Z" + line[at:]):
            found.add(start)
    return len(found)
