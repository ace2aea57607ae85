"""Seeded lines of other products, by the layouts of `mapped_lines` that the kernel knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from judge import DAY, Record, first_fragment
from judge_mapped import UNITS, Mapped
from mapped_lines import LAYOUTS, fields_of

from asynclog.records.document_fragments import is_fragment
from asynclog.records.kernel_fields import Layout, kernel_fields
from asynclog.records.parser import BLANKS
from asynclog.records.parsers import parser_for
from fuzz.lines import Line, damaged, timestamp, value

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzz.counts import Answer

NAMES = ("app", "a/b", "x" * 60, "zo\u00eb", "\u6771\u4eac", 5, 0, 10**25, True, False, None)
DOUBTFUL = ('""', "1.5", "1e2", "[]", "{}", '"\\u0061"', '"\\ud800"', "-0", "-7", '{"a": {"b": 1}}', f'"{"x" * 256}"')
TIMES = (
    '"2026-11-24T00:00:00Z"',
    "1790000000e0",
    "1790000000123.5E1",
    "1790000000",
    "null",
    "0",
    "-1",
    "1e9",
    "1790000000.1234567899",
    "99999999999999999999",
    '""',
    '"2026-11-24T00:00:00"',
    "{}",
)
DAYS = (10_957, 84_006)  # from 2000 to 2199


class Product(NamedTuple):
    """A layout: its fields as the kernel takes them, and who else says what its lines are."""

    layout: Mapped
    fields: Layout
    reader: Callable[[bytes], Answer]
    judge: Callable[[bytes], Answer]

    def block(self, random: Random) -> list[Line]:
        """Return a few lines that may stand in one buffer."""
        return [each for _ in range(random.choice((1, 2, 8, 64))) for each in self._lines(random)]

    def _lines(self, random: Random) -> list[Line]:
        kind = random.random()
        whole = self.line(random, doubtful=0 if kind < 0.4 else 0.2)
        if kind < 0.4:
            return [Line(whole, ordinary=True)]
        if kind < 0.7:
            return [Line(whole, ordinary=False)]
        return [Line(part, ordinary=False) for part in damaged(random, whole).split(b"\n")]

    def line(self, random: Random, doubtful: float) -> bytes:
        """Return a record that has most of its fields, of which this share is doubtful."""
        tree: dict[str, object] = {}
        layout = self.layout
        for path in (*layout.schema, *layout.timestamp, *([layout.version] if layout.version else [])):
            if path in layout.timestamp:
                text = random.choice(TIMES) if random.random() < doubtful else self.time(random)
            elif path == layout.version:
                text = random.choice(("1", "17", "null", '"1"', "1.0")) if doubtful else "2"
            elif random.random() < doubtful:
                text = random.choice(DOUBTFUL)
            else:
                names = [each for each in NAMES if isinstance(each, str)] if layout.named else NAMES
                text = json.dumps(random.choice(names), ensure_ascii=False)
            if not doubtful or random.random() < 0.9:
                _put(random, tree, path, text)
        line = self.written(random, tree)
        if doubtful and random.random() < 0.2:
            key = random.choice(
                [key for path in (*layout.schema, *layout.timestamp) for key in (path, *path.split("."))]
            )
            line = line.replace("{", f'{{"{key}": {value(random, 1)}, ', random.choice((1, 1, 2)))
        return line.encode()

    def time(self, random: Random) -> str:
        """Return a time from 2000 to 2199 in one of the forms that the kernel reads."""
        form = random.choice([form for form in self.layout.forms if form in UNITS or form == "rfc3339"][:1])
        if form == "rfc3339":
            text = timestamp(random)
            return f'"{text.replace(".", random.choice(".,"))}"'
        moment = random.randrange(*DAYS) * DAY + random.randrange(DAY)
        whole, rest = divmod(moment, UNITS[form])
        digits = len(str(UNITS[form])) - 1
        fraction = f".{rest:0{digits}d}" if digits else ""
        return f"{whole}{fraction[: random.choice((0, 2, 4, 10))].rstrip('.')}"

    def written(self, random: Random, tree: dict[str, object]) -> str:
        """Return the object of a tree of JSON texts, and a few members that mean nothing."""
        members = [
            (key, self.written(random, text) if isinstance(text, dict) else str(text)) for key, text in tree.items()
        ]
        others = random.sample(("msg", "\u00e9", "n.m", "list"), random.randrange(3))
        members += [(key, value(random, 2)) for key in others]
        random.shuffle(members)
        comma, colon = random.choice(((", ", ": "), (",", ":"), (" ,\t", " : ")))
        inside = comma.join(f'"{key}"{colon}{text}' for key, text in members)
        return f"{{{inside}}}"


def _put(random: Random, tree: dict[str, object], path: str, text: str) -> None:
    """Put a JSON text where a path leads to: as a key, or step by step."""
    *outer, last = path.split(".") if random.random() < 0.8 else [path]
    for key in outer:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree.setdefault(last, text)


def _product(layout: Mapped, fields: Layout) -> Product:
    parse = parser_for(fields_of(layout)).parse

    def reader(line: bytes) -> Answer:
        found = parse(line)
        if found or not line.strip(BLANKS):
            return found or "blank"
        return "fragment" if is_fragment(line) else "unreadable"

    def judge(line: bytes) -> Answer:
        found = layout.verdict(line)
        if isinstance(found, Record):
            return found.schema_name, found.version, found.instant
        return "fragment" if first_fragment(line, layout.verdict) else found

    return Product(layout, fields, reader, judge)


def products() -> list[Product]:
    """Return all layouts that the kernel knows and whose ordinary lines it reads by itself."""
    known = [(name, layout, kernel_fields(fields_of(layout))) for name, layout in LAYOUTS.items()]
    return [
        _product(layout, fields)
        for name, layout, fields in known
        if fields is not None and len(fields) > 3 and name != "micro"
    ]
