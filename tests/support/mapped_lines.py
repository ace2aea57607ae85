"""Layouts of other products, and hypothesis strategies for lines of them: ordinary, doubtful and damaged ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from judge import SECOND, Definition
from judge_mapped import NGINX, PLAIN_LOCAL, UNITS, Mapped
from strategies import DAYS, ENDINGS, SEGMENTS, SYNTAX, Archive, moments

from asynclog.records.fields import MappedFields

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYOUTS = {
    "kubernetes": Mapped(("requestReceivedTimestamp", "stageTimestamp"), ("objectRef.resource", "verb")),
    "suricata": Mapped(("timestamp",), ("event_type", "alert.severity")),
    "elasticsearch": Mapped(("timestamp", "@timestamp"), ("type", "event.action")),
    "mongodb": Mapped(("ts.$date",), ("atype",)),
    "caddy": Mapped(("ts",), ("logger",), forms=("unix_s", "rfc3339")),
    "sessions": Mapped(("timestamp", "time", "ts"), constant="session", forms=("rfc3339", "unix_ms")),
    "pino": Mapped(("time",), ("level",), "v", ("unix_ms",)),
    "micro": Mapped(("a.b.c.t",), ("a.b.s", "a"), "a.b.v", ("unix_us",)),
    "four": Mapped(("a.b.c.t",), ("a.b.s", "x.y"), "a.b.v", ("unix_us",)),
    "deep": Mapped(("a.b.c.d.e.t",), ("s",), forms=("unix_ns", "unix_s")),
    "local": Mapped(("time",), ("kind",), zone="Europe/Berlin"),
    "named": Mapped(("when", "timestamp"), version="schema_version", zone="America/New_York", named=True),
    "nginx": Mapped(("time_local",), ("status", "ok"), forms=(NGINX,)),
    "written": Mapped(("t",), ("zo\u00eb", "a/b"), None, ("unix_s", PLAIN_LOCAL, "rfc3339"), "Australia/Lord_Howe"),
    "file": Mapped((), ("kind", "rule.level"), mtime=1_790_000_000 * SECOND),
}
NAMES: tuple[object, ...] = (
    "app",
    "a/b",
    "-",
    "",
    "zo\u00eb",
    "\ud800",
    5,
    -0,
    10**25,
    True,
    False,
    None,
    1.5,
    [],
    {"x": 1},
    ["a"],
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOISE = ("time", "ts", "a", "b", "x.y", "timestamp", "input", "event", "action", "schema_name")
# Around a change of the clocks in each zone, as wall-clock times.
WALLS: tuple[str, ...] = ("2026-03-29T02:30:00", "2026-10-25T02:30:00", "2026-03-08T02:30:00", "2026-11-01T01:30:00")
WALLS += ("2026-10-04T02:15:00", "2026-04-05T01:45:00", "2026-04-05T02:15:00", "2026-03-29T03:00:00")


def fields_of(layout: Mapped) -> MappedFields:
    """Return the same layout as the package has it."""
    return MappedFields(
        layout.timestamp,
        () if layout.constant is not None else layout.schema,
        layout.version,
        layout.forms,
        layout.zone,
        layout.constant or "",
        layout.named,
        layout.mtime or 0,
    )


def configuration_of(layout: Mapped) -> dict[str, Any]:
    """Return the keys of a profile that say the same."""
    schema: object = list(layout.schema) if layout.constant is None else {"constant": layout.constant}
    fields: dict[str, Any] = {"timestamp": list(layout.timestamp) if layout.mtime is None else {"file": "mtime"}}
    if not layout.named:
        fields |= {"schema": schema} | ({"version": layout.version} if layout.version else {})
    if layout.mtime is not None:
        return {"fields": fields}
    return {"fields": fields, "time": {"form": list(layout.forms), "zone": layout.zone}}


def times(forms: Sequence[str], *, has_zone: bool = False) -> st.SearchStrategy[Any]:
    """Return a strategy for times, most of which one of these forms reads: a text, or a number as it is written."""
    walls = st.sampled_from(WALLS)
    numbers = ("1790000000", "1.79e9", "1790000000.1234567899", "-0.0000000001", "1e400", "-5", "1E-400")
    others: tuple[object, ...] = (
        None,
        0,
        "",
        "2026-11-23T00:00:00",
        True,
        [],
        {},
        "1790000000",
        "2026-11-23T00:00:00,5Z",
    )
    return st.one_of(
        *[st.builds(written, moments(), st.just(form), st.integers(0, 9), st.integers(-720, 840)) for form in forms],
        *([walls, walls.map(lambda wall: wall.replace("T", " "))] if has_zone else []),
        st.sampled_from((*others, *map(Raw, numbers))),
    )


class Raw(str):
    """A number as it is to be written."""

    __slots__ = ()


def written(moment: int, form: str, digits: int, offset: int) -> str | Raw:
    """Return an instant (ns) in this form, with so many digits of a fraction where it has one."""
    if form in UNITS:
        whole, rest = divmod(moment, UNITS[form])
        fraction = f"{rest:0{len(str(UNITS[form])) - 1}d}"[:digits] if UNITS[form] > 1 else ""
        return Raw(f"{whole}.{fraction}" if fraction else str(whole))
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment // SECOND, minutes=offset)
    fraction = f"{moment % SECOND:09d}"[:digits]
    sign, hours, minutes = "-" if offset < 0 else "+", *divmod(abs(offset), 60)
    if form == NGINX:
        return f"{local:%d}/{MONTHS[local.month - 1]}/{local:%Y:%H:%M:%S} {sign}{hours:02}{minutes:02}"
    if form == PLAIN_LOCAL:
        return f"{local:%Y%m%d %H:%M:%S}.{fraction or 0}"
    point = ",."[digits % 2]
    end = "" if digits == 8 else f"{sign}{hours:02}{':' * (digits % 3 == 0)}{minutes:02}"
    return f"{local:%Y-%m-%d}{'T '[digits % 2]}{local:%H:%M:%S}{point + fraction if fraction else ''}{end}"


@st.composite
def objects(draw: st.DrawFn, layout: Mapped) -> list[tuple[str, Any]]:
    """Draw the members of a record: most of its fields are there, as a key or step by step, and some others."""
    found: list[tuple[str, Any]] = []
    names = st.sampled_from((*NAMES[:3], *NAMES))
    for path in (*layout.schema, *layout.timestamp, *([layout.version] if layout.version else [])):
        if draw(st.integers(0, 9)) == 0:
            continue
        value = draw(times(layout.forms, has_zone=layout.zone is not None) if path in layout.timestamp else names)
        if path == layout.version:
            value = draw(st.sampled_from((1, 2, None, "1", 1.0, 10**10)))
        place(draw, found, path, value)
    for key in draw(st.lists(st.sampled_from(NOISE), max_size=2)):
        if all(key != name for name, _ in found) or draw(st.integers(0, 3)) == 0:
            found.append((key, draw(st.sampled_from((1, "time", "ts", [{"time": 1}], {"ts": {"time": 2}}, "\u00e9")))))
    if draw(st.integers(0, 15)) == 0 and found:
        found.append(draw(st.sampled_from(found)))
    return draw(st.permutations(found)) if draw(st.booleans()) else found


def place(draw: st.DrawFn, members: list[tuple[str, Any]], path: str, value: object) -> None:
    """Put a value where a path leads to."""
    *outer, last = path.split(".")
    if not outer or draw(st.integers(0, 4)) == 0:
        members.append((path, value))
        return
    for key in outer:
        inner = next((each for name, each in members if name == key and isinstance(each, Members)), None)
        if inner is None or draw(st.integers(0, 19)) == 0:
            inner = Members()
            members.append((key, inner))
        members = inner
    members.append((last, value))


class Members(list[tuple[str, Any]]):
    """The members of an object that may have a key twice."""


def as_json(value: object, draw: st.DrawFn) -> str:
    """Write a value, with white space, escapes and numbers as they are drawn."""
    space = draw(st.sampled_from(("", "", "", " ", "\t")))
    if isinstance(value, Members):
        inner = ",".join(f"{space}{text(key, draw)}{space}:{as_json(each, draw)}" for key, each in value)
        return f"{space}{{{inner}{space}}}{space}"
    written = value if isinstance(value, Raw) else text(value, draw) if isinstance(value, str) else json.dumps(value)
    return f"{space}{written}{space}"


def text(value: str, draw: st.DrawFn) -> str:
    """Write a string, now and then with an escape that it does not need."""
    written = json.dumps(value, ensure_ascii=draw(st.booleans()) or not is_utf8(value))
    if value and value[0].isalnum() and ord(value[0]) < 128 and draw(st.integers(0, 15)) == 0:
        written = f'"\\u{ord(value[0]):04x}{written[2:]}'
    return written.replace("/", "\\/") if draw(st.integers(0, 7)) == 0 else written


def is_utf8(value: str) -> bool:
    """Return whether a string has no half of a surrogate pair."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


