"""Hypothesis strategies: ordinary, hostile and mutated lines, segments, archives, policies.

Everything is drawn around `hostile.NOW`: instants lie close to the cutoffs of the policies drawn here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hostile import CATALOGUE, NOW
from hypothesis import strategies as st
from judge import DAY, SECOND, Definition, instant, period

if TYPE_CHECKING:
    from collections.abc import Mapping

Archive = dict[str, bytes]

NAMES = ("app", "auth.events", "debug_logs", "zoë's\u2028 logs", "\U0001f600")
# No two have the same text before their first wildcard.
PATTERNS = ("*s", "a*", "ap?", "auth.*", "debug_????", "zo?'s*logs", "deb*g_*s")
PERIODS = ("1h", "23h", "36h", "30d", "13w", "6000w")
HOSTILE_NAME = "ap*"
DAYS = (0, 1, 30, 90, 365, 40_000)
SEGMENTS = (
    "logs.jsonl",
    "logs-20260101T000000.jsonl",
    "logs-20260101T000000-2.jsonl",
    "logs-20260101T000000-10.jsonl",
    "logs-20251231T235959.jsonl",
    "logs-late-0123abcd-512.jsonl",
    "logs.jsonl.1",
    "logs.jsonl.12",
    "logs.jsonl-20260103",
    "logs.jsonl-20260103-05",
    "logs-20260104.jsonl",
)
STRANGERS = (
    "logs-prod-20260101T000000.jsonl",
    "logs_schemas.jsonl",
    "logs-late-0123abcg-512.jsonl",
    "logs.jsonl.bak",
    "logs.jsonl.1~",
    "logs-20260101T000000.json",
    "logs-20260101T000000.jsonl.tmp",
    "xlogs.jsonl",
    "logs.jsonlx",
    "LOGS.jsonl",
)
NOWS = (NOW, "2026-11-24T00:00:00.000000001Z", "2026-11-23T23:59:59.999999999Z", "2026-11-24T05:30:00+0530")
ENDINGS = (b"\n", b"\n", b"\n", b"\r\n", b" \n", b"\n\n", b"\n \t\r\n")
SYNTAX = (
    *(bytes([char]) for char in b'"\\{}[],: \t\r\n\0\f-+.eE019tfnTZ\x7f\x80\xc3\xed\xff'),
    *(
        b"\\u0074",
        b"\\ud800",
        b"\xef\xbb\xbf",
        b"null",
        b"NaN",
        b'"timestamp": 1, ',
        b'"schema_name": "app", ',
    ),
)
SMALL = {case.name: case.line for case in CATALOGUE if len(case.line) < 10_000}
VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1.5,
    10**30,
    "",
    "timestamp",
    "}\n{",
    "\x7f\u2028",
    [],
    {},
    [[{"timestamp": None}]],
)


def written(moment: int, offset: int, digits: int, form: str) -> str:
    """Return an instant (ns) as text at an offset (minutes), with this many fraction digits, as Z, z, ±: or ±."""
    offset = 0 if form in "Zz" else offset
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment // SECOND, minutes=offset)
    fraction = f".{moment % SECOND:09d}"[: digits + 1] if digits else ""
    hours, minutes = divmod(abs(offset), 60)
    end = form if form in "Zz" else f"{'-' if offset < 0 else '+'}{hours:02}{form[1:]}{minutes:02}"
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{end}"


def moments() -> st.SearchStrategy[int]:
    """Return a strategy for instants around the cutoffs, the horizon of the future and the first plausible moment."""
    now = instant(NOW)
    ends = [*(days * DAY for days in DAYS[:-1]), 36 * 3600 * SECOND]
    edges = [now - end for end in ends] + [now + DAY, instant("2000-01-01T00:00:00Z")]
    near = st.sampled_from((0, 1, SECOND, DAY)).flatmap(lambda step: st.sampled_from((-step, step)))
    return st.one_of(
        st.builds(int.__add__, st.sampled_from(edges), near),
        st.integers(min_value=now - 400 * DAY, max_value=now + 2 * DAY),
    )


def timestamps() -> st.SearchStrategy[str]:
    """Return a strategy for instants in all valid forms."""
    offsets = st.integers(min_value=-1439, max_value=1439)
    forms = st.sampled_from(("Z", "Z", "z", "±:", "±"))
    return st.builds(written, moments(), offsets, st.sampled_from((9, 9, 6, 3, 1, 0)), forms)


@st.composite
def ordinary(draw: st.DrawFn) -> bytes:
    """Draw a record as a real product would write it, without a newline."""
    members = {
        "schema_name": draw(st.sampled_from((*NAMES, HOSTILE_NAME))),
        "schema_version": draw(st.sampled_from((1, 1, 2, 3, None))),
        "timestamp": draw(timestamps()),
        draw(st.sampled_from(("input_data", "", "é"))): draw(st.sampled_from(VALUES) | st.text(max_size=8)),
    }
    if draw(st.integers(min_value=0, max_value=7)) == 0:
        del members["schema_version"]
    if draw(st.booleans()):
        members = dict(reversed(members.items()))
    tight = draw(st.booleans())
    text = json.dumps(members, ensure_ascii=draw(st.booleans()), separators=(",", ":") if tight else None)
    return text.encode()


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """Draw a line of the catalogue, except the huge ones."""
    return SMALL[draw(st.sampled_from(list(SMALL)))]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a record that was damaged one to three times; it may have become several lines."""
    line = draw(ordinary())
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        here = draw(st.integers(min_value=0, max_value=len(line)))
        there = draw(st.integers(min_value=here, max_value=min(len(line), here + 20)))
        match draw(st.sampled_from(("flip", "cut", "lose", "insert", "splice", "repeat"))):
            case "flip":
                flipped = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in line[here : here + 1])
                line = line[:here] + flipped + line[here + 1 :]
            case "cut":
                line = line[:here]
            case "lose":
                line = line[:here] + line[there:]
            case "insert":
                line = line[:here] + draw(st.sampled_from(SYNTAX)) + line[here:]
            case "splice":
                other = draw(ordinary())
                line = line[:here] + other[draw(st.integers(min_value=0, max_value=len(other))) :]
            case _:
                line = line[:there] + line[here:]
    return line


