"""The main comparisons as a bar chart in SVG, from the table's figures: the shorter the bar, the faster."""

from collections.abc import Iterable
from html import escape

from benchmarks.engines import OURS
from benchmarks.results import Entry, Section
from benchmarks.table import duration

WIDTH, LABELS, VALUES = 720, 170, 70  # pixels: all of it, left of the bars, right of them
BAR, GAP, HEADING = 12, 6, 30
OWN, OTHERS = ("#8fbfe8", "#1f6fb5"), ("#d0d0d0", "#8a8a8a")  # one thread, two threads
STYLE = "text{font:11px sans-serif;fill:#222} .h{font-weight:bold}"


def chart(sections: Iterable[Section]) -> str:
    """Return an SVG document; empty if none of the main comparisons was made."""
    shown = [section for section in sections if section.what.startswith("dry run") or section.what == "cleanup"]
    if not shown:
        return ""
    scale = (WIDTH - LABELS - VALUES) / max(entry.wall for section in shown for entry in _charted(section))
    parts: list[str] = []
    y = HEADING
    for section in shown:
        parts.append(f'<text class="h" x="8" y="{y - 9}">{escape(section.title)}</text>')
        for name in dict.fromkeys(entry.name for entry in _charted(section)):
            bars = [entry for entry in _charted(section) if entry.name == name]
            parts += _bars(name, bars, y, scale)
            y += BAR * len(bars) + GAP
        y += HEADING
    legend = "seconds; the upper bar of a pair with 1 thread, the lower with 2"
    parts.append(f'<text x="{LABELS}" y="{y - 18}">{legend}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">\n'
        f"<title>Time of asynclog and of the others for the same work</title>\n<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _charted(section: Section) -> list[Entry]:
    """Without asynclog's own variants, which would make the others' bars short."""
    return [entry for entry in section.entries if not entry.name.startswith(f"{OURS},")]


def _bars(name: str, entries: list[Entry], y: int, scale: float) -> list[str]:
    colours = OWN if name == OURS else OTHERS
    middle = y + BAR * len(entries) / 2 + 4
    parts = [f'<text x="{LABELS - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>']
    for entry in entries:
        width = max(1.0, entry.wall * scale)
        colour = colours[min(entry.threads, 2) - 1]
        parts.append(f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>')
        parts.append(f'<text x="{LABELS + width + 4:.1f}" y="{y + BAR - 2}">{duration(entry.wall)}</text>')
        y += BAR
    return parts
