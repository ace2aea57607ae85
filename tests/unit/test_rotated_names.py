"""The names that rotators give: which are a log's segments, the time that each tells, and their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.storage.naming import SegmentNaming
from asynclog.storage.profile_claims import Claim, contests

NAMING = SegmentNaming("logs.jsonl")
SUFFIXES = ("", ".gz", ".zst", ".xz", ".bz2", ".lz4")

# Per rotator the log, and names from the oldest to the newest, each with the time that it tells.
ROTATORS: dict[str, tuple[str, list[tuple[str, str | None]]]] = {
    "logrotate": ("logs.jsonl", [("logs.jsonl.10", None), ("logs.jsonl.2", None), ("logs.jsonl.1", None)]),
    "logrotate, start 0": ("logs.jsonl", [("logs.jsonl.1", None), ("logs.jsonl.0", None), ("logs.jsonl", None)]),
    "logrotate, extension": ("logs.jsonl", [("logs.10.jsonl", None), ("logs.9.jsonl", None), ("logs.jsonl", None)]),
    "logrotate, addextension": ("logs.jsonl", [("logs.jsonl.2.log", None), ("logs.jsonl.1.log", None)]),
    "logrotate, dateext": (
        "logs.jsonl",
        [("logs.jsonl-20251231", "2025-12-31"), ("logs.jsonl-20260101", "2026-01-01"), ("logs.jsonl", None)],
    ),
    "logrotate, dateext and extension": (
        "logs.jsonl",
        [("logs-20261130.jsonl", "2026-11-30"), ("logs-20261201.jsonl", "2026-12-01")],
    ),
    "logrotate, hourly": (
        "logs.jsonl",
        [("logs.jsonl-2026110109", "2026-11-01T09"), ("logs.jsonl-2026110110", "2026-11-01T10")],
    ),
    "logrotate, -%s": (
        "logs.jsonl",
        [("logs.jsonl-1793491199", "2026-10-31T23:59:59"), ("logs.jsonl-1793491200", "2026-11-01")],
    ),
    "logrotate, -%Y%m%d-%s": (
        "logs.jsonl",
        [
            ("logs.jsonl-20261101-1793491200", "2026-11-01"),
            ("logs.jsonl-20261101-1793494800", "2026-11-01T01"),
        ],
    ),
    "logrotate, -%Y%m%d-%H%M%S": (
        "logs.jsonl",
        [("logs.jsonl-20261101-090000", "2026-11-01T09"), ("logs.jsonl-20261101-130509", "2026-11-01T13:05:09")],
    ),
    "logrotate, weeks": (
        "logs.jsonl",
        [
            ("logs.jsonl-2026-W09", "2026-02-23"),
            ("logs.jsonl-2026-13", "2026-03-23"),
            ("logs.jsonl-2026W45", "2026-11-02"),
            ("logs.jsonl-2027-W53", "2027-01-01"),
        ],
    ),
    "logrotate, months": (
        "logs.jsonl",
        [
            ("logs.jsonl-2026-09", "2026-09-01"),
            ("logs-2026-10.jsonl", "2026-10-01"),
            ("logs_202611.jsonl", "2026-11-01"),
        ],
    ),
    "logrotate, other signs": (
        "logs.jsonl",
        [
            ("logs.jsonl.2026-11-01", "2026-11-01"),
            ("logs.jsonl_2026.11.02", "2026-11-02"),
            ("logs.jsonl.2026_11_03", "2026-11-03"),
            ("logs.jsonl20261104", "2026-11-04"),
        ],
    ),
    "logrotate behind MXCP": (
        "logs.jsonl",
        [
            ("logs-20261101T000000.jsonl.2", "2026-11-01"),
            ("logs-20261101T000000.jsonl.1.gz", "2026-11-01"),
            ("logs-20261101T000000.jsonl", "2026-11-01"),
            ("logs-20261101T000000-2.jsonl.1", "2026-11-01"),
            ("logs-20261101T000000-10.jsonl.1", "2026-11-01"),
            ("logs-20261102T000000.2.jsonl", "2026-11-02"),
            ("logs-20261102T000000.1.jsonl", "2026-11-02"),
            ("logs-20261103T000000.jsonl-20261104.gz", "2026-11-03"),
            ("logs-20261103T000000.jsonl-20261105", "2026-11-03"),
            ("logs-20261104T000000-20261106.jsonl", "2026-11-04"),
            ("logs-20261105T000000.jsonl.2026-11-06", "2026-11-05"),
            ("logs-20261106T000000-2026-11-07.jsonl", "2026-11-06"),
            ("logs-20261107T000000-3-2026-11-08.jsonl", "2026-11-07"),
        ],
    ),
    "lumberjack": (
        "audit.log",
        [
            ("audit-2026-11-01T13-04-05.000.log.gz", "2026-11-01T13:04:05"),
            ("audit-2026-11-01T13-04-05.250.log", "2026-11-01T13:04:05.250"),
            ("audit.log", None),
        ],
    ),
    "timberjack": (
        "audit.log",
        [
            ("audit-2026-11-01T13-04-05.000-size.log", "2026-11-01T13:04:05"),
            ("audit-2026-11-02T00-00-00.000-time.log.zst", "2026-11-02"),
            ("audit.log-2026-11-03T00-00-00.000-manual", "2026-11-03"),
        ],
    ),
    "log4js": (
        "logs.jsonl",
        [
            ("logs.2026-11-01.jsonl", "2026-11-01"),
            ("logs.jsonl.2026-11-02", "2026-11-02"),
            ("logs.jsonl.2026-11-02.1.gz", "2026-11-02"),
        ],
    ),
    "log4j, logback and winston": (
        "logs.jsonl",
        [(f"logs.jsonl.2026-11-01.{number}", None) for number in (1, 9)]
        + [("logs-2026-11-02-1.jsonl", "2026-11-02"), ("logs-2026-11-02-2.jsonl", "2026-11-02")],
    ),
    "tracing-appender": (
        "logs.jsonl",
        [
            ("logs.jsonl.2026-11-01-09", "2026-11-01T09"),
            ("logs.jsonl.2026-11-01-10", "2026-11-01T10"),
            ("logs.2026-11-01-10-05.jsonl", "2026-11-01T10:05"),
        ],
    ),
    "Python": (
        "logs.jsonl",
        [("logs.jsonl.2026-11-01_13", "2026-11-01T13"), ("logs.jsonl.2026-11-01_13-05-09", "2026-11-01T13:05:09")],
    ),
    "beats": (
        "auditbeat.ndjson",
        [
            ("auditbeat-20261101.ndjson", "2026-11-01"),
            *((f"auditbeat-20261101-{number}.ndjson", None) for number in (1, 9, 10, 19, 23, 24, 99, 100, 959)),
            ("auditbeat-20261102.ndjson", "2026-11-02"),
        ],
    ),
    "beats of old": ("auditbeat", [("auditbeat.2", None), ("auditbeat.1", None), ("auditbeat", None)]),
    "Elasticsearch": (
        "x_audit.json",
        [("x_audit-2026-11-01-1.json.gz", "2026-11-01"), ("x_audit-2026-11-01-2.json", "2026-11-01")],
    ),
    "MongoDB": (
        "auditLog.json",
        [("auditLog.json.2026-11-01T13-05-09", "2026-11-01T13:05:09"), ("auditLog.json", None)],
    ),
    "Serilog": ("logs.jsonl", [("logs20261101.jsonl", "2026-11-01"), ("logs20261101_001.jsonl", "2026-11-01")]),
    "Suricata": ("eve.json", [("eve-2026-11-01-13:05.json", "2026-11-01T13:05"), ("eve.json.1", None)]),
    "Zeek": ("conn.log", [("conn.09:00:00-10:00:00.log.gz", None), ("conn.10:00:00-11:00:00.log", None)]),
    "Docker": ("0af-json.log", [("0af-json.log.2.gz", None), ("0af-json.log.1", None), ("0af-json.log", None)]),
    "ours": ("logs.jsonl", [("logs.jsonl.1", None), ("logs-late-00c0ffee-12.jsonl", None), ("logs.jsonl", None)]),
}
NAMES = [(log, name, time) for log, names in ROTATORS.values() for name, time in names]

# What the names of logs.jsonl look like without being any.
OTHERS = [
    *(
        "logs-20261301.jsonl",
        "logs-20260230.jsonl",
        "logs.jsonl-2026110124",
        "logs-2026-11-31.jsonl",
        "logs-18991231.jsonl",
    ),
    *(
        "logs.jsonl-2026-00",
        "logs.jsonl-2026-54",
        "logs-2026-W00.jsonl",
        "logs-2026.jsonl",
        "logs.2026.jsonl",
        "logs.jsonl.2026",
    ),
    "logs-2026-1.jsonl",
    *(
        "logs-1.jsonl",
        "logs1.jsonl",
        "logs_1.jsonl",
        "logs.jsonl-1",
        "logs.jsonl.1.2",
        "logs.1.jsonl.2",
        "logs.1.2.jsonl",
    ),
    *("logs.jsonl.12345678", "logs.jsonl-179349120", "logs-2026-1101.jsonl", "logs-20261101"),
    *(
        "logs-eu-20261101.jsonl",
        "logs-20261101-eu.jsonl",
        "logs-20261101.json",
        "logs.jsonl.1.tar.gz",
        "logs.jsonl.1.gz.gz",
    ),
    *(
        "logs.jsonl.1.zip",
        "logs.jsonl.1.bak",
        "logs.jsonl.log",
        "logs.jsonl-20261101.tmp",
        "logs-20261101T000000.jsonl.1.2",
    ),
    *("logs_schemas.jsonl", "logs_schemas.jsonl.1", "logs_schemas-20261101.jsonl", "logs_schemas.jsonl.2026-11-01.gz"),
    *(
        "logs-late-00c0ffee-12",
        "logs-late-00c0ffee-20261101.json",
        "logs.13:00:00.jsonl",
        "logs.jsonl.1\n",
        "logs.jsonl\n.1",
    ),
]


def instant(time: str) -> int:
    """Return an ISO 8601 time as nanoseconds since 1970."""
    full = time + "0000-00-00T00:00:00"[len(time) :] if len(time) < 19 else time
    since = datetime.fromisoformat(full).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("packed", SUFFIXES)
@pytest.mark.parametrize(("log", "name", "time"), NAMES)
def test_a_name_is_a_segments_and_tells_a_time(log: str, name: str, time: str | None, packed: str) -> None:
    """Whatever packed it."""
    naming = SegmentNaming(log)
    name = name if name.endswith(SUFFIXES[1:]) else name + packed
    assert naming.match(name)
    assert not naming.is_neighbour(name)
    if time:
        assert naming.start_time(name) == instant(time)


@pytest.mark.parametrize("rotator", ROTATORS)
def test_names_are_in_the_order_in_which_they_were_written(rotator: str) -> None:
    """From the oldest to the newest."""
    log, names = ROTATORS[rotator]
    in_order = [name for name, _ in names]
    assert sorted({*in_order}, key=SegmentNaming(log).sort_key) == in_order


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_that_only_resembles_one_is_none(name: str) -> None:
    """It is a neighbour, but for what a registry was."""
    assert not NAMING.match(name)
    assert NAMING.is_neighbour(name) != ("_schemas" in name)


@pytest.mark.parametrize("name", ["audit_schemas.jsonl.1", "audit_schemas-20261101.jsonl.gz", "b_holds.jsonl-20261101"])
def test_a_rotated_registry_is_no_segment_of_any_pattern(name: str) -> None:
    """Nor a list of holds, of whatever log; but a log may be called so."""
    assert not SegmentNaming("audit.jsonl", ["*"]).match(name)
    assert SegmentNaming("db_schemas.jsonl").match("db_schemas.jsonl.1")


def test_only_numbered_segments_and_the_base_file_get_renamed() -> None:
    """A number beside a time stays."""
    renamed = ["logs.jsonl", "logs.jsonl.1", "logs.1.jsonl", "logs.jsonl.1.gz", "logs-20261101T000000.jsonl.1"]
    stay = ["logs-20261101T000000-1.jsonl", "logs-20261101.jsonl", "logs.jsonl.2026-11-01.1", "logs.jsonl.1x", "other"]
    assert [name for name in renamed + stay if NAMING.is_renamed_later(name)] == renamed


def test_a_late_segment_may_be_rotated_like_any_other() -> None:
    """It is a segment still, but none that recovery made; it is never taken for the newest."""
    late, rotated = (
        "logs-late-00c0ffee-12.jsonl",
        ["logs-late-00c0ffee-12.jsonl.1", "logs-late-00c0ffee-12.jsonl-20261101.gz"],
    )
    assert [NAMING.late_token(name) for name in (late, f"{late}.gz", *rotated)] == ["00c0ffee", "00c0ffee", None, None]
    assert all(map(NAMING.match, rotated))
    assert NAMING.start_time(rotated[1]) == instant("2026-11-01")
    assert max([*rotated, "logs-20240101.jsonl"], key=NAMING.sort_key) == "logs-20240101.jsonl"


@pytest.mark.parametrize(
    ("one", "other", "file"),
    [
        ("logs.jsonl", "logs-2026.jsonl", None),
        ("logs.jsonl", "logs-eu.jsonl", None),
        ("logs.jsonl", "logs", None),
        ("logs.jsonl", "logs-20261101.jsonl", "logs-20261101.jsonl"),
        ("logs.jsonl", "logs-2026-11.jsonl", "logs-2026-11.jsonl"),
        ("logs.jsonl", "logs.1.jsonl", "logs.1.jsonl"),
    ],
)
def test_what_two_logs_would_claim_is_contested(one: str, other: str, file: str | None) -> None:
    """Also before it is there: the other log's own name is one that a rotator gives to the first."""
    claims = [Claim("one", f"/log/{one}", enabled=True), Claim("other", f"/log/{other}", enabled=True)]
    for first, second in permutations(claims):
        found = [contest.file for contest in contests([one, other], [first, second])]
        assert found == ([f"/log/{file}"] if file else [])


