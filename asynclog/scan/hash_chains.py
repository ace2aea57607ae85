"""Look whether deleting cuts a chain of hashes: a deleted record precedes one that stays, which names it.

What names another one has a `prev_hash` that is not null. That is looked for where deleted and kept records meet, in a
bounded number of bytes: a chain is found, but not each cut in it.
"""

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from asynclog.actions import Action
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.parser import BLANKS, LineParser
from asynclog.records.parsers import parser_for
from asynclog.records.strict_json import LineError, members
from asynclog.scan.classifiers import PythonClassifier
from asynclog.scan.context import ScanContext
from asynclog.scan.reading.line_blocks import BLOCK
from asynclog.scan.reading.read_segment import ReadFailure, with_lines
from asynclog.segments import Fingerprint, Segment
from asynclog.statistics import SegmentStats

if TYPE_CHECKING:
    from asynclog.records.mapped.parser import MappedParser

MOST = 16 << 20  # bytes that are read at most, of all segments together
_HEAD = 1 << 16  # bytes, in which the first record of a segment is looked for

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_NAMES = re.compile(rb'"prev_hash"[ \t\r]*:[ \t\r]*[^n \t\r]')
_LONGEST_KEY = 64  # bytes of "prev_hash", with every letter escaped, and its quotes


def first_cut(context: ScanContext, rate_limit: RateLimiter, actions: Iterable[Action]) -> str:
    """Return the segment whose record would stay and name one that goes; empty if none was found.

    The actions are in the segments' order, those of late segments, whose records stand out of it, left out. Of a
    segment that is rewritten the first block is read, and the rest if that has records which name others; of one that
    follows a deleted record, the first record.
    """
    search = _Search(context, rate_limit)
    for action in actions:
        if action.kind == "drop":
            search.gone = search.gone or not action.of_nothing
        elif action.fingerprint.size and not _is_blank(action.stats) and search.is_cut_in(action):
            return action.segment
    return ""


def _is_blank(stats: SegmentStats | None) -> bool:
    """Return whether a segment has nothing that could stand between two records of a chain."""
    return stats is not None and not stats.schemas and not stats.unreadable and stats.fragment is None


class _Search:
    """The state of the search: whether the record before goes (`gone`), and how many bytes may still be read."""

    def __init__(self, context: ScanContext, rate_limit: RateLimiter) -> None:
        self.gone = False
        self._left = MOST
        self._context = context
        self._parser = parser_for(context.fields)
        self._rate_limit = rate_limit

    def is_cut_in(self, action: Action) -> bool:
        """Return whether the chain is cut among the records that stay in this segment, or where they begin."""
        segment, loses = Segment(action.segment, action.fingerprint), action.kind == "rewrite"
        size = action.stats.size if action.stats else segment.fingerprint.size
        end = min(size if loses else _HEAD, self._left)
        found: bool | ReadFailure = False
        if end and (loses or (self.gone and action.stats)):
            found = with_lines(self._context.store, segment, partial(self._look, action.fingerprint, loses), end)
        self.gone = self.gone and loses and end == size and found is False
        return found is True

    def _look(self, fingerprint: Fingerprint, loses: bool, blocks: Iterable[tuple[int, memoryview]]) -> bool:
        for offset, block in blocks:
            self._left = max(0, self._left - len(block))
            self._rate_limit.acquire(len(block))
            if len(block) > BLOCK or (not offset and not _NAMES.search(block)):
                self.gone = False  # what its last record names is unknown
                break
            if self._is_cut(bytes(block), loses, fingerprint):
                return True
        return False

    def _is_cut(self, block: bytes, loses: bool, fingerprint: Fingerprint) -> bool:
        lines = [found[0] for found in _LINE.finditer(block)]
        expired = self._classifier(fingerprint).classify(memoryview(block)) if loses else bytes(len(lines))
        for line, goes in zip(lines, expired, strict=True):
            if goes:
                self.gone = True
            elif self.gone and line.strip(BLANKS):
                names = _names_another(line, self._parser)
                if names:
                    return True
                self.gone = names is None
        return False

    def _classifier(self, fingerprint: Fingerprint) -> PythonClassifier:
        return PythonClassifier(self._context.cutoffs, self._context.fields_of(fingerprint))


def _names_another(line: bytes, parser: "LineParser | MappedParser") -> bool | None:
    """Return whether an object names another one; None if the line is neither a record nor an object that does."""
    if not _NAMES.search(line):
        return None if parser.parse(line.rstrip(b"\n")) is None else False
    try:
        values = [value for key, value in members(line) if len(key) <= _LONGEST_KEY and _is_name(bytes(key))]
    except LineError:
        return None
    return any(bytes(value) != b"null" for value in values)


def _is_name(key: bytes) -> bool:
    name: str = json.loads(key)
    return name == "prev_hash"
