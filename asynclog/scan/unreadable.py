"""The first unreadable lines of a segment: where each stands, and why it is none."""

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from asynclog.model import Fingerprint, Policy, Segment
from asynclog.pace import Pace
from asynclog.scan.blocks import whole_lines
from asynclog.scan.line import BLANKS
from asynclog.scan.pieces import Piece, Refused, opened
from asynclog.scan.readers import Kind, make_reader
from asynclog.scan.why import why_unreadable

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Unreadable(NamedTuple):
    """One line, by its offset in the segment, in bytes."""

    offset: int
    why: str


def first_unreadable(folder: int, kind: Kind, pace: Pace, most: int, segment: Segment) -> list[Unreadable] | Refused:
    """The first `most` unreadable lines; no more is read than it takes to find so many."""
    whole = Piece(segment, 0, segment.fingerprint.size, mark=False)
    return opened(folder, whole, partial(_find, kind, pace, most))


def _find(kind: Kind, pace: Pace, most: int, descriptor: int, fingerprint: Fingerprint) -> list[Unreadable]:
    return list(islice(_unreadable(kind, pace, fingerprint.size, descriptor), most))


def _unreadable(kind: Kind, pace: Pace, size: int, descriptor: int) -> Iterator[Unreadable]:
    for offset, block in whole_lines(descriptor, 0, size, size):
        pace.spend(len(block))
        reader = make_reader(kind, Policy(), 0)
        reader.read(offset, block, None)
        if reader.tally().unreadable:  # the reader is the one that decides, and passes over the other blocks quickly
            yield from _in_block(offset, bytes(block))


def _in_block(offset: int, block: bytes) -> Iterator[Unreadable]:
    for line in _LINE.finditer(block):
        why = why_unreadable(line[0]) if line[0].strip(BLANKS) else ""
        if why:
            yield Unreadable(offset + line.start(), why)
