"""The segments of a page with their reasons, one list for each thing that becomes of them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from asynclog.formatting import format_size, pluralize
from asynclog.report.page.markup import note, section, size, words

_MOST = 1_400_000  # bytes of all lists together, so that the page of a huge log still opens at once
_OPEN = 100  # segments; longer lists are folded


class SegmentLine(NamedTuple):
    """One segment, or so many `segments` in one line.

    `group` is what becomes of it, in words; `more` are further cells, as HTML.
    """

    group: str
    name: str
    reason: str
    size: int
    more: tuple[str, ...] = ()
    segments: int = 1


def segments_section(lines: Iterable[SegmentLine], groups: Sequence[str], heads: Sequence[str] = ()) -> str:
    """Return one list for each of these groups; `heads` are those of the further cells."""
    by_group: dict[str, list[SegmentLine]] = {group: [] for group in groups}
    for line in lines:
        by_group[line.group].append(line)
    parts, room = [], _MOST
    for group, found in by_group.items():
        if found:
            rows = list(_fitting(found, room))
            room -= sum(map(len, rows))
            parts.append(_list(group, found, rows, heads if any(line.more for line in found) else ()))
    return section("segments", "The segments", *parts)


def _fitting(lines: Iterable[SegmentLine], room: int) -> Iterator[str]:
    """Yield the rows of these segments, as long as there is room."""
    for line in lines:
        more = "".join(f"<td>{cell}" for cell in line.more)
        row = f"<tr><td>{words(line.name)}<td>{words(line.reason)}<td>{size(line.size)}{more}"
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
    more = note(f"And {left:,} more, which the JSON has, with --debug all of them.") if left else ""
    body = "\n".join(rows)
    listed = f'<table class="segments"><thead><tr>{head}</thead><tbody>\n{body}</tbody></table>'
    return f"<details{' open' if len(lines) <= _OPEN else ''}>{summary}\n{listed}{more}</details>"
