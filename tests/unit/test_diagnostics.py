"""Why a line is unreadable: in words, at the right byte, and for just the lines that are."""

import json
from itertools import count
from pathlib import Path

import pytest
import strategies
from hostile import CATALOGUE, Hostile, at, record
from hypothesis import given
from judge import verdict

from asynclog.cancellation import StopRequest
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.records import diagnostics
from asynclog.records.fields import MXCP_FIELDS
from asynclog.records.kernel import Kind, choose_reader
from asynclog.records.parser import LineParser
from asynclog.records.why import Why
from asynclog.scan.context import ScanContext
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.scan.unreadable_lines import Found, Unreadable, all_unreadable, first_unreadable
from asynclog.segments import Fingerprint, Segment
from asynclog.storage.local.reading.segment_reader import LocalReadStore

PLAIN = record()


def why_unreadable(line: bytes) -> Why | None:
    return diagnostics.why_unreadable(line, LineParser())


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
def test_every_unreadable_line_of_the_catalogue_has_a_reason(case: Hostile) -> None:
    """And no other line has one."""
    if verdict(case.line) != "blank":
        assert bool(why_unreadable(case.line)) == (case.fate == "unreadable")


@given(line=strategies.lines())
def test_exactly_the_unreadable_lines_have_a_reason(line: bytes) -> None:
    """As the judge has it, whatever went wrong with them."""
    for each in line.split(b"\n"):
        if verdict(each) != "blank":
            assert bool(why_unreadable(each)) == (verdict(each) == "unreadable")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"torn {", "it is no JSON object (byte 0 of the line)"),
        (b"  [1]", "it is no JSON object (byte 2 of the line)"),
        (b"\0\0\0\r\n", "it is a run of NUL bytes, such as a crash leaves"),
        (b'{"a": x}', "it is not JSON: a value is missing (byte 6 of the line)"),
        (b'{"a": 1 "b": 2}', "it is not JSON: a comma is missing (byte 8 of the line)"),
        (PLAIN[:16], "it is torn: the line ends before its object does (byte 16 of the line)"),
        (PLAIN[:30], "it is torn: the line ends before its object does (byte 30 of the line)"),
        (PLAIN[:-1] + b"\n", f"it is torn: the line ends before its object does (byte {len(PLAIN)} of the line)"),
        (PLAIN[:30] + PLAIN, "it is torn, and the next record stands on the same line (byte "),
        (PLAIN[:17] + PLAIN, "it is torn, and the next record stands on the same line (byte "),
        (PLAIN + PLAIN, f"more than one object stands on the line (byte {len(PLAIN)} of the line)"),
        (PLAIN + b" , " + PLAIN[:5], f"more than one object stands on the line (byte {len(PLAIN) + 1} of the line)"),
        (b"\0\0" + PLAIN, "a run of NUL bytes, such as a crash leaves, stands before it (byte 0 of the line)"),
        (b'{"a" 1}', "it is not JSON: a colon is missing (byte 5 of the line)"),
        (b'{"a": 1,}', "it is not JSON: there is a comma too many (byte 8 of the line)"),
        (b'{"a": [1 2]}', "it is not JSON: a comma or a bracket is missing (byte 9 of the line)"),
        (b'{"a": "\t"}', "it is not JSON: a string does not end, or has what no string may have (byte 7 of the line)"),
        (PLAIN + b" x", f"it is not JSON: something follows the object (byte {len(PLAIN) + 1} of the line)"),
        (b'{"a": "\xff"}', "it is not UTF-8 (byte 7 of the line)"),
        (b'{"a": "' + b"x" * (1 << 20) + b'\xe2\x82"}', f"it is not UTF-8 (byte {(1 << 20) + 7:,} of the line)"),
        (b'{"a": "' + b"x" * ((1 << 20) - 8) + b'\xe2"}', f"it is not UTF-8 (byte {(1 << 20) - 1:,} of the line)"),
        (b'{"a": "' + b"x" * ((1 << 20) - 8) + b"\xe2", f"it is not UTF-8 (byte {(1 << 20) - 1:,} of the line)"),
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
        (b"{}", "schema_name and timestamp are missing"),
        (b'{"schema_version": "1"}', "schema_name and timestamp are missing; schema_version is no integer"),
        (b'{"schema_name": "", "timestamp": "now"}', "schema_name is empty; timestamp is no instant: 'now'"),
    ],
    ids=map(str, count()),
)
def test_the_reason_says_what_and_where(line: bytes, why: str) -> None:
    """Bytes are counted from the beginning of the line, from 0; all that is wrong is said."""
    found = why_unreadable(line)
    assert str(found).startswith(why)
    assert found
    assert str(found).startswith(found.kind)