# ---- What logrotate's manual allows: any of these signs, and times that sort as text (epochs since September 2001).

bases = st.builds(
    "{}{}".format,
    st.from_regex(r"[a-z]{1,6}([-_.][a-z]{2,5})?", fullmatch=True),
    st.sampled_from(["", ".jsonl", ".log", ".json"]),
)
moments = st.datetimes(datetime(2001, 9, 9, 2), datetime(2032, 6, 1)).map(lambda each: each.replace(microsecond=0))


@st.composite
def date_formats(draw: st.DrawFn) -> str:
    """Return a `dateformat` of the usual kinds: days or more, months, weeks, or an epoch."""
    sign = draw(st.sampled_from("-_."))
    kind = draw(st.sampled_from(["day", "day", "day", "month", "week", "epoch", "day and epoch"]))
    if kind == "epoch":
        return f"{sign}%s"
    if kind == "week":
        return f"{sign}%Y{draw(st.sampled_from(['-', '']))}W%V"
    gap = draw(st.sampled_from(["", "-", "_"] + ["."] * (kind == "day")))
    if kind == "month":
        return f"{sign}%Y{gap}%m"
    day = f"{draw(st.sampled_from([sign, sign, '']))}%Y{gap}%m{gap}%d"
    if kind == "day and epoch":
        return f"{day}{sign}%s"
    colon = draw(st.sampled_from(["", "-", ":", "_"]))
    clock = draw(st.sampled_from(["", "%H", f"%H{colon}%M", f"%H{colon}%M{colon}%S"]))
    return day + (draw(st.sampled_from(["-", "T", "_", ""] if not gap else ["-", "T", "_"])) + clock if clock else "")


