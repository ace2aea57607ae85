"""The kernel: exact where it is certain, in doubt where it can't prove, within bounds on any input."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import threading
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz.buffers import Cliff
from fuzz.campaign import ENOUGH, Campaign, exact_reader

from asynclog.config.policy_file import load_policy
from asynclog.policy.cutoffs import Cutoffs
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE, SECOND, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.counts import Answer

    from asynclog.records._kernel import Row, Scanner

kernel = pytest.importorskip("asynclog.records._kernel", reason="the kernel is not built: it needs a C compiler")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "support" / "data" / "mxcp-sample" / "audit"
FIELDS = ("schema_name", "schema_version", "timestamp")
KEYS = DOUBTS = 4_096  # the kernel's own limits
DAYS = 16_384
LINES = 65_536
T = 1_790_000_000 * SECOND  # 2026-09-21T14:13:20Z


def scanner(cutoff: Callable[[str, int], int | None] = lambda _name, _version: T, horizon: int = T + DAY) -> Scanner:
    made: Scanner = kernel.Scanner(FIELDS, cutoff, horizon)
    return made


def record(instant: int = T, name: str = "app", version: int = 1, rest: str = "") -> bytes:
    stamp = format_instant(instant)
    return f'{{"schema_name": "{name}", "schema_version": {version}, "timestamp": "{stamp}"{rest}}}\n'.encode()


def triples(packed: bytes) -> list[tuple[int, int, int]]:
    flat = array("q", packed)
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))


def marked(marks: bytes) -> list[int]:
    return [line for line in range(8 * len(marks)) if marks[line // 8] >> line % 8 & 1]


def rows(counting: Scanner) -> list[Row]:
    return counting.counts()[0]


def days(*counts: tuple[int, int, int]) -> bytes:
    """For each UTC day an instant of it, its records and bytes."""
    return array("q", [number for at, *some in counts for number in (at // DAY, *some)]).tobytes()


def certain(line: bytes) -> bool:
    uncertain, _, _, read = scanner().scan(line, False)
    assert read == len(line)
    return not uncertain


def test_counts_records_by_schema_key_in_the_order_they_are_met() -> None:
    """Each schema key has its records, bytes, oldest and newest; blank lines are counted apart."""
    lines = [record(T + 5, "b"), record(T + 9), record(T + 7, version=2), b" \t\r\n", record(T + 8), b"\n"]
    counting = scanner()
    assert counting.scan(b"".join(lines), True) == (b"", b"\0", 6, sum(map(len, lines)))
    both = len(lines[1]) + len(lines[4])
    assert counting.counts() == (
        [
            ("b", 1, 1, len(lines[0]), T + 5, T + 5, 0, 0, 0, T + 5, None, days((T, 1, len(lines[0])))),
            ("app", 1, 2, both, T + 8, T + 9, 0, 0, 0, T + 8, None, days((T, 2, both))),
            ("app", 2, 1, len(lines[2]), T + 7, T + 7, 0, 0, 0, T + 7, None, days((T, 1, len(lines[2])))),
        ],
        2,
    )


def test_a_census_grows_over_buffers() -> None:
    """What several buffers hold is counted as one."""
    counting = scanner()
    for instant in (T + 3, T + 1, T + 2):
        counting.scan(record(instant), False)
    size = 3 * len(record(T + 1))
    assert rows(counting) == [("app", 1, 3, size, T + 1, T + 3, 0, 0, 0, T + 1, None, days((T, 3, size)))]


@pytest.mark.parametrize(("instant", "expired"), [(T - 1, 1), (T, 0), (T + 1, 0)])
def test_a_record_expires_one_nanosecond_before_its_cutoff(instant: int, expired: int) -> None:
    """A record before the cutoff has expired, one at the cutoff hasn't."""
    counting = scanner()
    line = record(instant)
    assert counting.scan(line, True)[1] == bytes([expired])
    assert rows(counting)[0][6:8] == (expired, expired * len(line))


