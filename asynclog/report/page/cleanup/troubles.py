"""Troubles, which a cleanup's page tells first: what was refused, stopped or failed, and what to do about it. Pure."""

from collections.abc import Iterator

from asynclog.formatting import format_size, pluralize
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.cleanup.text import progress
from asynclog.report.page.cleanup.wording import Wording
from asynclog.report.page.frame import Alarm


def troubles(report: Report, how: Wording) -> Iterator[Alarm]:
    """Yield what is wrong with one run; nothing if all is well."""
    result = report.result
    if report.refused:
        yield refused(result.message, report.refused.result)
    elif result.refusal:
        yield Alarm("A real run would be refused (exit 5)", [result.refusal])
    yield from _stopped(report)
    if report.error and not report.refused and not _is_only_stopped(result):
        yield Alarm(_what_failed(report), [report.error, *_what_to_do(report, how)])


def refused(refusal: str, would: CleanupResult) -> Alarm:
    """Return what to say of a run that a guard refused: why, which says how to go on, and what would have gone."""
    many = would.segments.dropped + would.segments.rewritten
    dates = f", from {would.deleted_oldest[:10]} to {(would.deleted_newest or '')[:10]}" if would.deleted_oldest else ""
    gone = (
        f"It would have deleted {pluralize(would.records.deleted, 'record')} of "
        f"{pluralize(len(would.deleted_schemas), 'schema')}{dates}, and freed {format_size(would.bytes.freed)} in "
        f"{pluralize(many, 'segment')}. The figures below are those of that, not of something done."
    )
    return Alarm("Refused by a guard (exit 5): nothing was touched", [refusal, gone])


def _stopped(report: Report) -> Iterator[Alarm]:
    result = report.result
    if not result.stopped:
        return
    by_time = result.stopped == "max-runtime"
    title = "Stopped: its time was up (max-runtime)" if by_time else f"Stopped by {result.stopped}"
    came = progress(result) or result.message
    left = sum(result.overdue.records.values())
    overdue = [f"Known to have expired, and still there: {pluralize(left, 'record')}"] if left else []
    unread = ["What was not read is in no figure but those of the segments."] if result.unjudged.segments else []
    again = "To do: nothing, if a next job is planned. To go on at once, start it again."
    yield Alarm(f"{title} (exit {report.exit_code})", [came, *overdue, *unread, again])


def _is_only_stopped(result: CleanupResult) -> bool:
    """Return whether the alarm for that says all: a run that did not begin for it has it as an error, too."""
    by_signal = result.stopped not in {None, "max-runtime"}
    return by_signal and (not result.errors or result.status == "error")


def _what_failed(report: Report) -> str:
    failed, code = report.result.segments.failed, report.exit_code
    if failed:
        return f"{pluralize(failed, 'segment')} failed (exit {code})"
    if report.result.status == "error":
        return f"The run could not begin, or broke off (exit {code})"
    return f"Not all went well (exit {code})"


def _what_to_do(report: Report, how: Wording) -> Iterator[str]:
    if report.result.segments.failed:
        stay = "would stay" if how.is_dry else "stays"
        yield f"What has expired in them {stay}, and counts as overdue. Each is in the list “Failed” with its reason."
    if report.exit_code == 1:
        yield "To do: exit 1 is a bug in asynclog. Report it, with what --debug prints; the next job tries again."
    elif report.result.segments.failed:
        yield "To do: remove the cause that is named above; the next job tries again."