def said_by(date_format: str, moment: datetime) -> datetime:
    """Return what is left of the moment in such a date."""
    if "%s" in date_format:
        return moment
    if "%V" in date_format:
        monday = moment - timedelta(days=moment.weekday())
        return monday.replace(hour=0, minute=0, second=0)
    day = moment.day if "%d" in date_format else 1
    hour = moment.hour if "%H" in date_format else 0
    minute = moment.minute if "%M" in date_format else 0
    return moment.replace(day=day, hour=hour, minute=minute, second=moment.second if "%S" in date_format else 0)


def written(date_format: str, moment: datetime) -> str:
    """Return the date as logrotate writes it."""
    epoch = int(moment.replace(tzinfo=UTC).timestamp())
    return moment.strftime(date_format.replace("%s", str(epoch)))


class Way(NamedTuple):
    """How a name is put together: what is added before the suffix of the log or behind it, and what packed it."""

    before_suffix: bool
    packed: str

    def name(self, base: str, added: str) -> str:
        stem, _, suffix = base.rpartition(".")
        return (f"{stem}{added}.{suffix}" if self.before_suffix and stem else f"{base}{added}") + self.packed


ways = st.builds(Way, st.booleans(), st.sampled_from(SUFFIXES))


@given(bases, date_formats(), moments, ways)
def test_every_dated_name_of_logrotate_tells_its_time(base: str, date_format: str, moment: datetime, way: Way) -> None:
    """With `dateformat`, `extension` and any compression."""
    if "%V" in date_format and moment.isocalendar().year != moment.year:
        return  # its %Y and %V belong to two years
    naming = SegmentNaming(base)
    name = way.name(base, written(date_format, moment))
    assert naming.match(name)
    assert naming.start_time(name) == instant(said_by(date_format, moment).isoformat())


