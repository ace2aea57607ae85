"""The content of a log, per schema key, and how much of it could be read."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Self, TypeVar

import msgspec

from asynclog.escaping import escape_surrogates
from asynclog.formatting import summarize_errors
from asynclog.plan.decide import NO_RECORD, not_json_lines
from asynclog.report.envelope import CommandResult
from asynclog.report.unjudged_segments import Left
from asynclog.schemas import SchemaKey
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SchemaStats, SegmentState, SegmentStats, total
from asynclog.timestamps import format_instant

R = TypeVar("R")


class Holding(msgspec.Struct, frozen=True):
    """All records of one schema. `oldest` and `newest` leave out those whose clock was wrong; None without others."""

    records: int
    bytes: int
    oldest: str | None
    newest: str | None


class SegmentsRead(msgspec.Struct, frozen=True):
    """total = read + skipped + failed; an empty one counts as read."""

    total: int = 0
    read: int = 0
    skipped: int = 0
    failed: int = 0


class Holdings(msgspec.Struct, frozen=True):
    """The sum over all segments. `unread` has the reason for each that was not read; `failures` are sentences.

    `unjudged` are these, and those that were read but have no record, whose lines don't count as `unreadable`.
    """

    by_schema: dict[SchemaKey, Holding]
    unreadable: int
    segments: SegmentsRead
    unread: dict[str, str]
    failures: list[str]
    unjudged: list[Left]

    def with_failures(self, failures: Iterable[str]) -> Self:
        """Return the same with these failures, which are of no segment, before its own."""
        return msgspec.structs.replace(self, failures=[*failures, *self.failures])

    def command_result(self, result: R) -> CommandResult[R]:
        """Return the command's result; segments that could not be read are its error."""
        return CommandResult(result, 3 if self.failures else 0, summarize_errors(self.failures))


def sum_holdings(states: Iterable[SegmentState]) -> Holdings:
    """Return the sum of what is known of a log's segments, with the schema keys in order."""
    states = list(states)
    counts: defaultdict[SchemaKey, list[SchemaStats]] = defaultdict(list)
    unread: dict[str, str] = {}
    failures = []
    unjudged = []
    unreadable = 0
    for state in states:
        match state:
            case SegmentStats(name, fingerprint, fragment=int(line)):
                unread[escape_surrogates(name)] = not_json_lines(line)
                unjudged.append(Left(name, fingerprint, "not_json_lines", not_json_lines(line)))
            case SegmentStats(name, fingerprint):
                if state.has_no_record:
                    unjudged.append(Left(name, fingerprint, "no_record", NO_RECORD))
                else:
                    unreadable += state.unreadable
                for count in state.schemas:
                    counts[count.schema].append(count)
            case UnreadSegment(name, fingerprint, reason, why, failed):
                unread[escape_surrogates(name)] = reason
                unjudged.append(Left(name, fingerprint, why, reason))
                if failed:
                    failures.append(escape_surrogates(f"{name}: {reason}"))
            case Segment(name, fingerprint, skip_reason, why) if why:
                unread[escape_surrogates(name)] = skip_reason
                unjudged.append(Left(name, fingerprint, why, skip_reason))
    skipped = len(unread) - len(failures)
    return Holdings(
        by_schema={key: _holding(counts[key]) for key in sorted(counts)},
        unreadable=unreadable,
        segments=SegmentsRead(len(states), len(states) - len(unread), skipped, len(failures)),
        unread=unread,
        failures=failures,
        unjudged=unjudged,
    )


def _holding(counts: list[SchemaStats]) -> Holding:
    records, size, oldest, newest = total(counts)
    return Holding(
        records=records,
        bytes=size,
        oldest=None if oldest is None else format_instant(oldest),
        newest=None if newest is None else format_instant(newest),
    )
