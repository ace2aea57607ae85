"""The unreadable lines of a segment: why they are none, how many of each kind, and where the first ones stand."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from asynclog.cancellation import StopRequest
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.diagnostics import why_unreadable
from asynclog.records.fields import Fields, offset_keys
from asynclog.records.parser import BLANKS, LineParser
from asynclog.records.parsers import parser_for
from asynclog.scan.context import ScanContext
from asynclog.scan.reading.line_blocks import BLOCK
from asynclog.scan.reading.read_segment import ReadFailure, with_lines
from asynclog.segments import Segment

Blocks = Iterator[tuple[int, memoryview]]  # of whole lines, with their offsets

if TYPE_CHECKING:
    from asynclog.records.mapped.parser import MappedParser

FIRST = 20  # lines that are reported one by one
_EXAMPLES = 3  # lines of each kind
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
# A timestamp without an offset, behind its key.
_STAMP = rb'[ \t\r]*:[ \t\r]*"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?=")'


class Unreadable(NamedTuple):
    """One line: its number in the segment, from 1, its offset there, in bytes, and all that is wrong with it.

    `kind` says that in words which it shares with other lines.
    """

    line: int
    offset: int
    why: str
    kind: str


class Reason(NamedTuple):
    """The number of lines that are unreadable for one reason, and the first few of them."""

    why: str
    lines: int
    examples: list[Unreadable]


class Found(NamedTuple):
    """The first unreadable lines of a segment, and the reasons of all, the commonest first."""

    first: list[Unreadable]
    reasons: list[Reason]


def first_unreadable(
    context: ScanContext, rate_limit: RateLimiter, most: int, segment: Segment
) -> list[Unreadable] | ReadFailure:
    """Return the first `most` unreadable lines; no more is read than it takes to find so many."""
    return with_lines(context.store, segment, partial(_first, context, rate_limit, most, segment))


def all_unreadable(
    context: ScanContext, rate_limit: RateLimiter, stop: StopRequest, segment: Segment
) -> Found | ReadFailure:
    """Return the reasons of all unreadable lines; only of those before a stop."""
    return with_lines(context.store, segment, partial(_all, context, rate_limit, stop, segment))


def _first(
    context: ScanContext, rate_limit: RateLimiter, most: int, segment: Segment, blocks: Blocks
) -> list[Unreadable]:
    return list(islice(_unreadable(context, rate_limit, StopRequest(), segment, blocks), most))


def _all(context: ScanContext, rate_limit: RateLimiter, stop: StopRequest, segment: Segment, blocks: Blocks) -> Found:
    first: list[Unreadable] = []
    counts: Counter[str] = Counter()
    examples: defaultdict[str, list[Unreadable]] = defaultdict(list)
    for each in _unreadable(context, rate_limit, stop, segment, blocks):
        if len(first) < FIRST:
            first.append(each)
        if counts[each.kind] < _EXAMPLES:
            examples[each.kind].append(each)
        counts[each.kind] += 1
    return Found(first, [Reason(why, lines, examples[why]) for why, lines in counts.most_common()])


def _unreadable(
    context: ScanContext, rate_limit: RateLimiter, stop: StopRequest, segment: Segment, blocks: Blocks
) -> Iterator[Unreadable]:
    parser, number = parser_for(context.fields), 1
    for offset, block in blocks:
        if stop:
            return
        rate_limit.acquire(len(block))
        classifier = context.classifier(segment.fingerprint)
        classifier.add_block(offset, block, None)
        builder = classifier.builder()
        if builder.unreadable:  # the classifier is the one that decides, and passes over the other blocks quickly
            content = bytes(block)
            yield from _in_block(number, offset, content, parser)
            number += content.count(b"\n") or 1  # a long line may be told by its first byte
        else:
            number += sum(part.lines for part in builder.parts)


def _in_block(number: int, offset: int, block: bytes, parser: "LineParser | MappedParser") -> Iterator[Unreadable]:
    for each, line in enumerate(_LINE.finditer(block), number):
        why = why_unreadable(line[0], parser) if line[0].strip(BLANKS) else None
        if why:
            yield Unreadable(each, offset + line.start(), str(why), why.kind)


def without_offset(context: ScanContext, rate_limit: RateLimiter, end: int, segment: Segment) -> int | ReadFailure:
    """Return how many lines that start before `end` lack nothing else. Lines longer than a block are left out.

    None does if local times are read, or no times in text.
    """
    if not offset_keys(context.fields):
        return 0
    return with_lines(context.store, segment, partial(_count, context.fields, rate_limit), end)


def _count(fields: Fields, rate_limit: RateLimiter, blocks: Blocks) -> int:
    keys = b"|".join(re.escape(key.encode()) for key in offset_keys(fields))
    parser, stamp = parser_for(fields), re.compile(b'"(?:%b)"%b' % (keys, _STAMP))
    lines = 0
    for _, block in blocks:
        rate_limit.acquire(len(block))
        if len(block) <= BLOCK:
            lines += _without_offset_in(bytes(block), stamp, parser)
    return lines


def _without_offset_in(block: bytes, stamp: re.Pattern[bytes], parser: "LineParser | MappedParser") -> int:
    """Count each line once, however many such timestamps it has."""
    found = set()
    for each in stamp.finditer(block):
        start, end = block.rfind(b"\n", 0, each.start()) + 1, block.find(b"\n", each.end())
        line = block[start : end if end >= 0 else len(block)]
        at = each.end() - start
        if start not in found and parser.parse(line) is None and parser.parse(line[:at] + b"Z" + line[at:]):
            found.add(start)
    return len(found)