def test_the_latest_of_the_expired_is_known() -> None:
    """Whatever their order, and whatever has not expired beside them."""
    counting = scanner()
    for instant in (T + 2, T - 5, T - 3, T - 9, T):
        counting.scan(record(instant), False)
    assert rows(counting)[0][9:11] == (T, T - 3)


@pytest.mark.parametrize("offset", ["+05:30", "-0530", "+23:59", "-23:59", "+00:00"])
def test_instants_are_compared_as_instants(offset: str) -> None:
    """An offset moves the instant, whatever the text looks like."""
    minutes = int(offset[:3]) * 60 + int(offset[0] + offset[-2:])
    for step, expired in ((-1, 1), (0, 0)):
        local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=T // SECOND + step, minutes=minutes)
        text = f"{local:%Y-%m-%d %H:%M:%S}.9{offset}" if step else f"{local:%Y-%m-%dt%H:%M:%S}{offset}"
        counting = scanner()
        counting.scan(record().replace(format_instant(T).encode(), text.encode()), False)
        assert rows(counting)[0][6] == expired


@pytest.mark.parametrize(("instant", "future"), [(T + DAY, 0), (T + DAY + 1, 1)])
def test_a_record_after_the_horizon_is_future(instant: int, future: int) -> None:
    """A future record counts as a record, but has no part in oldest and newest."""
    counting = scanner()
    counting.scan(record(instant), False)
    span = (None, None) if future else (instant, instant)
    assert rows(counting)[0][:9] == ("app", 1, 1, len(record(instant)), *span, 0, 0, future)


def test_a_cutoff_is_asked_for_once_for_each_schema_key() -> None:
    """Nothing expires but under the cutoff of its own name and version."""
    asked: list[tuple[str, int]] = []

    def cutoff(name: str, version: int) -> int | None:
        asked.append((name, version))
        return {("app", 1): T + 1, ("app", 2): None, ("zoë", 1): T}[name, version]

    counting = scanner(cutoff)
    content = record() + record(version=2) + record(name="zoë")
    counting.scan(content * 3, False)
    counting.scan(content, False)
    assert asked == [("app", 1), ("app", 2), ("zoë", 1)]
    assert [row[6] for row in rows(counting)] == [4, 0, 0]


@pytest.mark.parametrize(("cutoff", "expired"), [(10**40, 1), (-(10**40), 0), (2**63, 1), (-(2**63), 0)])
def test_cutoffs_may_be_of_any_size(cutoff: int, expired: int) -> None:
    """A cutoff that 64 bits can't hold lies before or after every record."""
    counting = scanner(lambda _name, _version: cutoff, horizon=10**40)
    counting.scan(record(), False)
    assert rows(counting)[0][6:9] == (expired, expired * len(record()), 0)


def test_an_error_of_the_cutoff_ends_the_scan() -> None:
    """What the cutoff raises comes through, and a record of that key is not counted."""

    def cutoff(name: str, _version: int) -> int:
        return {"known": 0}[name]

    counting = scanner(cutoff)
    for _ in range(2):
        with pytest.raises(KeyError, match="app"):
            counting.scan(record(name="known") + record(), False)
    assert [row[:3] for row in rows(counting)] == [("known", 1, 2)]
    with pytest.raises(TypeError):
        scanner(lambda _name, _version: "soon").scan(record(), False)  # type: ignore[arg-type,return-value]


def test_a_scanner_is_for_one_scan_at_a_time() -> None:
    """A scanner that is at work refuses to be used."""
    counting = scanner(lambda _name, _version: len(counting.counts()))
    with pytest.raises(RuntimeError, match="at work"):
        counting.scan(record(), False)
    again = scanner(lambda _name, _version: again.scan(b"", False)[3])
    with pytest.raises(RuntimeError, match="at work"):
        again.scan(record(), False)
    assert again.scan(b"\n", False)[3] == 1


def test_expired_lines_are_marked() -> None:
    """Each line has its number and its bit; a kept, a blank or an uncertain line has no mark."""
    old, new = record(T - 1), record(T + 1)
    content = old * 3 + new + old + b"\n" + old * 2 + b"torn\n" + old
    uncertain, marks, lines, read = scanner().scan(content, True)
    assert (lines, read) == (10, len(content))
    assert marked(marks) == [0, 1, 2, 4, 6, 7, 9]
    start = content.index(b"torn")
    assert triples(uncertain) == [(start, start + 5, 8)]
    assert scanner().scan(old * 9, True)[1] == b"\xff\1"


