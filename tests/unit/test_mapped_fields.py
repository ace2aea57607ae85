"""Lines of other products mean what their configured fields say: for the judge, the parser and the diagnostics."""

from __future__ import annotations

import json
import pickle
from array import array

import mapped_lines
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge import Record, instant
from judge_mapped import Mapped
from mapped_lines import LAYOUTS, fields_of

from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.records.diagnostics import why_unreadable
from asynclog.records.fields import MappedFields
from asynclog.records.kernel import Kind, kernel
from asynclog.records.kernel_fields import kernel_fields
from asynclog.records.parsers import parser_for
from asynclog.scan.classifiers import make_classifier
from asynclog.scan.expired_marks import ExpiredRanges
from asynclog.segments import Fingerprint
from asynclog.statistics import SegmentStats
from asynclog.timestamps import DAY
from examples import examples

T = "2026-11-24T00:00:00Z"
NS = instant(T)
GOOD = b'{"timestamp": "2026-01-01T00:00:00Z", "event_type": "dns", "kind": "a", "ts": 1767225600, "s": 1}'
CUTOFFS = Cutoffs(Policy(star=Rule(retention=30 * DAY)), now=NS)

needs_kernel = pytest.mark.skipif(kernel is None, reason="the kernel is not built: it needs a C compiler")

drawn = mapped_lines.layouts().flatmap(lambda layout: st.tuples(st.just(layout), mapped_lines.lines(layout)))


def parsed(layout: Mapped, line: bytes) -> tuple[str, int, int] | None:
    return parser_for(fields_of(layout)).parse(line)


def time_of(forms: str | tuple[str, ...], written: str, zone: str | None = None) -> int | None:
    """Return the instant of a JSON value under these forms."""
    fields = MappedFields(("t",), (), forms=(forms,) if isinstance(forms, str) else forms, zone=zone, constant="x")
    found = parser_for(fields).parse(f'{{"t": {written}}}'.encode())
    return found and found[2]


@examples(400)
@given(drawn)
def test_the_parser_says_what_the_judge_says(both: tuple[Mapped, bytes]) -> None:
    """Of each line, also as a part of a longer one that is not copied."""
    layout, line = both
    for each in line.split(b"\n"):
        verdict = layout.verdict(each)
        record = tuple(verdict) if isinstance(verdict, Record) else None
        assert parsed(layout, each) == record
        assert parser_for(fields_of(layout)).parse(memoryview(each)) == record


@examples(200)
@given(drawn)
def test_exactly_the_unreadable_lines_have_a_reason(both: tuple[Mapped, bytes]) -> None:
    """In the words of the layout."""
    layout, line = both
    for each in line.split(b"\n"):
        verdict = layout.verdict(each)
        if verdict != "blank":
            assert bool(why_unreadable(each, parser_for(fields_of(layout)))) == (verdict == "unreadable")


def stats(kind: Kind, layout: Mapped, block: bytes) -> tuple[SegmentStats, list[int]]:
    """Return what a reader counts in a block, and the numbers of the lines that have expired."""
    classifier = make_classifier(kind, CUTOFFS, fields_of(layout))
    expired = ExpiredRanges()
    classifier.add_block(0, memoryview(bytearray(block)), expired)
    marks = [(each.start, each.end, each.marks) for each in expired]
    return classifier.builder().build("s", Fingerprint(1, 2, 3, 4, 5)), [hash(each) for each in marks]


@needs_kernel
@examples(400)
@given(drawn)
def test_both_readers_count_the_same(both: tuple[Mapped, bytes]) -> None:
    """Whatever the kernel leaves to the exact one, and the same lines have expired."""
    layout, line = both
    if kernel_fields(fields_of(layout)):
        block = b"".join(each + b"\n" for each in (line, GOOD, line, line))
        assert stats("native", layout, block) == stats("python", layout, block)


@needs_kernel
@examples(400)
@given(drawn)
def test_the_kernel_is_only_certain_of_what_the_judge_says(both: tuple[Mapped, bytes]) -> None:
    """Of schema, version and instant."""
    layout, line = both
    fields = kernel_fields(fields_of(layout))
    for each in line.split(b"\n"):
        scanner = kernel and fields and kernel.Scanner(fields, lambda *_: None, 1 << 62)
        if not scanner or not each.strip(b" \t\r\n"):
            continue
        uncertain, _, _, _ = scanner.scan(each + b"\n", False)
        if not uncertain:
            ((name, version, *_, oldest, _, _, _, _, _, _),) = scanner.counts()[0]
            assert layout.verdict(each) == Record(name, version, oldest or 0)


