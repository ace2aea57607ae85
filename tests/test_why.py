"""Why a line is unreadable: in words, at the right byte, and for just the lines that are."""

import os
from itertools import count
from pathlib import Path

import pytest
import strategies
from hostile import CATALOGUE, Hostile, at, record
from hypothesis import given
from judge import verdict

from asynclog.model import Fingerprint, Segment
from asynclog.pace import Pace
from asynclog.scan.pieces import Refused
from asynclog.scan.readers import choose_reader
from asynclog.scan.unreadable import Unreadable, first_unreadable
from asynclog.scan.why import why_unreadable

PLAIN = record()


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
def test_every_unreadable_line_of_the_catalogue_has_a_reason(case: Hostile) -> None:
    """And no other line has one."""
    if verdict(case.line) != "blank":
        assert bool(why_unreadable(case.line)) == (case.fate == "unreadable")


@given(line=strategies.lines())
def test_a_line_has_a_reason_exactly_where_the_judge_calls_it_unreadable(line: bytes) -> None:
    """For whatever went wrong with it."""
    for each in line.split(b"\n"):
        if verdict(each) != "blank":
            assert bool(why_unreadable(each)) == (verdict(each) == "unreadable")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"torn {", "it is no JSON object (byte 0 of the line)"),
        (b"  [1]", "it is no JSON object (byte 2 of the line)"),
        (b"\0\0\0\r\n", "it is a run of NUL bytes, such as a crash leaves"),
        (PLAIN[:16], "it is not JSON: a value is missing (byte 16 of the line)"),
        (PLAIN[:-1] + b"\n", f"it is not JSON: a comma is missing (byte {len(PLAIN)} of the line)"),
        (b'{"a" 1}', "it is not JSON: a colon is missing (byte 5 of the line)"),
        (b'{"a": 1,}', "it is not JSON: there is a comma too many (byte 8 of the line)"),
        (b'{"a": [1 2]}', "it is not JSON: a comma or a bracket is missing (byte 9 of the line)"),
        (b'{"a": "x', "it is not JSON: a string does not end, or has what no string may have (byte 8 of the line)"),
        (PLAIN + b" x", f"it is not JSON: something follows the object (byte {len(PLAIN) + 1} of the line)"),
        (b'{"a": "\xff"}', "it is not UTF-8 (byte 7 of the line)"),
        (b'{"a": "' + b"x" * (1 << 20) + b'\xe2\x82"}', f"it is not UTF-8 (byte {(1 << 20) + 7} of the line)"),
        (b'{"a": "' + b"x" * ((1 << 20) - 8) + b'\xe2"}', f"it is not UTF-8 (byte {(1 << 20) - 1} of the line)"),
        (b'{"a": "' + b"x" * ((1 << 20) - 8) + b"\xe2", f"it is not UTF-8 (byte {(1 << 20) - 1} of the line)"),
        (
            record(rest="[" * 500 + "]" * 500),
            f"it is nested deeper than 500 levels (byte {499 + PLAIN.index(b'0}')} of",
        ),
        (record(rest='1, "timestamp": 1'), "timestamp stands twice"),
        (b'{"timestamp": "2026-11-24T00:00:00Z"}', "schema_name is missing"),
        (record(name="1"), "schema_name is no string"),
        (record(name='""'), "schema_name is empty"),
        (record(name=r'"\ud800"'), "schema_name has half a surrogate pair"),
        (record(version="1.0"), "schema_version is no integer"),
        (record(version="true"), "schema_version is no integer"),
        (record(version="1" * 5000), "schema_version is no integer"),
        (b'{"schema_name": "app"}', "timestamp is missing"),
        (record(timestamp="5"), "timestamp is no string"),
        (at("2026-11-24T00:00:00"), "timestamp has no offset from UTC: '2026-11-24T00:00:00'"),
        (at("yesterday"), "timestamp is no instant: 'yesterday'"),
        (at("x" * 50), "timestamp is no instant: '" + "x" * 40 + "...'"),
    ],
    ids=map(str, count()),
)
def test_the_reason_says_what_and_where(line: bytes, why: str) -> None:
    """Bytes are counted from the beginning of the line, from 0."""
    assert why_unreadable(line).startswith(why)


@pytest.mark.parametrize("kind", ["native", "python"])
def test_the_first_unreadable_lines_are_found_with_their_offsets(tmp_path: Path, kind: str) -> None:
    """Across blocks, huge lines and blank ones, at the end without a newline, and no more than were asked for."""
    huge = record(rest='"' + "x" * (3 << 20) + '"')
    parts = [PLAIN + b"\n", b"one\n", b" \n", huge + b"\n", b"\0" * (2 << 20) + b"\n", huge[:-1] + b"\n", b"last"]
    (tmp_path / "s").write_bytes(b"".join(parts))
    segment = Segment("s", Fingerprint.of((tmp_path / "s").stat()))
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        found = first_unreadable(folder, choose_reader(kind), Pace(), 20, segment)
        some = first_unreadable(folder, choose_reader(kind), Pace(), 2, segment)
        (tmp_path / "s").write_bytes(b"")
        changed = first_unreadable(folder, choose_reader(kind), Pace(), 2, segment)
    finally:
        os.close(folder)
    assert not isinstance(found, Refused)
    assert [line.offset for line in found] == [starts[1], starts[4], starts[5], starts[6]]
    assert found[1] == Unreadable(starts[4], "it is a run of NUL bytes, such as a crash leaves")
    assert some == found[:2]
    assert isinstance(changed, Refused)
