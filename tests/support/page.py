"""Read a page as a program does: its elements, its words, and the numbers in its tables."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Cell(NamedTuple):
    """What stands in one cell of a table, and the exact numbers behind it."""

    text: str
    numbers: list[int]


Row = dict[str, Cell]  # by the heads of the columns; the first one's is ""


class Page(HTMLParser):
    """A page that was read. `tables` are those with a name; `segments` are the rows of the lists of segments.

    `logs` has the path that stands above each of these rows, on a page of many logs. Of the name of a row, the small
    print is left out.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.tables: dict[str, list[Row]] = {}
        self.segments: list[list[Cell]] = []
        self.logs: list[str] = []
        self.numbers: dict[str, list[int]] = {}  # of the figures at the top, by their names
        self._table: str | None = None
        self._row: list[tuple[str, Cell]] = []
        self._cell: list[str] | None = None
        self._found: list[int] = []
        self._head = ""
        self._log = ""
        self._is_small = False
        self._term: list[str] | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.elements.append((tag, found))
        match tag:
            case "table":
                self._table = found.get("id") or "segments"
            case "tr":
                self._end_row()
            case "th" if found.get("scope") == "row":
                self._begin_cell("")
            case "th" if found.get("scope") == "rowgroup":
                self._begin_cell("rowgroup")
            case "small":
                self._is_small = self._head == ""
            case "td":
                self._end_cell()
                self._begin_cell(found.get("data-label") or "")
            case "data":
                self._found.append(int(found["value"] or ""))
            case "dt":
                self._term = []
            case "dd":
                self._found = []

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "th" | "td":
                self._end_cell()
            case "small":
                self._is_small = False
            case "table":
                self._end_row()
                self._log = ""
                self._table = None
            case "dd" if self._term is not None:
                self.numbers["".join(self._term)] = self._found
                self._term, self._found = None, []

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell is not None and not self._is_small:
            self._cell.append(data)
        if self._term is not None and self.elements[-1][0] == "dt":
            self._term.append(data)

    def _begin_cell(self, head: str) -> None:
        self._head, self._cell, self._found = head, [], []

    def _end_cell(self) -> None:
        if self._cell is not None:
            self._row.append((self._head, Cell("".join(self._cell).strip(), self._found)))
            self._cell, self._found = None, []

    def _end_row(self) -> None:
        self._end_cell()
        if self._row and self._row[0][0] == "rowgroup":
            self._log = self._row[0][1].text
        elif self._row and self._table == "segments":
            self.logs.append(self._log)
            self.segments.append([cell for _, cell in self._row])
        elif self._row and self._table:
            self.tables.setdefault(self._table, []).append(dict(self._row))
        self._row = []


def read_page(path: Path) -> Page:
    """Return the page in this file."""
    return Page(path.read_text(encoding="utf-8"))