def test_marks_come_only_when_asked_for() -> None:
    """Without the question there are none, but the same count."""
    counting = scanner()
    assert counting.scan(record(T - 1) * 2, False)[1:3] == (b"", 2)
    assert rows(counting)[0][2] == 2


@pytest.mark.parametrize("content", [b"", b"{", record()[:-1], b" " * 100, b"\0" * 5_000])
def test_what_has_no_newline_is_left_alone(content: bytes) -> None:
    """A last line without a newline is the caller's, and so is an empty buffer."""
    counting = scanner()
    assert counting.scan(content, True) == (b"", b"", 0, 0)
    assert counting.scan(b"\r\n" + content, True) == (b"", b"\0", 1, 2)
    assert counting.counts() == ([], 1)


def test_a_line_may_be_huge() -> None:
    """A record of 64 MiB is a record; so is one with 100,000 members."""
    assert certain(record(rest=', "a": "' + "x" * (64 << 20) + '"'))
    assert certain(record(rest=', "a": 1' * 100_000))


def test_more_lines_than_a_list_holds_take_more_calls() -> None:
    """A full list ends the call after its last line, and the rest comes with the next one."""
    for content, most in ((b"x\n" * 10_000, DOUBTS), (record(T - 1) * 100_000, LINES)):
        counting, found, start = scanner(), list[int](), 0
        while start < len(content):
            uncertain, marks, lines, read = counting.scan(memoryview(content)[start:], True)
            start += read
            found.append(lines)
            assert len(uncertain) // 24 + len(marked(marks)) == lines
        assert found == [most] * (sum(found) // most) + [sum(found) % most]
        assert sum(found) == content.count(b"\n")


def test_schema_keys_beyond_the_limit_are_uncertain() -> None:
    """A scanner holds 4,096 schema keys, exactly, and leaves any other to the caller, as often as it comes."""
    keys = [(f"name{number % 64}", number // 64) for number in range(KEYS + 100)]
    content = b"".join(record(T + version, name, version) for name, version in keys)
    counting = scanner()
    for times in (1, 2):
        uncertain = triples(counting.scan(content, False)[0])
        assert [exact_reader(content[start : end - 1]) for start, end, _ in uncertain] == [
            (name, version, T + version) for name, version in keys[KEYS:]
        ]
        assert [row[:3] for row in rows(counting)] == [(*key, times) for key in keys[:KEYS]]


def test_days_beyond_the_limit_are_uncertain() -> None:
    """A scanner holds 16,384 days of all schema keys, exactly, and leaves any other to the caller, however often."""
    lines = [record(FIRST_PLAUSIBLE + day * DAY, f"name{day % 3}") for day in range(DAYS + 50)]
    content = b"".join(lines)
    counting = scanner(horizon=FIRST_PLAUSIBLE + 2 * DAYS * DAY)
    for times in (1, 2):
        uncertain = triples(counting.scan(content, False)[0])
        assert [content[start:end] for start, end, _ in uncertain] == lines[DAYS:]
        counts = [
            days[at : at + 3]
            for *_, packed in rows(counting)
            for days in [array("q", packed)]
            for at in range(0, len(days), 3)
        ]
        assert sorted(day for day, _, _ in counts) == [FIRST_PLAUSIBLE // DAY + day for day in range(DAYS)]
        assert all((records, size) == (times, times * len(lines[0])) for _, records, size in counts)


def test_the_keys_of_the_fields_are_parameters() -> None:
    """Logs of other products have other keys; a key that means nothing here is no obstacle."""
    line = '{"timestamp": 1, "é": "login", "time": "2026-01-01T00:00:00Z", "schema_name": [1], "v": 3}\n'.encode()
    counting = kernel.Scanner(("é", "v", "time"), lambda _name, _version: None, T)
    assert counting.scan(line, False)[0] == b""
    instant = parse_instant("2026-01-01T00:00:00Z")
    assert instant is not None
    one_day = days((instant, 1, len(line)))
    assert counting.counts()[0] == [("login", 3, 1, len(line), instant, instant, 0, 0, 0, instant, None, one_day)]
    assert not certain(line)


ORDINARY = {
    "text beyond ASCII": ', "a": "caf\u00e9 \u6771\u4eac \U0001f989"',
    "the same keys further in": ', "a": {"timestamp": "2001-01-01T00:00:00Z", "schema_name": 1, "timestamp": 2}',
    "escapes in values": r', "a": "\u00e9 \ud83e\udd89 \/ \" \\ \b\f\n\r\t"',
    "half a surrogate pair": r', "a": "\ud83e"',
    "numbers of any size": ', "a": [1e400, -0, 1.5E-3, 123456789012345678901234567890]',
    "containers": ', "a": [ ], "b": { }, "c": [[{}], {"d": [1 , 2]}]',
    "a key that is given twice": ', "a": 1, "a": 2',
    "500 levels": ', "a": ' + "[" * 499 + "]" * 499,
}
UNPROVEN = {
    "an escape in a key of the top level": r', "\u0061": 1',
    "a key that is given twice, once in disguise": r', "time\u0073tamp": 1',
    "the timestamp twice": ', "timestamp": "2026-01-01T00:00:00Z"',
    "501 levels": ', "a": ' + "[" * 500 + "]" * 500,
    "a raw control character": ', "a": "\t"',
    "a bad escape": r', "a": "\v"',
    "a trailing comma": ",",
    "two objects": "} {",
}


@pytest.mark.parametrize("rest", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_records_are_certain(rest: str) -> None:
    """What ordinary products write leaves the kernel in no doubt."""
    line = record(rest=rest)
    assert exact_reader(line[:-1]) == ("app", 1, T)
    assert certain(line)
    assert certain(b" \t" + line[:-1] + b" \r\n")


@pytest.mark.parametrize("rest", UNPROVEN.values(), ids=UNPROVEN)
def test_what_is_not_proven_is_uncertain(rest: str) -> None:
    """A line that is no record, or that takes a slower look, is left to the exact reader."""
    assert not certain(record(rest=rest))


@pytest.mark.parametrize("version", ["", "null", "0", "1", "999999999"])
def test_versions_that_are_certain(version: str) -> None:
    """A missing version and null are 1; others are what they say."""
    member = f', "schema_version": {version}' if version else ""
    counting = scanner()
    counting.scan(record().replace(b', "schema_version": 1', member.encode()), False)
    assert rows(counting)[0][:2] == ("app", int(version) if version.isdigit() else 1)


@pytest.mark.parametrize("version", ["-1", "01", "1.0", "1e0", '"1"', "true", "[1]", "1000000000", "9" * 30])
def test_versions_that_are_uncertain(version: str) -> None:
    """What is no small integer is left to the exact reader."""
    assert not certain(record().replace(b'"schema_version": 1', f'"schema_version": {version}'.encode()))


@pytest.mark.parametrize(
    ("stamp", "sure"),
    [
        ("1999-12-31T23:59:59.999999999Z", False),
        ("2000-01-01T00:00:00Z", True),
        ("1999-12-31T23:59:00-00:01", True),
        ("2000-01-01T00:00:00+00:01", False),
        ("2200-12-31T23:59:59Z", True),
        ("2201-01-01T00:00:00Z", False),
        ("2024-02-29T00:00:00Z", True),
        ("2100-02-29T00:00:00Z", False),
        ("2026-01-01T00:00:00", False),
        ("2026-01-01T00:00:60Z", False),
        ("2026-01-01T00:00:00.1234567891Z", False),
    ],
)
def test_the_edges_of_time(stamp: str, sure: bool) -> None:
    """Real instants from 2000 to 2200 are certain, and no other."""
    assert certain(record().replace(format_instant(T).encode(), stamp.encode())) is sure


@pytest.mark.parametrize(("name", "sure"), [("x" * 255, True), ("x" * 256, False), ("", False), (r"\u0061", False)])
def test_the_edges_of_a_name(name: str, sure: bool) -> None:
    """A name of 1 to 255 bytes without an escape is certain, and no other."""
    assert certain(record(name=name)) is sure


def test_the_sample_is_read_without_a_doubt() -> None:
    """A real product's archive has no uncertain line, and its expired records are the known ones."""
    policy = load_policy(str(SAMPLE / "logs-default_schemas.jsonl"))
    now = parse_instant("2026-11-24T00:00:00Z")
    assert now is not None
    cutoffs = Cutoffs(policy, now)
    counting = scanner(lambda name, version: cutoffs.before(SchemaKey(name, version)), cutoffs.future)
    for path in sorted(SAMPLE.glob("logs-default-*.jsonl")):
        content = path.read_bytes()
        uncertain, _, _, read = counting.scan(content, False)
        assert (uncertain, read) == (b"", len(content))
    expired = {f"{row[0]}:{row[1]}": row[6] for row in rows(counting) if row[6]}
    assert expired == {"auth.events:1": 43, "debug_logs:1": 920, "mxcp.endpoints:1": 8, "mxcp.endpoints:2": 983}


def test_anything_with_bytes_in_a_row_is_a_buffer() -> None:
    """Bytes, byte arrays, views and ctypes arrays are read; a view with gaps is refused."""
    line = record()
    for buffer in (line, bytearray(line), memoryview(line), (ctypes.c_ubyte * len(line)).from_buffer_copy(line)):
        counting = scanner()
        assert counting.scan(buffer, False) == (b"", b"", 1, len(line))
        assert rows(counting)[0][2] == 1
    with pytest.raises(BufferError):
        scanner().scan(memoryview(line)[::2], False)


@pytest.mark.parametrize("fields", [("a", "b"), ["a", "b", "c"], ("a", "b", 3), None])
def test_fields_are_three_names(fields: object) -> None:
    """Anything else is refused at once."""
    with pytest.raises(TypeError):
        kernel.Scanner(fields, lambda _name, _version: None, T)


def test_other_threads_run_during_a_scan() -> None:
    """The kernel works without the interpreter's lock."""
    content = record(rest=json.dumps({"a": ["x" * 50] * 5})[1:-1].join((", ", ""))) * 100_000
    steps, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            steps[0] += 1

    other = threading.Thread(target=count)
    other.start()
    counting, moved = scanner(), False
    for _ in range(50):
        before = steps[0]
        counting.scan(content, False)
        moved = steps[0] > before + 100
        if moved:
            break
    done.set()
    other.join()
    assert moved


def one_later(line: bytes) -> Answer:
    said = exact_reader(line)
    return (said[0], said[1], said[2] + 1) if isinstance(said, tuple) else said


def blind_to_blanks(line: bytes) -> Answer:
    return "unreadable" if exact_reader(line) == "blank" else exact_reader(line)


@pytest.mark.parametrize("reader", [one_later, blind_to_blanks])
def test_the_fuzzer_notices_who_is_wrong(reader: Callable[[bytes], Answer]) -> None:
    """A reader that differs from the kernel, by a nanosecond or on blank lines only, is told at once."""
    campaign = Campaign(kernel.Scanner, Cliff(), reader)
    campaign.run(seed=1, seconds=60)
    assert len(campaign.counts.disagreements) >= ENOUGH


def test_at_once_the_fuzzer_finds_nothing() -> None:
    """Over ordinary, hostile and damaged lines nobody disagrees."""
    campaign = Campaign(kernel.Scanner, Cliff())
    campaign.run(seed=1, seconds=1)
    assert campaign.counts.certain > 0
    assert (campaign.counts.disagreements, campaign.counts.doubted) == ([], 0)


@pytest.mark.thorough
def test_a_short_run_of_the_fuzzer_finds_nothing() -> None:
    """Over ordinary, hostile and damaged lines nobody disagrees, and no sanitizer reports."""
    command = [sys.executable, "-m", "tests.campaigns.fuzz", "--seconds", "2", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the kernel as built: " in done.stdout
