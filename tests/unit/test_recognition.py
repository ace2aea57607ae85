"""What some lines tell: which keys look like the time and the schema. Nothing here reads a file but the sampling."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_store import Content, MemoryReader
from packing import zstd_frame

from asynclog.config.presets import load_presets
from asynclog.config.values.mapped_fields import ConstantKey, FieldKeys
from asynclog.executors.rate_limit import RateLimiter
from asynclog.recognition.json_paths import values_by_path
from asynclog.recognition.proposal import Proposal
from asynclog.recognition.recognise import Recognition, recognise, sample_of
from asynclog.scan.reading.sample_lines import sample_lines
from asynclog.segments import Fingerprint, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager


def told(lines: Iterable[Any], base: str = "app.log") -> Recognition:
    return recognise(sample_of(base, [json.dumps(line).encode() for line in lines]))


def proposed(*lines: Any) -> Proposal:
    proposal = told(lines).proposal
    assert proposal is not None
    return proposal


def many(**keys: Any) -> list[dict[str, Any]]:
    """Return 40 lines, a second apart, with these keys beside the time."""
    return [{"time": f"2026-01-05T10:11:{n:02}Z"} | {key: value[n] for key, value in keys.items()} for n in range(40)]


@pytest.mark.parametrize(
    ("line", "path", "form"),
    [
        ({"ts": "2026-01-05T10:11:12.123456789Z"}, "ts", "rfc3339"),
        ({"@timestamp": "2026-01-05 10:11:12,123+0200"}, "@timestamp", "rfc3339"),
        ({"when": "24/Jul/2026:19:29:34 +0000"}, "when", "%d/%b/%Y:%H:%M:%S %z"),
        ({"date": "Fri, 24 Jul 2026 19:29:34 +0200"}, "date", "%a, %d %b %Y %H:%M:%S %z"),
        (
            {"created": "2026-07-24 19:29:34 +0200", "ts": "Fri Jul 24 19:29:34 +0000 2026"},
            "ts",
            "%a %b %d %H:%M:%S %z %Y",
        ),
        ({"time": "2026-07-24 19:29:34 +0200"}, "time", "%Y-%m-%d %H:%M:%S %z"),
        ({"timestamp": 1767607872}, "timestamp", "unix_s"),
        ({"timestamp": 1767607872.123456}, "timestamp", "unix_s"),
        ({"time": 1767607872123}, "time", "unix_ms"),
        ({"time": 1767607872123456}, "time", "unix_us"),
        ({"eventTime": 1767607872123456789}, "eventTime", "unix_ns"),
        ({"t": {"$date": "2026-01-05T10:11:12.123+00:00"}}, "t.$date", "rfc3339"),
        ({"t": {"$date": 1767607872123}}, "t.$date", "unix_ms"),
        ({"a": {"b": {"c": {"time": 1767607872}}}}, "a.b.c.time", "unix_s"),
        ({"event.time": 1767607872, "event": {"a": 1}}, "event.time", "unix_s"),
    ],
    ids=str,
)
def test_a_time_is_found_in_any_form(line: dict[str, Any], path: str, form: str) -> None:
    """By its name, at the top level or below."""
    proposal = proposed(line)
    assert proposal.fields == FieldKeys(path, ConstantKey("app"))
    assert (proposal.time and proposal.time.form, proposal.read) == (form, 1)


@pytest.mark.parametrize(
    "line",
    [
        {"a": {"b": {"c": {"d": {"time": 1767607872}}}}},  # deeper than the kernel reads
        {"list": [{"time": 1767607872}]},
        {"flow_id": 1046988876143573},  # as large as a time in microseconds
        {"time": 12.5},
        {"time": True},
        {"time": "yesterday"},
        {"": {"time": 1767607872}},
        {"a": {"b.time": 1767607872}},  # no path leads there
    ],
    ids=str,
)
def test_what_is_no_time_is_not_proposed(line: dict[str, Any]) -> None:
    """Nor what no path leads to."""
    assert (proposed(line).fields, proposed(line).times) == (None, [])


def test_a_pattern_has_to_read_every_line() -> None:
    """One that it does not read would be kept for ever: what stands there is said instead."""
    apache, other = "24/Jul/2026:19:29:34 +0000", "24.07.2026 19:29:34"
    assert proposed(*[{"when": apache}] * 99).fields is not None
    found = proposed(*[{"when": apache}] * 99, {"when": other})
    assert (found.fields, found.times, [(each.path, each.example) for each in found.texts]) == (
        None,
        [],
        [("when", other)],
    )


def test_a_text_that_may_be_a_time_is_said() -> None:
    """In a form that is not known here, and under a usual name; that a year is missing is said of syslog's alone."""
    for text, has_year in (("24.07.2026 19:29", True), ("Jul 24 19:29:34", False), ("Jul  4 19:29:34", False)):
        assert [each.has_year for each in proposed({"time": text}).texts] == [has_year]
        assert proposed({"note": text}).texts == []
    for text in ("00:01:30", "yesterday", "1767607872", "2026-01-05T10:11:12Z", "24.07.2026 19:29" + " " * 90):
        assert proposed({"time": text}).texts == [], text


