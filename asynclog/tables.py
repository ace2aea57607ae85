"""Text for a terminal of any width or for none: tables, and sentences. Pure."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import zip_longest

from asynclog.escaping import escape_control

_GAP = 2  # columns between two cells
_WIDEST = 200  # of a column without a width for all: others may have written names of any length, and cells are padded


def columns(
    rows: Iterable[Sequence[str]], right: Container[int], width: int | None = None, keys: int = 1
) -> Iterator[str]:
    """Yield the rows as lines with aligned cells; those of the columns `right` (from 0) are aligned at their end.

    If they need more than this width, wrap long text, and if that is not enough put the columns that are left into
    further tables. Each of these begins again with the columns that say which row it is, the first `keys`. Without a
    width nothing is wrapped, and a huge cell is out of line.
    """
    rows = [[escape_control(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = list(range(len(widths)))
    if width is None:
        widths = [min(each, _WIDEST) for each in widths]
        yield from (_aligned(zip(row, widths, numbers, strict=True), right) for row in rows)
        return
    if _total(widths) <= width:
        yield from _table(rows, widths, numbers, right)
        return
    widths = _narrowed(widths, right, width)
    for place, chosen in enumerate(_dealt(widths, width, keys)):
        if place:
            yield ""
        yield from _table(rows, widths, chosen, right)


def wrapped(text: str, width: int) -> str:
    """Return a text whose sentences have no more than this width: broken between words, and indented from there on."""
    lines = text.split("\n")
    if all(len(line) <= width for line in lines):
        return text
    from textwrap import fill  # noqa: PLC0415 - few texts are so wide

    def wrap(line: str) -> str:
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        return fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

    return "\n".join(line if len(line) <= width else wrap(line) for line in lines)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _narrowed(widths: Sequence[int], right: Container[int], width: int) -> list[int]:
    """Return the widths; text of more than a third of the table gets what the others leave, or that third."""
    third = max(1, width // 3)  # a terminal may have a single column
    long = [number for number, each in enumerate(widths) if number not in right and each > third]
    left = width - _total([0 if number in long else each for number, each in enumerate(widths)])
    most = max(third, left // max(1, len(long)))
    return [min(each, most) if number in long else each for number, each in enumerate(widths)]


def _dealt(widths: Sequence[int], width: int, keys: int) -> Iterator[list[int]]:
    """Yield the numbers of the columns of each table: the first, and as many others as there is room for."""
    chosen = list(range(keys))
    for number in range(keys, len(widths)):
        if len(chosen) > keys and _total([widths[each] for each in (*chosen, number)]) > width:
            yield chosen
            chosen = list(range(keys))
        chosen.append(number)
    yield chosen


def _table(
    rows: Iterable[Sequence[str]], widths: Sequence[int], chosen: Sequence[int], right: Container[int]
) -> Iterator[str]:
    for row in rows:
        cells = [list(_wrapped(row[number], widths[number])) for number in chosen]
        for line in zip_longest(*cells, fillvalue=""):
            yield _aligned(((part, widths[number], number) for number, part in zip(chosen, line, strict=True)), right)


def _aligned(cells: Iterable[tuple[str, int, int]], right: Container[int]) -> str:
    """Return a line of these cells, each with its width and the number of its column."""
    parts = (part.rjust(width) if number in right else part.ljust(width) for part, width, number in cells)
    return (" " * _GAP).join(parts).rstrip()


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a cell's text in lines of this width, broken after a space or, without one, after a slash or a hyphen."""
    while len(text) > width:
        end = text.rfind(" ", 0, width) + 1
        if end <= width // 2:
            end = max(text.rfind("/", 0, width), text.rfind("-", 0, width)) + 1
        end = end if end > width // 2 else width
        yield text[:end]
        text = text[end:]
    yield text
