"""The result of `explain` as text: a paragraph for each segment."""

from collections.abc import Iterator

from asynclog.escaping import escape_control
from asynclog.formatting import format_size, kept_for, pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.result import Explained, ExplainResult, Part, UnreadableReason
from asynclog.report.provenance import in_brief
from asynclog.timestamps import parse_instant


def as_text(report: CommandResult[ExplainResult]) -> str:
    """Return the result as lines, without a newline at the end."""
    return "\n".join(escape_control(line) for line in _lines(report.result))


def _lines(result: ExplainResult) -> Iterator[str]:
    yield result.message
    yield from in_brief(result)
    yield from (f"Warning: {warning}" for warning in result.warnings)
    for row in result.segments:
        yield ""
        lines = "" if row.unpacked_bytes is None else f", {format_size(row.unpacked_bytes)} of lines"
        yield f"{row.segment} ({format_size(row.bytes)}{lines}): {row.action}: {row.reason}"
        for name, part in row.schemas.items():
            yield f"  {name}: {_part(part)}"
        if row.unreadable:
            yield f"  {pluralize(row.unreadable, 'unreadable line')}: kept for ever"
        for reason in row.reasons:
            yield from _reason(reason)
        yield from _end(row, result.now)


def _reason(reason: UnreadableReason) -> Iterator[str]:
    """Yield one line if a reason has one example; else the reason first, then its examples."""
    if reason.lines == 1:
        yield from (f"    line {line.line:,}, byte {line.offset:,}: {line.why}" for line in reason.examples)
        return
    yield f"    {pluralize(reason.lines, 'line')}: {reason.why}"
    for line in reason.examples:
        yield f"      line {line.line:,}, byte {line.offset:,}{line.why.removeprefix(reason.why)}"
    if reason.lines > len(reason.examples):
        yield f"      and {reason.lines - len(reason.examples):,} more"


def _part(part: Part) -> str:
    text = f"{pluralize(part.records, 'record')}"
    if part.oldest:
        text += f" from {_day(part.oldest)} to {_day(part.newest)}"
    text += f", {_rule(part)}"
    if part.expired:
        text += f"; {part.expired:,} expired, overdue since {_day(part.overdue_since)}"
    if part.future:
        text += f"; {part.future:,} more than a day in the future"
    if part.implausible:
        text += f"; {part.implausible:,} from before 2000, kept for ever: that clock was wrong"
    if part.kept_until and part.expired < part.records:
        text += f"; the last is kept until {_day(part.kept_until)}"
    return text


def _rule(part: Part) -> str:
    if part.rule is None:
        return "which no rule governs: kept for ever"
    if not part.governed:
        return f"whose rule is switched off ({_place(part)}): kept for ever"
    return f"{kept_for(part.retention_s)} ({_place(part)})"


def _end(row: Explained, now: str | None) -> Iterator[str]:
    if row.kept_for_ever:
        yield f"  Never goes as a whole, because it has {', '.join(row.kept_for_ever)}"
    elif row.action == "drop":
        yield "  The next cleanup deletes it"
    elif row.gone_after and row.action == "skip":
        yield f"  Stays: {row.reason}; all of it {_expires(row.gone_after, now)}"
    elif row.gone_after:
        yield f"  Goes as a whole after {_day(row.gone_after)}"


def _expires(gone_after: str, now: str | None) -> str:
    is_over = (parse_instant(gone_after) or 0) < (parse_instant(now or "") or 0)
    return "has expired" if is_over else f"will have expired after {_day(gone_after)}"


def _day(instant: str | None) -> str:
    return (instant or "")[:10]


def _place(part: Part) -> str:
    """Return file and line of the rule, without the folder."""
    return (part.where or "").rpartition("/")[2]