@st.composite
def lines(draw: st.DrawFn, layout: Mapped) -> bytes:
    """Draw a line of a layout; about one in six is damaged."""
    line = as_json(Members(draw(objects(layout))), draw).encode()
    if draw(st.integers(0, 5)) == 0:
        here = draw(st.integers(0, len(line)))
        there = draw(st.integers(here, min(len(line), here + 3)))
        line = line[:here] + draw(st.sampled_from((b"", *SYNTAX))) + line[there:]
    return line


@st.composite
def segments(draw: st.DrawFn, layout: Mapped) -> bytes:
    """Draw the bytes of one segment of a layout; about half of them have no newline at the end."""
    parts = draw(st.lists(st.tuples(lines(layout), st.sampled_from(ENDINGS)), max_size=6))
    whole = b"".join(line + ending for line, ending in parts)
    return whole if draw(st.booleans()) else whole.removesuffix(b"\n")


@st.composite
def archives(draw: st.DrawFn) -> tuple[Mapped, Archive]:
    """Draw a layout, and a few segments of it."""
    layout = draw(layouts())
    return layout, draw(st.dictionaries(st.sampled_from(SEGMENTS), segments(layout), min_size=1, max_size=3))


def policies() -> st.SearchStrategy[list[Definition]]:
    """Return a strategy for policies that have rules for some of the schemas in such lines."""
    days = st.sampled_from((*DAYS, *DAYS, None))
    names = st.sampled_from(("app", "app/-", "-", "5", "true", "session", "a/b/app", "-/-", "app/app"))
    versions, active = st.sampled_from((None, None, 1)), st.sampled_from((True, True, False))
    named = st.builds(Definition, names, versions, days, active, st.none())
    all_others = st.builds(Definition, st.just("*"), st.none(), days, st.just(True), st.none())
    return st.lists(named | all_others | all_others, min_size=1, max_size=5, unique_by=lambda rule: rule[:2])


@st.composite
def layouts(draw: st.DrawFn) -> Mapped:
    """Draw a layout of the catalogue, or one with other forms and another zone."""
    layout = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))]
    if draw(st.booleans()):
        return layout
    forms = draw(st.lists(st.sampled_from(("rfc3339", *UNITS, NGINX)), min_size=1, max_size=3, unique=True))
    texts = [form for form in forms if form not in UNITS]
    zone = draw(st.sampled_from((None, None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")))
    return Mapped(
        layout.timestamp,
        layout.schema,
        layout.version,
        tuple(forms),
        zone if texts else None,
        layout.constant,
        layout.mtime,
        layout.named,
    )
