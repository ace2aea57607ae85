"""The report as text: what was deleted, what stayed and why, what needs attention."""

from collections.abc import Iterator, Mapping

from asynclog.escaping import escape_control
from asynclog.formatting import fold, format_size, pluralize
from asynclog.report.cleanup.result import NOT_BEGUN, NOT_READ, CleanupResult, Report
from asynclog.report.provenance import in_brief
from asynclog.report.unjudged_segments import unjudged_in_words


def as_text(report: Report, width: int | None = None) -> str:
    """Return the report as lines, the most important first, without a newline at the end; tables fit this width."""
    return "\n".join(_with_parts(report.result, width))


def _with_parts(result: CleanupResult, width: int | None) -> Iterator[str]:
    """Yield the lines of each part, a profile or a log, and those of all; none of a log that needs no look."""
    for name, each in (result.profiles or {}).items():
        yield from (f"{escape_control(name)}:", *_with_parts(each, width), "")
    for name, each in (result.logs or {}).items():
        if _needs_look(each):
            yield from (f"{escape_control(name)}:", *_lines(each, width), "")
    yield from _lines(result, width)


def _needs_look(result: CleanupResult) -> bool:
    """Return whether anything was deleted from a log, or needs attention there."""
    gone = result.records.deleted or result.segments.dropped or result.segments.rewritten
    is_bad = result.status not in {"success", "dry_run"} or result.overdue.records or result.unjudged.segments
    return bool(gone or is_bad or result.refusal or result.warnings or result.late_segments or result.recovery_pending)


def _lines(result: CleanupResult, width: int | None) -> Iterator[str]:
    yield headline(result)
    yield from _deleted(result, width)
    yield from _by_budget(result, width)
    if result.segments.total:
        yield from _counts(result)
        yield from _kept(result, width)
        yield from _overdue(result, width)
        yield from unjudged_in_words(result.unjudged)
        yield from _notes(result)
    yield from in_brief(result)
    if result.plan and _is_dry(result):
        yield f"Plan: {escape_control(result.plan.path)}, which asynclog apply carries out"
    parts = result.profiles or result.logs or {}  # which have shown their own
    shown = {f"{name}: {warning}" for name, each in parts.items() for warning in each.warnings}
    yield from (f"Warning: {escape_control(warning)}" for warning in result.warnings if warning not in shown)


def headline(result: CleanupResult) -> str:
    """Return the message with its number formatted for people, and the bytes freed; without control characters."""
    would = ("would free about " if _is_estimate(result) else "would free ") if _is_dry(result) else "freed "
    plain, told = f" {result.records.deleted} ", f" {result.records.deleted:,} "
    text = escape_control(result.message.replace(plain, told, 1))
    return text + (f" ({would}{format_size(result.bytes.freed)})" if result.bytes.freed else "")


def _deleted(result: CleanupResult, width: int | None) -> Iterator[str]:
    """Yield how many records of each schema went, and from which day to which all of them were.

    Only the day of the newest is known: see `deleted_newest`.
    """
    yield from _table(result.deleted_per_schema, width)
    if result.deleted_oldest and result.deleted_newest:
        yield f"Oldest of these: {result.deleted_oldest[:10]}; newest: {result.deleted_newest[:10]} (days in UTC)"


def _by_budget(result: CleanupResult, width: int | None) -> Iterator[str]:
    """Yield lines about records that go before they expire."""
    early = sum(result.deleted_by_budget.values())
    if early:
        yield f"{early:,} of these {'would go' if _is_dry(result) else 'went'} early, because of the log's budget:"
        yield from _table(result.deleted_by_budget, width)


def _is_dry(result: CleanupResult) -> bool:
    """Return whether it is a dry run's; its status does not tell, because a dry run with errors is `partial`."""
    return result.message.startswith("Would ")


def _is_estimate(result: CleanupResult) -> bool:
    """Return whether a compressed segment is to be rewritten: how small the rest of it becomes is not known before."""
    return any(row.action == "rewrite" and row.unpacked_bytes is not None for row in result.actions)


