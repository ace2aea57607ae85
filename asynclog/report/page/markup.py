"""Pieces of HTML: escaped words, numbers that keep their exact value, dates, tables. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from asynclog.escaping import escape_control
from asynclog.formatting import format_size, plural

NONE = "-"
_LONGEST = 200  # characters of a name: others may have written it, of any length
_LONGEST_SENTENCE = 4_000
_TOGETHER = re.compile(r"(?<![\w-])--[a-z]{2}[a-z-]{,30}(?![\w-])|\d[\d,.]{,20} (?:bytes|[KMGT]iB|%|days?|hours?)")


class Column(NamedTuple):
    """One column of a table; numbers are aligned at their end."""

    head: str
    is_number: bool = False


def words(text: str, longest: int = _LONGEST) -> str:
    """Return words as HTML: shortened if they are huge, and nothing in them is markup or a control character."""
    return escape(_shortened(escape_control(_shortened(text, longest)), longest))


def _shortened(text: str, longest: int) -> str:
    half = longest // 2
    return text if len(text) <= longest else f"{text[: half - 2]} … {text[1 - half :]}"


def sentence(text: str) -> str:
    """Return a sentence as HTML, which may quote several names; an option, or a number with its unit, is not broken."""
    return _TOGETHER.sub(r'<span class="whole">\g<0></span>', words(text, _LONGEST_SENTENCE))


def code(text: str) -> str:
    """Return a name as HTML."""
    return f"<code>{words(text)}</code>"


def number(value: int) -> str:
    """Return a number with its commas, and its value for programs."""
    return f'<data value="{value}">{value:,}</data>'


def size(value: int) -> str:
    """Return a size such as `3.1 MiB`, and its bytes for programs."""
    return f'<data value="{value}">{format_size(value)}</data>'


def records(count: int) -> str:
    """Return how many records."""
    return f"{number(count)} {plural(count, 'record')}"


def segments(count: int) -> str:
    """Return how many segments."""
    return f"{number(count)} {plural(count, 'segment')}"


def bounds(low: int | None, high: int | None, form: Callable[[int], str]) -> str:
    """Return a figure, or the two that it lies between."""
    if low is None or high is None:
        return "?"
    return form(low) if low == high else f"{form(low)} to {form(high)}"


def day(instant: str | None) -> str:
    """Return the date of an instant, which stays in the markup; a dash without one."""
    return f'<time datetime="{escape(instant)}">{escape(instant[:10])}</time>' if instant else NONE


def items(lines: Iterable[str]) -> str:
    """Return a list of pieces of HTML; nothing without any."""
    inside = "".join(f"<li>{line}" for line in lines)
    return f"<ul>{inside}</ul>" if inside else ""


def section(name: str, title: str, *parts: str) -> str:
    """Return a section of the page with its heading; nothing if it is empty."""
    inside = "\n".join(part for part in parts if part)
    heading = f'<section aria-labelledby="{name}"><h2 id="{name}">{words(title)}</h2>'
    return f"{heading}\n{inside}\n</section>\n" if inside else ""


def note(text: str) -> str:
    """Return a paragraph of small print, already HTML."""
    return f'<p class="note">{text}</p>'


def table(name: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()) -> str:
    """Return a table whose first column names the row; on a narrow screen each row becomes a card.

    The cells are HTML. `foot` is the row of totals. Without rows there is no table.
    """
    body = "".join(_row(columns, row) for row in rows)
    if not body:
        return ""
    heads = "".join(f'<th scope="col"{_kind(column)}>{column.head}</th>' for column in columns)
    end = f"<tfoot>{_row(columns, foot)}</tfoot>" if foot else ""
    return f'<table id="{name}" class="cards"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>{end}</table>'


def _row(columns: Sequence[Column], cells: Sequence[str]) -> str:
    first, *others = cells
    rest = "".join(
        f'<td{_kind(column)} data-label="{column.head}">{cell}</td>'
        for column, cell in zip(columns[1:], others, strict=True)
    )
    return f'<tr><th scope="row">{first}</th>{rest}</tr>'


def _kind(column: Column) -> str:
    return ' class="n"' if column.is_number else ""