def lines() -> st.SearchStrategy[bytes]:
    """Return a strategy for lines of every kind, half of them ordinary."""
    return st.one_of(ordinary(), ordinary(), hostile(), mutated())


@st.composite
def segments(draw: st.DrawFn, line: st.SearchStrategy[bytes] | None = None) -> bytes:
    """Draw the bytes of one segment; about half of them have no newline at the end."""
    kind = lines() if line is None else line
    parts = draw(st.lists(st.tuples(kind, st.sampled_from(ENDINGS)), max_size=6))
    whole = b"".join(text + ending for text, ending in parts)
    return whole if draw(st.booleans()) else whole.removesuffix(b"\n")


def archives() -> st.SearchStrategy[Archive]:
    """Return a strategy for a few segments of all namings, and sometimes a file that only looks like one."""
    names = st.sampled_from(SEGMENTS) | st.sampled_from(SEGMENTS) | st.sampled_from(STRANGERS)
    return st.dictionaries(names, segments(), min_size=1, max_size=4)


def policies() -> st.SearchStrategy[list[Definition]]:
    """Return a strategy for policies for versions, for names and for everything, some for ever, some inactive."""
    days = st.sampled_from((*DAYS, *DAYS, None))
    active = st.sampled_from((True, True, True, False))
    period = st.none() | st.none() | st.sampled_from(PERIODS)
    versions = st.sampled_from((None, 1, 2))
    named, patterns = (
        st.builds(Definition, st.sampled_from(names), versions, days, active, period) for names in (NAMES, PATTERNS)
    )
    all_others = st.builds(Definition, st.just("*"), st.none(), days, active, period)
    rules = named | named | patterns | all_others
    return st.lists(rules, min_size=1, max_size=6, unique_by=lambda rule: rule[:2])


@st.composite
def pairs_of_policies(draw: st.DrawFn) -> tuple[list[Definition], list[Definition]]:
    """Draw a policy, and another that keeps everything at least as long."""
    policy = draw(policies())
    longer = []
    for rule in policy:
        keeps = period(rule)
        at_least = [None] if keeps is None else [None, *(more for more in DAYS if more * DAY >= keeps)]
        longer.append(rule._replace(retention_days=draw(st.sampled_from(at_least)), retention=None))
    return policy, longer


def judged(archive: Mapping[str, bytes]) -> list[bytes]:
    """Return the segments of an archive, without unrelated files."""
    return [content for name, content in archive.items() if name in SEGMENTS]
