"""The figures as one Markdown table: a row for each contestant, one and two threads side by side."""

from collections.abc import Iterable, Sequence

from benchmarks.results import Entry, Ratio, Section


def table(sections: Iterable[Section]) -> str:
    """One table. The row that all others of its section are set against has no ratio."""
    sections = list(sections)
    counts = sorted({entry.threads for section in sections for entry in section.entries})
    titles = [title for count in counts for title in (f"{count} thread{'s' * (count > 1)}", "ratio")]
    header = ("", *titles, "GB/s", "peak MiB")
    rows: list[Sequence[str]] = [header, ("---", *["---:"] * (len(header) - 1))]
    for section in sections:
        rows.append((f"**{section.title}**", *[""] * (len(header) - 1)))
        rows += [_row(section, name, counts) for name in section.names]
    return "\n".join(map(line, rows))


def _row(section: Section, name: str, counts: Iterable[int]) -> list[str]:
    entries = [section.find(name, count) for count in counts]
    last = [entry for entry in entries if entry][-1]
    cells = [cell for entry in entries for cell in _cells(section, entry)]
    return [
        name,
        *cells,
        f"{last.speed:.2f}" if last.speed else "",
        f"{last.peak / (1 << 20):.0f}" if last.peak else "",
    ]


def _cells(section: Section, entry: Entry | None) -> tuple[str, str]:
    if entry is None:
        return "", ""
    found = None if entry.name == section.reference else section.ratio(entry)
    return duration(entry.wall), with_range(found) if found else ""


def duration(seconds: float) -> str:
    """Three digits: 12.3 ms, 0.456 s, 1.23 s."""
    if seconds < 0.1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.3g} s"


def with_range(found: Ratio) -> str:
    """Return the median, and the lowest and highest ratio."""
    return f"{number(found.median)} ({number(found.least)} to {number(found.greatest)})"


def number(value: float) -> str:
    """At least two digits that mean something."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def line(cells: Sequence[str]) -> str:
    """One row of a table."""
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped)
