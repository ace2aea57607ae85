"""The comparisons as one Markdown table, and the page that keeps it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.mxcp.compare import Comparison, Job
from benchmarks.sections import amount
from benchmarks.table import duration, line

PAGE = Path(__file__).parent.parent.parent / "docs" / "mxcp.md"
BEGIN, END = "<!-- side by side: begin -->", "<!-- side by side: end -->"
HEADER = ("", "dry run says", "run says", "wrongly deleted", "wrongly kept", "dry run", "run")


def table(found: Iterable[Comparison], version: str) -> str:
    """Return a table with a row for what has to go of each archive, and one for what each of the two made of it."""
    rows: list[Sequence[str]] = [HEADER, ("---", *["---:"] * (len(HEADER) - 1))]
    for each in found:
        title = f"**{each.title}**: {each.to_go:,} of {each.records:,} records have expired, {amount(each.size)}"
        rows.append((title, *[""] * (len(HEADER) - 1)))
        rows += [(f"MXCP {version}", *_cells(each.mxcp)), ("asynclog", *_cells(each.asynclog))]
    return "\n".join(map(line, rows))


def _cells(job: Job) -> tuple[str, ...]:
    counts = (job.announced, job.reported, job.damage.wrongly_deleted, job.damage.wrongly_kept)
    return (*(f"{count:,}" for count in counts), duration(job.dry_run), duration(job.run))