DOCKER = json.dumps({"log": PLAIN.decode() + "\n", "stream": "stdout", "time": "2026-01-01T00:00:00.123456789Z"})
REORDERED = json.dumps({"time": "2026-01-01T00:00:00Z", "attrs": {"tag": "a"}, "log": PLAIN.decode()}, indent=1)
REORDERED = REORDERED.replace("\n", " ")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"\xef\xbb\xbf" + PLAIN, "a byte order mark stands before it"),
        (b"<34>Oct 11 22:14:15 host app: " + PLAIN, "a syslog header (RFC 3164) stands before it"),
        (b"<165>1 2003-10-11T22:14:15.003Z host app - ID47 - " + PLAIN, "a syslog header (RFC 5424) stands before it"),
        (b"Oct  1 22:14:15 host app[12]: " + PLAIN, "a syslog header stands before it"),
        (b"2026-01-01T00:00:00.123456+00:00 host app: " + PLAIN, "a syslog header stands before it"),
        (b"2026-01-01T00:00:00.123456789Z stdout F " + PLAIN, "a container runtime's prefix (CRI) stands before it"),
        (b"2026-01-01T00:00:00Z " + PLAIN, "a time stands before it"),
        (b"app-1  | " + PLAIN, "Docker Compose's prefix stands before it"),
        (b"[2026-01-01T00:00:00Z] " + PLAIN, "a prefix in brackets stands before it"),
        (b"[INFO] " + PLAIN, "a prefix in brackets stands before it"),
        (b"[2026-01-01 00:00:00,123][42] app.INFO: " + PLAIN, "a prefix in brackets stands before it"),
        (DOCKER.encode(), "it is wrapped by Docker's json-file driver, as text in `log`"),
        (REORDERED.encode(), "it is wrapped by Docker's json-file driver, as text in `log`"),
    ],
)
def test_what_wraps_a_record_is_recognised(line: bytes, what: str) -> None:
    """And where what is inside is no record either, that is said, too."""
    assert str(why_unreadable(line)) == what
    broken = why_unreadable(line.replace(b"timestamp", b"time"))
    assert str(broken) == f"{what}; without that timestamp is missing"


def test_what_only_looks_like_a_wrapper_is_told_as_it_is() -> None:
    """Text behind a header, an object with a `log` of its own, and any number of prefixes."""
    assert str(why_unreadable(b"<34>Oct 11 22:14:15 host app: no JSON")).endswith("without that it has no JSON object")
    assert str(why_unreadable(b'{"log":"{}","level":1}')) == "schema_name and timestamp are missing"
    assert str(why_unreadable(b'{"time":"log"}')) == "schema_name and timestamp are missing"
    assert str(why_unreadable(b'[{"a": 1}] ' + PLAIN)).startswith("it is no JSON object")
    assert "no JSON object" in str(why_unreadable(b"[a] " * 100_000))
    assert str(why_unreadable(b'{"log":1}')) == "schema_name and timestamp are missing"
    assert str(why_unreadable(b'{"log":"' + b"[" * 5000)).startswith("it is torn")
    assert "no JSON object" in str(why_unreadable(b"2026-01-01T00:00:00Z stdout F " * 5000))


@pytest.mark.parametrize("kind", ["native", "python"])
def test_the_first_unreadable_lines_are_found_with_their_offsets(tmp_path: Path, kind: str) -> None:
    """Across blocks, huge lines and blank ones, at the end without a newline, and no more than were asked for."""
    huge = record(rest='"' + "x" * (3 << 20) + '"')
    parts = [PLAIN + b"\n", b"one\n", b" \n", huge + b"\n", b"\0" * (2 << 20) + b"\n", huge[:-1] + b"\n", b"last"]
    (tmp_path / "s").write_bytes(b"".join(parts))
    segment = Segment("s", Fingerprint.of((tmp_path / "s").stat()))
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    context = ScanContext(LocalReadStore(str(tmp_path)), Cutoffs(Policy(), 0), choose_reader(kind), MXCP_FIELDS)
    found = first_unreadable(context, RateLimiter(), 20, segment)
    some = first_unreadable(context, RateLimiter(), 2, segment)
    (tmp_path / "s").write_bytes(b"")
    changed = first_unreadable(context, RateLimiter(), 2, segment)
    assert not isinstance(found, ReadFailure)
    assert [line.offset for line in found] == [starts[1], starts[4], starts[5], starts[6]]
    assert [line.line for line in found] == [2, 5, 6, 7]
    nul = "it is a run of NUL bytes, such as a crash leaves"
    assert found[1] == Unreadable(5, starts[4], nul, nul)
    assert some == found[:2]
    assert isinstance(changed, ReadFailure)


@pytest.mark.parametrize("kind", ["native", "python"])
def test_all_unreadable_lines_are_counted_by_reason(tmp_path: Path, kind: Kind) -> None:
    """Over many blocks, the commonest first, with three examples of each; a stop ends it."""
    no_offset, torn = at("2026-01-01T00:00:00") + b"\n", PLAIN[:50] + b"\n"
    parts = [*[no_offset] * 9_000, PLAIN + b"\n", b"{ }x\n" * 2, torn, *[PLAIN + b"\n"] * 5_000, *[torn] * 4_000]
    (tmp_path / "s").write_bytes(b"".join(parts))
    segment = Segment("s", Fingerprint.of((tmp_path / "s").stat()))
    stopped = StopRequest()
    stopped.limit(0)
    context = ScanContext(LocalReadStore(str(tmp_path)), Cutoffs(Policy(), 0), kind, MXCP_FIELDS)
    found = all_unreadable(context, RateLimiter(), StopRequest(), segment)
    nothing = all_unreadable(context, RateLimiter(), stopped, segment)
    assert isinstance(found, Found)
    assert [(reason.why, reason.lines, [line.line for line in reason.examples]) for reason in found.reasons] == [
        ("timestamp has no offset from UTC", 9_000, [1, 2, 3]),
        ("it is torn: the line ends before its object does", 4_001, [9_004, 14_005, 14_006]),
        ("it is not JSON: something follows the object", 2, [9_002, 9_003]),
    ]
    assert len(found.first) == 20
    assert found.reasons[1].examples[0].offset == 9_000 * len(no_offset) + len(PLAIN) + 1 + 10
    assert nothing == Found([], [])