@needs_kernel
@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in {"nginx", "deep", "micro"}])
def test_the_kernel_reads_ordinary_lines_by_itself(name: str) -> None:
    """Of every layout whose paths are up to four deep and whose times are RFC 3339 or numbers."""
    layout = LAYOUTS[name]
    fields = kernel_fields(fields_of(layout))
    assert fields
    assert kernel
    form = next(form for form in layout.forms if form == "rfc3339" or form.startswith("unix_"))
    lines = [
        ordinary(layout, mapped_lines.written(NS, form, digits, 60), nested)
        for digits in range(10)
        for nested in (0, 1)
    ]
    uncertain, _, _, _ = kernel.Scanner(fields, lambda *_: None, 1 << 62).scan(b"".join(lines), False)
    left = [lines[number] for number in array("q", uncertain)[2::3]]
    assert all(b"+" not in each for each in left)  # local times, which are for the zone to tell


def ordinary(layout: Mapped, time: str, nested: int) -> bytes:
    """Return a line that has each field, as a key as it stands or step by step."""
    record: dict[str, object] = {"w": [1, {"y": {}}], "e": {}}
    for path in (*layout.schema, *layout.timestamp, *([layout.version] if layout.version else [])):
        if "." in path and path.split(".")[0] in layout.schema:
            continue
        place = record
        *outer, last = path.split(".") if nested else [path]
        for key in outer:
            place = place.setdefault(key, {})  # type: ignore[assignment]
        place[last] = "TIME" if path in layout.timestamp else 2 if path == layout.version else "app"
    written = time if isinstance(time, mapped_lines.Raw) else json.dumps(time)
    return json.dumps(record, ensure_ascii=False).replace('"TIME"', written).encode() + b"\n"


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_parser_can_be_sent_to_another_process(layout: Mapped) -> None:
    """It means the same there."""
    parser = parser_for(fields_of(layout))
    line = b'{"kind": "a", "ts": 1, "timestamp": "2026-11-24T00:00:00Z", "event_type": "x"}'
    assert pickle.loads(pickle.dumps(parser)).parse(line) == parser.parse(line)  # noqa: S301 - it is our own


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a"}', ("a/-", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a", "rule": {"level": 3}}', ("a/3", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a", "rule.level": 4, "rule": {"level": 3}}', ("a/4", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a", "rule.level": null, "rule": {"level": 3}}', ("a/-", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a", "rule": [{"level": 3}]}', ("a/-", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a", "rule": "level"}', ("a/-", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "a/b", "rule": {"level": true}}', ("a/b/true", NS)),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": null, "rule": {"level": -0}}', ("-/0", NS)),
        (b'{"time": null, "at": {"ts": "2026-11-24T00:00:00Z"}}', ("-/-", NS)),
        (b'{"at": {"ts": "2026-11-24T00:00:00Z", "x": {"ts": 1, "ts": 2}}, "x": {"at": 1, "at": 1}}', ("-/-", NS)),
        (b'{"time": "", "at": {"ts": "2026-11-24T00:00:00Z"}}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": ""}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": 1.0}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": 1e2}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": []}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "rule": {"level": {}}}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": "\\ud800"}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "at": {"ts": 1, "ts": 1}}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "at": 1, "at": 2}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "at.ts": 1, "at.ts": 2}', None),
        (b'{"time": "2026-11-24T00:00:00Z", "rule": {"level": 1, "l\\u0065vel": 1}}', None),
        (b'{"kind": "a"}', None),
    ],
)
def test_what_a_path_leads_to(line: bytes, record: tuple[str, int] | None) -> None:
    """The key as it stands, else the keys of objects; and no key on a path may stand twice, needed or not."""
    layout = Mapped(("time", "at.ts"), ("kind", "rule.level"))
    assert parsed(layout, line) == (record and (record[0], 1, record[1]))
    assert layout.verdict(line) == ((record and Record(record[0], 1, record[1])) or "unreadable")