@given(bases, date_formats(), st.lists(moments, min_size=2, max_size=6, unique=True), ways)
def test_dated_names_are_in_the_order_of_time(base: str, date_format: str, moments: list[datetime], way: Way) -> None:
    """As logrotate sorts them, but for weeks at a year's end."""
    if "%V" in date_format:
        moments = [moment.replace(month=6, day=min(28, moment.day)) for moment in moments]
    names = [way.name(base, written(date_format, moment)) for moment in sorted(moments)]
    assert sorted({*names}, key=SegmentNaming(base).sort_key) == list(dict.fromkeys(names))


numbers_but_years = st.integers(0, 99_999).filter(lambda number: not 1970 <= number < 2200)


@given(bases, st.lists(numbers_but_years, min_size=2, unique=True), st.none() | moments, ways)
def test_every_numbered_name_of_logrotate_is_a_segment(
    base: str, numbers: list[int], begun: datetime | None, way: Way
) -> None:
    """With any `start`, also behind a name of MXCP's; the highest number is the oldest. A year alone is none."""
    naming = SegmentNaming(base)
    log = Way(before_suffix=True, packed="").name(base, begun.strftime("-%Y%m%dT%H%M%S")) if begun else base
    names = [way.name(log, f".{number}") for number in sorted(numbers, reverse=True)]
    assert all(map(naming.match, names))
    assert {naming.start_time(name) for name in names} == {instant(begun.isoformat()) if begun else None}
    assert sorted({*names}, key=naming.sort_key) == names


@given(bases, st.from_regex("[-_.][a-z]{1,8}", fullmatch=True), date_formats(), moments, ways)
def test_no_name_of_another_log_is_a_segment(
    base: str, more: str, date_format: str, moment: datetime, way: Way
) -> None:
    """Of one whose name goes on, or begins earlier."""
    stem, _, suffix = base.rpartition(".")
    longer = f"{stem}{more}.{suffix}" if stem else f"{base}{more}"
    name = way.name(longer, written(date_format, moment))
    others = (name, longer, longer + way.packed, f"{longer}.1", f"x{name}", way.name(f"x{base}", ".1"))
    assert [other for other in others if SegmentNaming(base).match(other)] == []


@given(st.text(max_size=30))
def test_what_stands_behind_a_name_is_no_accident(text: str) -> None:
    """What is taken for an addition is in ASCII and has a digit; and anything can be sorted."""
    name = f"logs.jsonl{text}"
    if NAMING.match(name):
        assert name.isascii()
        assert text in SUFFIXES or any(map(str.isdigit, text))
    NAMING.sort_key(name)
