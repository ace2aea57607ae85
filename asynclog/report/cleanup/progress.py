"""How far a job came that was stopped by a signal or by its time limit. Pure."""

from asynclog.formatting import pluralize
from asynclog.report.cleanup.result import CleanupResult

# The reasons of segments that a stopped job has not reached: a report for people tells them once, not one by one.
NOT_READ = "the job was stopped before it was read"
NOT_BEGUN = "the job was stopped first"


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
