"""The report for people: what went, what stayed and why, what needs a look."""

from collections.abc import Iterator, Mapping

from asynclog.report.document import Report, Result
from asynclog.report.words import printable, size_in_words


def as_text(report: Report) -> str:
    """Some lines, the most important first; ends without a newline."""
    profiles = report.result.profiles or {}
    parts = [line for name, result in profiles.items() for line in (f"{printable(name)}:", *_lines(result), "")]
    return "\n".join([*parts, *_lines(report.result)])


def _lines(result: Result) -> Iterator[str]:
    yield printable(result.message) + (f" ({size_in_words(result.bytes.freed)})" if result.bytes.freed else "")
    yield from _table(result.deleted_per_schema)
    if result.segments.total:
        yield from _segments(result)
    if result.profiles is None:  # each has said its own
        yield from (f"Warning: {printable(warning)}" for warning in result.warnings)


def _segments(result: Result) -> Iterator[str]:
    parts = {name: getattr(result.segments, name) for name in result.segments.__struct_fields__[1:]}
    shown = ", ".join(f"{number} {name}" for name, number in parts.items() if number)
    yield f"Segments: {result.segments.total} ({shown})"
    yield f"Records: {result.records.scanned} read, {result.records.kept} kept"
    yield from _kept(result)
    if result.overdue.records:
        yield f"Overdue: {sum(result.overdue.records.values())} expired, the oldest of {result.overdue.oldest}"
        yield from _table(result.overdue.records)
    yield from _notes(result)


def _kept(result: Result) -> Iterator[str]:
    kept = result.kept
    if kept.no_policy:
        yield f"Kept without a policy: {sum(kept.no_policy.values())}"
        yield from _table(kept.no_policy)
    if kept.future:
        yield f"Kept for a time stamp more than a day in the future: {kept.future}"
    if kept.implausible:
        yield f"Kept for a time stamp before 2000: {kept.implausible}"
    if kept.unreadable:
        yield f"Kept unread: {kept.unreadable} lines that are no records"


def _notes(result: Result) -> Iterator[str]:
    for row in result.actions:
        if row.outcome == "skipped":
            yield f"Skipped: {printable(row.segment)}: {row.outcome_reason or row.reason}"
    for name in result.late_segments:
        yield f"Late: {printable(name)} has what a writer appended to a segment while it was replaced"
    for name in result.recovery_pending:
        yield f"Pending: {printable(name)} is left by a killed job, or held by a writer: the next job deals with it"
    if result.refusal:
        yield f"Refused: a real run would end with exit 5: {printable(result.refusal)}"


def _table(counts: Mapping[str, int]) -> Iterator[str]:
    width = max(map(len, counts), default=0)
    for name, number in counts.items():
        yield f"  {printable(name):<{width}}  {number:>9}"