def _counts(result: CleanupResult) -> Iterator[str]:
    parts = {name: getattr(result.segments, name) for name in result.segments.__struct_fields__[1:-1]}
    shown = ", ".join(f"{number:,} {name}" for name, number in parts.items() if number)
    records, dry, empty = result.records, _is_dry(result), result.segments.emptied
    yield f"Segments: {result.segments.total:,} ({'would be: ' if dry else ''}{shown})"
    if empty:
        yield f"{pluralize(empty, 'empty segment')} {'would go' if dry else 'went'}"
    yield f"Records: {records.scanned:,} read, {records.kept:,} {'would be ' if dry else ''}kept"
    if result.packed.segments:
        size, unpacked = format_size(result.packed.bytes), format_size(result.packed.unpacked_bytes)
        yield f"Compressed: {pluralize(result.packed.segments, 'segment')} ({size}, {unpacked} of lines)"


def _kept(result: CleanupResult, width: int | None) -> Iterator[str]:
    kept, would = result.kept, _kept_or_would(result)
    if kept.no_policy:
        yield f"{would} without a policy: {pluralize(sum(kept.no_policy.values()), 'record')}"
        yield from _table(kept.no_policy, width)
    if kept.future:
        yield f"{would} for a timestamp more than a day in the future: {pluralize(kept.future, 'record')}"
    if kept.implausible:
        yield f"{would} for a timestamp before 2000: {pluralize(kept.implausible, 'record')}"
    if kept.unreadable:
        yield f"{would} unread: {pluralize(kept.unreadable, 'unreadable line')}"


def _kept_or_would(result: CleanupResult) -> str:
    return "Would be kept" if _is_dry(result) else "Kept"


def _overdue(result: CleanupResult, width: int | None) -> Iterator[str]:
    """Yield lines about expired records that had to stay."""
    overdue = result.overdue
    if overdue.records:
        records = sum(overdue.records.values())
        stay = "would stay" if _is_dry(result) else "stays" if records == 1 else "stay"
        yield f"Overdue: {pluralize(records, 'expired record')} {stay}, the oldest of {overdue.oldest}"
        yield from _table(overdue.records, width)


def _notes(result: CleanupResult) -> Iterator[str]:
    came = progress(result)
    if came:
        yield came
    skipped = "Would be skipped" if _is_dry(result) else "Skipped"
    reasons = [(row.segment, row.outcome_reason or row.reason) for row in result.actions if row.outcome == "skipped"]
    for each in fold(pair for pair in reasons if pair[1] not in {NOT_READ, NOT_BEGUN}):
        yield f"{skipped}: {escape_control(each)}"
    for name in result.late_segments:
        yield f"Late: {escape_control(name)} has what a writer appended to a segment while it was replaced"
    for name in result.recovery_pending:
        what = (
            "is left by a killed job, or held by a writer: the next job deals with it, unless a warning says otherwise"
        )
        yield f"Pending: {escape_control(name)} {what}"
    if result.refusal:
        refused = "Refused" if came else "Refused: a real run would end with exit 5"
        yield f"{refused}: {escape_control(result.refusal)}"


def _table(counts: Mapping[str, int], width: int | None) -> Iterator[str]:
    if counts:
        from asynclog.tables import columns  # noqa: PLC0415 - on most nights nothing goes

        rows = [[name, f"{number:>9,}"] for name, number in counts.items()]
        yield from (f"  {line}" for line in columns(rows, right={1}, width=width and width - 2))


def progress(result: CleanupResult) -> str | None:
    """Return `Stopped after 30m: 6 of 64 segments read; the next job goes on`; None if nothing was left to do."""
    reasons = [row.outcome_reason or row.reason for row in result.actions]
    unread, undone = reasons.count(NOT_READ), reasons.count(NOT_BEGUN)
    total = result.segments.total
    if unread:
        came = f"{total - unread:,} of {pluralize(total, 'segment')} read"
    elif undone:
        done = result.segments.dropped + result.segments.rewritten
        came = f"all read, {done:,} of {pluralize(done + undone, 'segment')} dropped or rewritten"
    else:
        return None
    signal = f" by {result.stopped}" if result.stopped in {"SIGINT", "SIGTERM"} else ""
    return f"Stopped{signal} after {duration(result.duration_s)}: {came}; the next job goes on"


def duration(seconds: float) -> str:
    """Return `45s`, `12m`, `1h 5m`."""
    minutes = int(seconds) // 60
    if not minutes:
        return f"{seconds:.0f}s" if seconds >= 1 else f"{seconds:.1f}s"
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"
