"""The result of `history` as text: a line for each of the last runs."""

from collections.abc import Iterator

from asynclog.escaping import escape_control
from asynclog.formatting import format_size
from asynclog.report.envelope import CommandResult
from asynclog.report.history.result import HistoryResult, HistoryRun
from asynclog.tables import columns

_MOST = 20  # runs
_SHOWN = 12  # digits of a checksum
_HEAD = ["began", "who", "what", "records", "size", "exit", "plan"]


def as_text(report: CommandResult[HistoryResult], width: int | None = None) -> str:
    """Return the result as lines, the latest run last, without a newline at the end; the table fits into this width."""
    return "\n".join(_lines(report.result, width))


def _lines(result: HistoryResult, width: int | None) -> Iterator[str]:
    yield escape_control(result.message)
    runs = result.runs[-_MOST:]
    if runs:
        yield from columns([_HEAD, *map(_row, runs)], right={3, 4, 5}, width=width)
    for run in runs:
        if run.error:
            yield escape_control(f"{_second(run.began)}: {run.error.partition('. ')[0]}")
    if len(result.runs) > len(runs):
        yield f"And {len(result.runs) - len(runs):,} earlier ones: --json has them all"


def _row(run: HistoryRun) -> list[str]:
    what = f"{run.command} (dry run)" if run.dry_run else run.command
    plan = f"{run.plan.path} ({run.plan.checksum[:_SHOWN]}…)" if run.plan else ""
    size, records = format_size(run.bytes), f"{run.records:,}"
    return [
        _second(run.began),
        f"{run.user}@{run.host}",
        what,
        records,
        size,
        str(run.exit_code),
        plan,
    ]


def _second(instant: str) -> str:
    return instant.partition(".")[0].removesuffix("Z") + "Z"
