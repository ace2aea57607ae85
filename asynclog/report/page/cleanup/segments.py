"""The segments of a cleanup's page, by what becomes of them, and of many logs by their log. Pure."""

from collections.abc import Iterable, Iterator

from asynclog.formatting import plural
from asynclog.report.cleanup.result import NOT_BEGUN, NOT_READ, ActionRow, CleanupResult
from asynclog.report.page.cleanup.wording import Wording
from asynclog.report.page.markup import size
from asynclog.report.page.segment_lists import SegmentLine, segments_section


def segment_section(parts: Iterable[tuple[str, CleanupResult]], how: Wording, room: int) -> str:
    """Return the segments by what becomes of them; `parts` are the logs, each with its path if there are many."""
    groups = ["Failed", how.dropped, how.rewritten, how.skipped, "Kept"]
    lines = (line for log, result in parts for line in _lines(log, result, how))
    return segments_section(lines, groups, ["size after"], room=room)


def _lines(log: str, result: CleanupResult, how: Wording) -> Iterator[SegmentLine]:
    """Yield each segment with its reason; those that a stopped job did not reach are one line."""
    unreached: dict[str, list[int]] = {}
    for row in result.actions:
        reason = row.outcome_reason or row.reason
        if reason in {NOT_READ, NOT_BEGUN}:
            unreached.setdefault(reason, []).append(row.bytes_before)
        else:
            yield _line(row, reason, how)._replace(log=log)
    for reason, sizes in unreached.items():
        many = f"{len(sizes):,} {plural(len(sizes), 'segment')}"
        yield SegmentLine(how.skipped, many, reason, sum(sizes), segments=len(sizes), log=log)


def _line(row: ActionRow, reason: str, how: Wording) -> SegmentLine:
    name = row.segment
    match row.outcome, row.action:
        case "failed", _:
            return SegmentLine("Failed", name, reason, row.bytes_before)
        case "skipped", _:
            return SegmentLine(how.skipped, name, reason, row.bytes_before)
        case _, "drop":
            return SegmentLine(how.dropped, name, reason, row.bytes_before)
        case _, "rewrite":
            return SegmentLine(how.rewritten, name, reason, row.bytes_before, (size(row.bytes_after),))
        case _:
            return SegmentLine("Kept", name, reason, row.bytes_before)
