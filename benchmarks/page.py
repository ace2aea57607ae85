"""The text about all that was measured, and the page that keeps it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.goals import lines
from benchmarks.results import Section
from benchmarks.sections import amount
from benchmarks.table import table

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
GOALS_FROM = 2 << 30  # bytes
IMAGE = "![The main comparisons as bars](performance.svg)"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def text(sections: Sequence[Section], machine: Iterable[str], skipped: Iterable[str], size: int, rounds: int) -> str:
    """Return machine, table, goals and what was left out, as Markdown; for archives of this size and so many rounds."""
    notes = [*skipped, *(note for section in sections for note in [*section.notes, *section.overdrawn()])]
    goals = lines(sections) if size >= GOALS_FROM else [f"The goals are for {amount(GOALS_FROM)}: they are left out."]
    parts = [
        "\n".join(f"- {line}" for line in machine),
        f"Medians of {rounds} runs ({4 * rounds} for start-up), {datetime.now(UTC):%Y-%m-%d}.",
        table(sections),
        "\n".join(goals),
        "\n".join(f"- {note}" for note in notes),
    ]
    return "\n\n".join(part for part in parts if part)


def put(figures: str, page: Path, begin: str, end: str) -> None:
    """Put the figures between two markers of the page. Raise ValueError without these."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n\n{figures}\n\n{end}{after}", encoding="utf-8")


def write(figures: str, sections: Sequence[Section], page: Path = PAGE) -> None:
    """Put the figures between the page's markers, and the chart beside the page. Raise ValueError without markers."""
    put(f"{figures}\n\n{IMAGE}", page, BEGIN, END)
    page.with_suffix(".svg").write_text(chart(sections), encoding="utf-8")
