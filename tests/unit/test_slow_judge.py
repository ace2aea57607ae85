"""The judge is sane: verdicts written by hand, and the standard library where it agrees by construction."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NoReturn, get_args

import pytest
import strategies
from hostile import CATALOGUE, NOW, POLICY, Hostile
from hypothesis import given
from judge import (
    DAY,
    Definition,
    Fate,
    Record,
    expected,
    fate,
    first_fragment,
    governing,
    instant,
    left_of,
    lines,
    verdict,
)
from judge_json import Unreadable, members

from examples import examples

OLD = b'{"schema_name":"app","timestamp":"2024-02-29T12:00:00Z"}\n'
NEW = b'{"schema_name":"app","timestamp":"2026-11-23T12:00:00Z"}\n'


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
def test_the_judge_gives_each_hostile_line_its_known_fate(case: Hostile) -> None:
    """A newline behind the line changes nothing."""
    assert fate(case.line, POLICY, instant(NOW)) == case.fate
    assert fate(case.line + b"\n", POLICY, instant(NOW)) == case.fate


def test_the_catalogue_is_large_and_says_nothing_twice() -> None:
    """Every fate is there; no name and no line stands twice, and none hides a newline."""
    assert len(CATALOGUE) == len({case.name for case in CATALOGUE}) == len({case.line for case in CATALOGUE}) > 400
    assert {case.fate for case in CATALOGUE} == set(get_args(Fate))
    assert not [case.name for case in CATALOGUE if b"\n" in case.line]


def test_the_judge_finds_the_known_fragments() -> None:
    """Torn lines, records on one line, text, NULs and lone values are none."""
    assert {case.name for case in CATALOGUE if first_fragment(case.line)} == {
        f"unreadable {name}"
        for name in (
            "an array around",
            "an array's comma before",
            "an array's comma behind",
            "a brace too many",
            "a bracket behind",
            "only braces",
            "an array",
            "an open brace",
            "a closing brace",
            "100000 open arrays",
        )
    }


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.1Z", 100_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 01:01:00+0101", 0),
        ("1969-12-31t00:01:00-23:59", 0),
        ("1970-03-01T00:00:00Z", 59 * DAY),
        ("1972-03-01T00:00:00Z", (2 * 365 + 60) * DAY),
        ("2000-01-01T00:00:00Z", 946_684_800_000_000_000),
        ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
        ("2026-11-24T00:00:00Z", 1_795_478_400_000_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
    ],
)
def test_an_instant_is_exact_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    """Known instants, leap days and both ends of the calendar."""
    assert instant(text) == nanoseconds


def test_a_record_has_its_decoded_name_version_and_instant() -> None:
    """Escapes are decoded, and an absent version is 1."""
    assert verdict(OLD) == Record("app", 1, instant("2024-02-29T12:00:00Z"))
    escaped = rb'{"schema_name":"\ud83d\ude00\n","schema_version":-7,"timesta\u006dp":"1970-01-01T00:00:00Z"}'
    assert verdict(escaped) == Record("\U0001f600\n", -7, 0)


def test_the_first_of_three_rules_governs() -> None:
    """The version's rule goes before the name's, and the name's before everybody's, inactive ones too."""
    everybody, name, version = (
        Definition("*", None, 1),
        Definition("app", None, 2, False),
        Definition("app", 7, 3),
    )
    policy = [everybody, name, version]
    assert governing(Record("app", 7, 0), policy) is version
    assert governing(Record("app", 8, 0), policy) is name
    assert governing(Record("web", 7, 0), policy) is everybody
    assert governing(Record("web", 7, 0), [name, version]) is None


def test_a_segment_is_cut_behind_newlines_only() -> None:
    """Carriage returns and other separators cut nothing, and a tail is a line of its own."""
    assert lines(b"") == []
    assert lines(b"\n") == [b"\n"]
    assert lines(b"a\r\n\n b\x0b\r\xe2\x80\xa8\nc") == [b"a\r\n", b"\n", b" b\x0b\r\xe2\x80\xa8\n", b"c"]


def test_what_is_left_is_the_rest_or_nothing() -> None:
    """A segment goes as a whole only if something expired and nothing but blank lines would stay."""
    now = instant(NOW)
    policy = [Definition("app", None, 90)]
    assert left_of(b"", policy, now) == b""
    assert left_of(b"\n \n", policy, now) == b"\n \n"
    assert left_of(OLD, policy, now) is None
    assert left_of(b"\n" + OLD + b" \t\n" + OLD[:-1], policy, now) is None
    assert left_of(OLD + b"torn" + OLD + b"\r\n" + NEW + OLD[:-1], policy, now) == b"torn" + OLD + b"\r\n" + NEW
    assert left_of(OLD + OLD[:-2], policy, now) == OLD[:-2]


def test_an_archive_is_counted() -> None:
    """Every record of a file of lines is counted once, under one reason; blank and unreadable lines are no records."""
    far = NEW.replace(b"2026", b"2027")
    early = OLD.replace(b"2024", b"1972")
    alien = OLD.replace(b"app", b"web")
    counts = expected(
        [OLD + NEW + b"\n" + OLD, far + early + alien + b"torn\n", OLD + b"{\n"],
        [Definition("app", 1, 90)],
        instant(NOW),
    )
    assert (counts.scanned, counts.kept, counts.deleted_per_schema) == (6, 4, {"app:1": 2})
    assert (counts.unreadable, counts.future, counts.implausible, counts.no_policy) == (1, 1, 1, {"web:1": 1})


def refuse(constant: str) -> NoReturn:
    """Take neither NaN nor Infinity."""
    raise ValueError(constant)


def by_the_standard_library(line: bytes) -> list[tuple[str, Any]] | None:
    """Return the members of an object as the standard library reads them, or None."""
    try:
        found = json.loads(line.decode(), object_pairs_hook=tuple, parse_constant=refuse)
    except ValueError:
        return None
    return list(found) if isinstance(found, tuple) else None


def by_the_judge(line: bytes) -> list[tuple[str, str]] | None:
    """Return the keys of an object and the kinds of their values as the judge reads them, or None."""
    try:
        return [(key, token.kind) for key, token in members(line)]
    except Unreadable:
        return None


def kind(value: Any) -> str:
    """Name a value of the standard library's in the judge's words."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case tuple():
            return "{"
        case _:
            return "["


@examples(150)
@given(line=strategies.ordinary() | strategies.mutated())
def test_the_standard_library_reads_the_same_members(line: bytes) -> None:
    """On lines without deep nesting and huge integers both accept the same, and see the same members."""
    found = by_the_standard_library(line)
    assert by_the_judge(line) == (None if found is None else [(key, kind(value)) for key, value in found])


@examples(100)
@given(text=strategies.timestamps())
def test_the_standard_library_reads_the_same_instants(text: str) -> None:
    """Whole microseconds of what the strategies write are what datetime says."""
    since = datetime.fromisoformat(text.upper()) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert instant(text) // 1000 == microseconds