def test_of_several_times_the_usual_one_at_the_top_is_sure() -> None:
    """Two of them are not, and neither is one that some lines lack."""
    created = {"created": "2020-01-01T00:00:00Z", "token": {"time": "2020-01-01T00:00:00Z"}}
    assert proposed({"time": "2026-01-05T10:11:12Z", **created}).fields == FieldKeys("time", ConstantKey("app"))
    assert proposed({"time": "2026-01-05T10:11:12Z", "ts": 1767607872}).fields is None
    some = proposed(*[{"time": "2026-01-05T10:11:12Z"}] * 8, {}, {})
    assert (some.fields, some.times[0].lines) == (None, 8)


def test_a_usual_name_at_the_top_is_not_sure_if_it_jumps_and_another_time_goes_on() -> None:
    """It may be a birthday, and the other one the time of the record; not if that is called like another time."""
    rising = [f"2026-01-05T10:11:{n:02}Z" for n in range(40)]
    jumping = [rising[n * 7 % 40] for n in range(40)]
    for key, dates, others, is_sure in (
        ("created", jumping, rising, False),
        ("created", rising, rising, True),
        ("created", rising[:1] * 40, rising, True),
        ("created", jumping, jumping, True),
        ("created", jumping[:10], rising[:10], True),
        ("expires", jumping, rising, True),
    ):
        lines = [{"date": date, key: other} for date, other in zip(dates, others, strict=True)]
        assert (proposed(*lines).fields is not None) is is_sure, (key, dates, others)


def test_a_usual_name_below_the_top_is_not_sure_beside_other_times_or_if_it_jumps() -> None:
    """It may be of what the record is about: an order, a birth, an appointment."""
    rising = [f"2026-01-05T10:11:{n:02}Z" for n in range(40)]
    jumping = [rising[n * 7 % 40] for n in range(40)]
    for is_alone, nested, is_sure in (
        (False, rising[:1] * 40, False),
        (False, rising, False),
        (True, rising, True),
        (True, jumping, False),
        (True, rising[:1] * 40, False),
    ):
        beside = [{} if is_alone else {"logged": time} for time in rising]
        lines = [{"order": {"time": time}} | other for time, other in zip(nested, beside, strict=True)]
        assert (proposed(*lines).fields is not None) is is_sure, (is_alone, nested)


def test_an_unusual_name_is_sure_if_the_time_goes_on() -> None:
    """Not for a few lines, for one that stands still or jumps, or that is called like another time."""
    rising = [f"2026-01-05T10:11:{n:02}Z" for n in range(40)]
    jumping = [rising[n * 7 % 40] for n in range(40)]
    for key, values, is_sure in (
        ("logged", rising, True),
        ("logged", rising[:10], False),
        ("logged", rising[:1] * 40, False),
        ("logged", jumping, False),
        ("expires", rising, False),
    ):
        assert (proposed(*[{key: value} for value in values]).fields is not None) is is_sure, (key, values)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("type", ["0a1b2c3d-0000-4000-8000-00000000000" + "0123"[n % 4] for n in range(40)]),
        ("type", [f"{n}" for n in range(40)]),
        ("type", ["192.0.2.1"] * 40),
        ("type", ["2026-01-05T10:11:12Z"] * 40),
        ("type", ["user logged in", "disk is full"] * 20),
        ("type", ["x" * 65] * 40),
        ("type", [1, 2] * 20),
        ("type", ["a"] * 39 + [None]),
        ("type", [f"v{n}" for n in range(40)]),  # as many as there are lines
        ("request_id", ["ab", "cd"] * 20),
        ("message", ["start", "stop"] * 20),
        ("hostname", ["alpha", "beta"] * 20),
        ("user", ["ann", "bob"] * 20),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value[0]),
)
def test_no_id_message_or_time_is_proposed_as_the_schema(key: str, values: list[Any]) -> None:
    """Nor what some lines lack, what has many values, or who did it where."""
    proposal = proposed(*many(**{key: values}))
    assert proposal.schemas == []
    assert proposal.fields == FieldKeys("time", ConstantKey("app"))


def test_the_most_usual_schema_comes_first_and_an_unusual_one_is_only_said() -> None:
    """What is the same everywhere tells nothing apart."""
    kinds, same = ["a", "b"] * 20, ["Event"] * 40
    both = proposed(*many(level=kinds, shape=kinds, kind=same, event=[{"action": kind} for kind in kinds]))
    assert [each.path for each in both.schemas] == ["event.action", "level", "kind", "shape"]
    assert both.fields == FieldKeys("time", "event.action")
    alone = proposed(*many(shape=kinds))
    assert ([each.path for each in alone.schemas], alone.fields) == (["shape"], FieldKeys("time", ConstantKey("app")))


def test_a_schema_of_many_values_is_said_and_not_proposed() -> None:
    """Only if it is called like one, and each value can be a name."""
    many_values = [f"k{n}" for n in range(40)]
    proposal = proposed(*many(kind=many_values, shape=many_values, event=["a b"] * 40, level=["a", "b"] * 20))
    assert [(each.path, each.values) for each in proposal.numerous] == [("kind", 40)]
    assert proposal.fields == FieldKeys("time", "level")
    assert proposed(*many(kind=["a", "b"] * 20)).numerous == []