@pytest.mark.parametrize(
    ("form", "written", "instant"),
    [
        ("unix_s", "1790000000", 1_790_000_000_000_000_000),
        ("unix_s", "1790000000.123456789", 1_790_000_000_123_456_789),
        ("unix_s", "1790000000.1234567899", 1_790_000_000_123_456_789),
        ("unix_s", "1.79e9", 1_790_000_000_000_000_000),
        ("unix_s", "179000000000E-2", 1_790_000_000_000_000_000),
        ("unix_s", "-0.0000000001", -1),
        ("unix_s", "-0", 0),
        ("unix_s", "0e9999999999999999999", 0),
        ("unix_s", "1e-9999999999999999999", 0),
        ("unix_s", "1e9999999999999999999", None),
        ("unix_s", "1e400", None),
        ("unix_s", "253402300799.999999999", 253_402_300_799_999_999_999),
        ("unix_s", "253402300800", None),
        ("unix_s", "1." + "0" * 4298, 1_000_000_000),
        ("unix_s", "1." + "0" * 4299, None),
        ("unix_ms", "1790000000123", 1_790_000_000_123_000_000),
        ("unix_ms", "1790000000123.4567891", 1_790_000_000_123_456_789),
        ("unix_us", "1790000000123456.7", 1_790_000_000_123_456_700),
        ("unix_ns", "1790000000123456789", 1_790_000_000_123_456_789),
        ("unix_ns", "1790000000123456789.9", 1_790_000_000_123_456_789),
        ("unix_s", f'"{T}"', None),
        ("unix_s", '"1790000000"', None),
        ("rfc3339", "1790000000", None),
        ("rfc3339", '"2026-11-24T00:00:00,5Z"', NS + 500_000_000),
        ("rfc3339", '"2026-11-24 00:00:00+0000"', NS),
        ("rfc3339", '"2026-11-24T00:00:00"', None),
        ("rfc3339", '"2026-11-24T00:00:00,Z"', None),
        ("rfc3339", '"2026-11-24T00:00Z"', None),
        ("rfc3339", "true", None),
        (("rfc3339", "unix_ms"), "1790000000123", 1_790_000_000_123_000_000),
        (("rfc3339", "unix_ms"), f'"{T}"', NS),
        (("unix_s", "unix_ms"), "1790000000123", 1_790_000_000_123_000_000),
        ("%d/%b/%Y:%H:%M:%S %z", '"24/Nov/2026:01:00:00 +0100"', NS),
        ("%d/%b/%Y:%H:%M:%S %z", '"24/nov/2026:1:00:00  +01:00"', NS),
        ("%d/%b/%Y:%H:%M:%S %z", '"24/Foo/2026:01:00:00 +0100"', None),
        ("%d/%b/%Y:%H:%M:%S %z", '"31/Nov/2026:01:00:00 +0100"', None),
        ("%d/%b/%Y:%H:%M:%S %z", '"24/Nov/2026:24:00:00 +0100"', None),
        ("%d/%b/%Y:%H:%M:%S %z", '"\uff12\uff14/Nov/2026:01:00:00 +0100"', None),
        ("%Y%m%d%H%M%S%f%z", '"20261124000000123456789Z"', NS + 123_456_789),
        ("%a, %B %d %y at %I:%M %p%z", '"Tue, november 24 26 at 12:00 AM-0000"', NS),
        ("%Y-%jT%H:%M%z", '"2026-328T00:00Z"', NS),
        ("%Y-%jT%H:%M%z", '"2026-366T00:00Z"', None),
        ("100%% %Y-%m-%d %H:%M%z", '"100% 2026-11-24 00:00Z"', NS),
    ],
)
def test_what_a_time_means(form: str, written: str, instant: int | None) -> None:
    """Exactly, by the text of a number, and in nanoseconds."""
    assert time_of(form, written) == instant


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("UTC", "2026-11-24T00:00:00", "2026-11-24T00:00:00Z"),
        ("Europe/Berlin", "2026-11-24T00:00:00.5", "2026-11-23T23:00:00.5Z"),
        ("Europe/Berlin", "2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T01:30:00Z"),  # shown twice
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),  # never shown
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T06:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T15:15:00Z"),  # of half an hour
    ],
)
def test_a_local_time_is_the_later_instant_that_it_can_mean(zone: str, local: str, utc: str) -> None:
    """By its zone's clocks, unless it says its own offset."""
    assert time_of("rfc3339", f'"{local}"', zone) == instant(utc)


