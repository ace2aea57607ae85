"""A plan file as text, for whoever is to sign it: what goes, by which rules, from when to when, and how large it is."""

from collections import Counter
from collections.abc import Iterator

from asynclog.escaping import escape_control
from asynclog.formatting import fold, format_size, pluralize
from asynclog.report.plan_file import PlanFile, PlannedSegment
from asynclog.report.provenance import rule_period
from asynclog.tables import columns
from asynclog.timestamps import earliest_text, latest_text

_INDENT = "  "


def plan_text(plan: PlanFile, width: int | None = None) -> str:
    """Return the plan as lines, without a newline at the end; its tables fit into this width."""
    return "\n".join(_lines(plan, width and width - len(_INDENT)))


def _lines(plan: PlanFile, width: int | None) -> Iterator[str]:
    going = [segment for segment in plan.segments if segment.action in {"drop", "rewrite"}]
    yield escape_control(f"Plan for {plan.now}, made at {plan.created}, checksum {plan.checksum}")
    yield escape_control(f"Log: {plan.log}")
    yield from _configuration(plan)
    if plan.host:
        yield escape_control(f"Made by {plan.user} on {plan.host}: asynclog {plan.version}, {plan.reader} reader")
    yield ""
    yield from _rules(plan, width)
    yield from _totals(going, width)
    yield ""
    yield from _segments(plan, going, width)


def _configuration(plan: PlanFile) -> Iterator[str]:
    under = plan.configuration
    if under and under.path:
        yield escape_control(f"Configuration: {under.path}, profile {under.profile}")
    if plan.policy_path:
        yield escape_control(f"Policy: {plan.policy_path}, sha256 {plan.policy_sha256}")


def _rules(plan: PlanFile, width: int | None) -> Iterator[str]:
    if plan.policy_rules:
        yield "Rules:"
        yield from _indented(
            columns([[rule.rule, rule_period(rule)] for rule in plan.policy_rules], right={}, width=width)
        )
        yield ""


def _totals(going: list[PlannedSegment], width: int | None) -> Iterator[str]:
    records = sum((Counter(segment.expired) for segment in going), Counter[str]())
    freed = sum(segment.fingerprint.size - segment.bytes_after for segment in going)
    total = sum(records.values())
    oldest, newest = (
        earliest_text(segment.oldest for segment in going),
        latest_text(segment.newest for segment in going),
    )
    span = f", from {oldest[:10]} to {newest[:10]}" if oldest and newest else ""
    yield escape_control(f"Would delete {pluralize(total, 'record')} ({format_size(freed)}){span}")
    yield from _indented(columns([[name, f"{records[name]:,}"] for name in sorted(records)], right={1}, width=width))
    early = sum(sum(each.unexpired.values()) for each in going if isinstance(each.unexpired, dict))
    if early:
        yield f"{early:,} of these would go early, because of the log's budget"


def _segments(plan: PlanFile, going: list[PlannedSegment], width: int | None) -> Iterator[str]:
    """Yield a line for each segment that would change or is skipped; those that stay are counted."""
    kinds = Counter(segment.action for segment in plan.segments)
    counts = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    yield f"Segments: {len(plan.segments):,}" + (f" ({counts})" if counts else "")
    yield from _indented(columns(map(_row, going), right={2}, width=width, keys=2))
    for skipped in fold((each.segment, each.reason) for each in plan.segments if each.action == "skip"):
        yield escape_control(f"{_INDENT}skip  {skipped}")


def _row(segment: PlannedSegment) -> list[str]:
    size = format_size(segment.fingerprint.size)
    left = f" -> {format_size(segment.bytes_after)}" if segment.action == "rewrite" else ""
    span = f"{segment.oldest[:10]} to {segment.newest[:10]}" if segment.oldest and segment.newest else ""
    return [segment.action, segment.segment, size + left, span, segment.reason]


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"{_INDENT}{line}" for line in lines)