def test_the_schema_is_looked_for_in_the_lines_that_have_the_time() -> None:
    """Others are no records, whatever they lack, and whether the time is sure or not."""
    for others in (1, 60):
        lines = [*many(kind=["a", "b"] * 20), *many(kind=["a", "b"] * 20), *many(kind=["a", "b"] * 20)]
        proposal = proposed(*lines, *[{"other": 1}] * others)
        assert [(each.path, each.values) for each in proposal.schemas] == [("kind", 2)]
        assert proposal.fields == (FieldKeys("time", "kind") if others == 1 else None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.$", max_size=3), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.text("a.tim$", max_size=4) | st.sampled_from(["time", "type"]), JSON), max_size=5))
def test_whatever_is_proposed_is_read_so(lines: list[dict[str, Any]]) -> None:
    """As many lines are records as have the time, unless the schema is none in some; and no line raises."""
    found = told(lines)
    assert found.objects == len(lines)
    if found.proposal and found.proposal.fields:
        assert found.proposal.read == found.proposal.times[0].lines
    for path, values in values_by_path(lines).items():
        assert all(path.split("."))
        assert len(values) <= len(lines)


def test_lines_that_are_no_objects_tell_nothing() -> None:
    """A document, a scalar, damage: no preset, no proposal."""
    for line in (b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 5_000):
        assert recognise(sample_of("app.log", [line])) == Recognition(1, 0)


def test_marks_alone_are_not_enough() -> None:
    """The lines have to be records by the preset's fields, too."""
    line = {"log": "a", "stream": "stdout", "time": "2026-01-05T10:11:12Z"}
    assert [match.preset for match in told([line]).matches] == ["docker"]
    assert told([line | {"time": "yesterday"}]).matches == ()


def test_every_preset_has_its_marks() -> None:
    """Or is for whole files, which have no lines."""
    for name, preset in load_presets().items():
        assert all(preset.marks), name
        assert preset.marks or not preset.keys().get("time"), name


class Counted(MemoryReader):
    """A reader that counts the bytes that are read."""

    size = 0

    def read(self, start: int, end: int) -> bytes:
        found = super().read(start, end)
        Counted.size += len(found)
        return found


class Store:
    """Segments in memory."""

    def __init__(self, segments: dict[str, bytes]) -> None:
        self.segments = {name: Content(lines, number) for number, (name, lines) in enumerate(segments.items())}

    def open(self, segment: Segment) -> AbstractContextManager[Any]:
        from contextlib import nullcontext  # noqa: PLC0415 - only here

        return nullcontext(Counted(self.segments[segment.name]))

    def current(self, name: str) -> Fingerprint:
        return self.segments[name].fingerprint

    def sampled(self) -> list[bytes]:
        listed = [Segment(name, content.fingerprint) for name, content in self.segments.items()]
        return sample_lines(self, RateLimiter(), listed)


def numbered(numbers: Iterable[int]) -> Iterator[bytes]:
    return (b'{"n":%d,"pad":"%b"}\n' % (number, b"x" * 200) for number in numbers)


def test_a_sample_is_of_both_ends_and_bounded() -> None:
    """A few hundred lines of the first and the last segments; of a packed one from its beginning."""
    long = b"".join(numbered(range(20_000)))
    store = Store(
        {f"{n}.log": long for n in range(9)} | {"9.log.gz": gzip.compress(long), "a.log.zst": zstd_frame(long)}
    )
    Counted.size = 0
    lines = store.sampled()
    assert Counted.size <= 4 * 2 * 256 << 10
    found = [json.loads(line)["n"] for line in lines]
    ends = [*range(50), *range(19_950, 20_000)]
    assert found[:400] == ends * 4
    assert [found[400:450], found[500:550]] == [[*range(50)]] * 2
    assert len(found) == 600
    assert max(found[400:]) < 2_000


def test_a_small_segment_is_not_sampled_twice() -> None:
    """Nor is a blank line; the last one need not end."""
    assert Store({"a.log": b'{"a":1}\n \r\n\n{"a":2}'}).sampled() == [b'{"a":1}', b'{"a":2}']


def test_no_line_is_sampled_twice() -> None:
    """If the end begins where the beginning ended, in the midst of a line, that one is left out."""
    lines = Store({"a.log": b"".join(b'{"n":%d,"pad":"%b"}\n' % (n, b"x" * 20_000) for n in range(15))}).sampled()
    assert [json.loads(line)["n"] for line in lines] == [*range(13), 14]


def test_a_line_without_an_end_is_left_out() -> None:
    """No more of it is read than of others; a head of zeros does not hide the end."""
    store = Store({"a.log": b'{"a":"' + b"x" * 5_000_000, "b.log": bytes(5_000_000) + b'\n{"a":1}\n'})
    assert store.sampled() == [b'{"a":1}']
    assert Store({"a.gz": gzip.compress(bytes(5_000_000)), "b.gz": b"\x1f\x8bno"}).sampled() == []
