"""The segments of a page with their reasons, one list for each thing that becomes of them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from asynclog.formatting import format_size, pluralize
from asynclog.report.page.markup import note, section, size, words

_OPEN = 100  # segments; longer lists are folded


class SegmentLine(NamedTuple):
    """One segment, or so many `segments` in one line.

    `group` is what becomes of it, in words; `more` are further cells, as HTML; `log` is the path of its log, of many.
    """

    group: str
    name: str
    reason: str
    size: int
    more: tuple[str, ...] = ()
    segments: int = 1
    log: str = ""


def segments_section(
    lines: Iterable[SegmentLine], groups: Sequence[str], heads: Sequence[str] = (), *, room: int
) -> str:
    """Return one list for each of these groups, in about so many bytes; `heads` are those of the further cells."""
    by_group: dict[str, list[SegmentLine]] = {group: [] for group in groups}
    for line in lines:
        by_group[line.group].append(line)
    parts = []
    for group, found in by_group.items():
        if found:
            rows = list(_fitting(found, room, 3 + len(heads)))
            room -= sum(len(row.encode()) for row in rows)
            parts.append(_list(group, found, rows, heads if any(line.more for line in found) else ()))
    return section("segments", "The segments", *parts)


def _fitting(lines: Iterable[SegmentLine], room: int, columns: int) -> Iterator[str]:
    """Yield the rows of these segments, as long as there is room; the first of each log has its path above it."""
    log = ""
    for line in lines:
        above = "" if line.log == log else f'<tr><th colspan="{columns}" scope="rowgroup">{words(line.log)}'
        log = line.log
        more = "".join(f"<td>{cell}" for cell in line.more)
        row = f"{above}<tr><td>{words(line.name)}<td>{words(line.reason)}<td>{size(line.size)}{more}"
        room -= len(row.encode())
        if room < 0:
            return
        yield row


def _list(group: str, lines: Sequence[SegmentLine], rows: Sequence[str], heads: Sequence[str]) -> str:
    total = format_size(sum(line.size for line in lines))
    many = pluralize(sum(line.segments for line in lines), "segment")
    summary = f"<summary>{words(group)} <span>{many}, {total}</span></summary>"
    head = "".join(f'<th scope="col">{each}' for each in ("segment", "reason", "size", *heads))
    left = len(lines) - len(rows)
    more = (
        note(f"And {left:,} more, for which there is no room here: --csv has all, and the JSON with --debug.")
        if left
        else ""
    )
    body = "\n".join(rows)
    listed = f'<table class="segments"><thead><tr>{head}</thead><tbody>\n{body}</tbody></table>'
    return f"<details{' open' if len(lines) <= _OPEN else ''}>{summary}\n{listed}{more}</details>"
