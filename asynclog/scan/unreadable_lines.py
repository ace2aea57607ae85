"""The unreadable lines of a segment: why they are none, how many of each kind, and where the first ones stand."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from asynclog.cancellation import StopRequest
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import NOTHING_EXPIRES
from asynclog.records.diagnostics import why_unreadable
from asynclog.records.parser import BLANKS, parse_line
from asynclog.scan.chunks import Chunk, ReadFailure, with_segment
from asynclog.scan.classifiers import Kind, make_classifier
from asynclog.scan.line_blocks import BLOCK, whole_lines
from asynclog.storage.segment_reader import ReadStore, SegmentReader
from asynclog.types import Fingerprint, Segment

FIRST = 20  # lines that are told one by one
_EXAMPLES = 3  # lines of each kind
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Unreadable(NamedTuple):
    """One line: its number in the segment, from 1, its offset there, in bytes, and all that is wrong with it.

    `kind` says that in words which it shares with other lines.
    """

    line: int
    offset: int
    why: str
    kind: str


class Reason(NamedTuple):
    """How many lines are unreadable for one reason, and the first few of them."""

    why: str
    lines: int
    examples: list[Unreadable]


class Found(NamedTuple):
    """The first unreadable lines of a segment, and the reasons of all, the commonest first."""

    first: list[Unreadable]
    reasons: list[Reason]


def first_unreadable(
    store: ReadStore, kind: Kind, pace: RateLimiter, most: int, segment: Segment
) -> list[Unreadable] | ReadFailure:
    """The first `most` unreadable lines; no more is read than it takes to find so many."""
    whole = Chunk(segment, 0, segment.fingerprint.size, mark=False)
    return with_segment(store, whole, partial(_first, kind, pace, most))


def all_unreadable(
    store: ReadStore, kind: Kind, pace: RateLimiter, stop: StopRequest, segment: Segment
) -> Found | ReadFailure:
    """The reasons of all unreadable lines; only of those before a stop."""
    whole = Chunk(segment, 0, segment.fingerprint.size, mark=False)
    return with_segment(store, whole, partial(_all, kind, pace, stop))


def _first(
    kind: Kind, pace: RateLimiter, most: int, reader: SegmentReader, fingerprint: Fingerprint
) -> list[Unreadable]:
    return list(islice(_unreadable(kind, pace, StopRequest(), fingerprint.size, reader), most))


def _all(kind: Kind, pace: RateLimiter, stop: StopRequest, reader: SegmentReader, fingerprint: Fingerprint) -> Found:
    first: list[Unreadable] = []
    counts: Counter[str] = Counter()
    examples: defaultdict[str, list[Unreadable]] = defaultdict(list)
    for each in _unreadable(kind, pace, stop, fingerprint.size, reader):
        if len(first) < FIRST:
            first.append(each)
        if counts[each.kind] < _EXAMPLES:
            examples[each.kind].append(each)
        counts[each.kind] += 1
    return Found(first, [Reason(why, lines, examples[why]) for why, lines in counts.most_common()])


def _unreadable(
    kind: Kind, pace: RateLimiter, stop: StopRequest, size: int, reader: SegmentReader
) -> Iterator[Unreadable]:
    number = 1
    for offset, block in whole_lines(reader, 0, size, size):
        if stop:
            return
        pace.spend(len(block))
        classifier = make_classifier(kind, NOTHING_EXPIRES)
        classifier.read(offset, block, None)
        tally = classifier.tally()
        if tally.unreadable:  # the classifier is the one that decides, and passes over the other blocks quickly
            content = bytes(block)
            yield from _in_block(number, offset, content)
            number += content.count(b"\n") or 1  # a long line may be told by its first byte
        else:
            number += sum(part.lines for part in tally.parts)


def _in_block(number: int, offset: int, block: bytes) -> Iterator[Unreadable]:
    for each, line in enumerate(_LINE.finditer(block), number):
        why = why_unreadable(line[0]) if line[0].strip(BLANKS) else None
        if why:
            yield Unreadable(each, offset + line.start(), str(why), why.kind)


_STAMP = re.compile(
    rb'"timestamp"[ \t\r]*:[ \t\r]*"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?=")'
)


def without_offset(store: ReadStore, pace: RateLimiter, end: int, segment: Segment) -> int | ReadFailure:
    """How many lines that start before `end` lack nothing else. Lines longer than a block are left out."""
    return with_segment(store, Chunk(segment, 0, end, mark=False), partial(_count, pace, end))


def _count(pace: RateLimiter, end: int, reader: SegmentReader, fingerprint: Fingerprint) -> int:
    lines = 0
    for _, block in whole_lines(reader, 0, min(end, fingerprint.size), fingerprint.size):
        pace.spend(len(block))
        if len(block) <= BLOCK:
            lines += _without_offset_in(bytes(block))
    return lines


def _without_offset_in(block: bytes) -> int:
    """A line counts once, however many such timestamps it has."""
    found = set()
    for stamp in _STAMP.finditer(block):
        start, end = block.rfind(b"\n", 0, stamp.start()) + 1, block.find(b"\n", stamp.end())
        line = block[start : end if end >= 0 else len(block)]
        at = stamp.end() - start
        if start not in found and parse_line(line) is None and parse_line(line[:at] + b"Z" + line[at:]):
            found.add(start)
    return len(found)