def test_a_records_time_may_be_that_of_its_file() -> None:
    """Of what is a record at all."""
    parser = parser_for(MappedFields((), (), constant="session", file_time=NS))
    assert parser.parse(b'{"x": 1}') == ("session", 1, NS)
    assert parser.parse(b"torn") is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"kind": "a"}', "none of time, at.ts is there"),
        (b'{"time": 5}', "time is not a string, as rfc3339 needs"),
        (b'{"at": {"ts": "soon"}}', "at.ts is no instant as rfc3339: 'soon'"),
        (b'{"time": "2026-11-24T00:00:00"}', "time has no offset from UTC: '2026-11-24T00:00:00'"),
        (
            b'{"time": "2026-11-24T00:00:00Z", "kind": [], "v": "1"}',
            "kind is a list: a part of the schema is a string, an integer, true, false or null; v is no integer",
        ),
        (b'{"time": "2026-11-24T00:00:00Z", "kind": ""}', "kind is empty"),
        (b'{"time": "2026-11-24T00:00:00Z", "at": {"ts": 1, "ts": 1}}', "ts stands twice"),
        (b'{"log": "x", "time": 5}', "time is not a string, as rfc3339 needs"),  # not Docker's wrapper here
        (b'{"time": "2026-', "it is torn: the line ends before its object does (byte 15 of the line)"),
    ],
)
def test_the_reasons_name_the_paths(line: bytes, why: str) -> None:
    """And what was to be there."""
    assert str(why_unreadable(line, parser_for(MappedFields(("time", "at.ts"), ("kind",), "v")))) == why


def test_a_long_or_deep_line_is_read_as_exactly() -> None:
    """The kernel's and orjson's limits decide nothing."""
    layout = Mapped(("a.t",), ("s",), forms=("unix_s",))
    inner = "[" * 498 + "]" * 498
    good = f'{{"a": {{"x": {inner}, "t": 1790000000.5}}, "s": "app"}}'.encode()
    assert parsed(layout, good) == ("app", 1, 1_790_000_000_500_000_000)
    assert parsed(layout, good.replace(b"[]", b"[[]]")) is None
    long = json.dumps({"s": "app", "x": "y" * (1 << 20), "a": {"t": 1790000000}}).encode()
    assert parsed(layout, long) == parser_for(fields_of(layout)).parse(memoryview(long))
    assert parsed(layout, long) == ("app", 1, 1_790_000_000_000_000_000)


@needs_kernel
@pytest.mark.parametrize("path", ["t", "a.t", "a.b.t", "a.b.c.t"])
def test_both_readers_agree_on_how_deep_a_line_may_be(path: str) -> None:
    """Five hundred levels in all, wherever they are."""
    *outer, _ = path.split(".")
    layout = Mapped((path,), constant="x")
    for depth in range(490, 502):
        inner = "[" * depth + "]" * depth
        line = "".join(f'{{"{key}": ' for key in outer) + f'{{"x": {inner}, "t": "{T}"' + "}" * (len(outer) + 1)
        assert stats("native", layout, line.encode()) == stats("python", layout, line.encode())
        assert bool(parsed(layout, line.encode())) == (depth + len(outer) + 1 <= 500)


@needs_kernel
@pytest.mark.parametrize(
    ("forms", "written"),
    [
        (("unix_s",), "1790000000e0"),
        (("unix_s",), "1790000000.5E1"),
        (("unix_s",), f'"{T}"'),
        (("rfc3339",), "1790000000"),
        (("unix_s",), "7289654400"),  # after 2200
        (("unix_s",), "946684799.999999999"),
    ],
)
def test_the_kernel_leaves_other_times_to_the_exact_reader(forms: tuple[str, ...], written: str) -> None:
    """Exponents, the other kind of value, and what is far away."""
    fields = kernel_fields(MappedFields(("t",), (), forms=forms, constant="x"))
    assert kernel
    assert fields
    uncertain, _, _, _ = kernel.Scanner(fields, lambda *_: None, 1 << 62).scan(f'{{"t": {written}}}\n'.encode(), False)
    assert uncertain


@needs_kernel
def test_a_key_means_what_it_means_in_its_own_object() -> None:
    """Though the line before has the same bytes in the same place."""
    layout = Mapped(("a.t",), constant="x")
    block = f'{{"a": {{"x": 1, "t": "{T}"}}}}\n{{"a": {{"x": 1}}, "t": "{T}"}}\n'.encode()
    assert stats("native", layout, block) == stats("python", layout, block)
    assert stats("native", layout, block)[0].unreadable == 1
