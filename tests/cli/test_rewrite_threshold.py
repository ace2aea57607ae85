"""`rewrite: always | never | N%`: a partly expired segment waits until a rewrite pays, and says when that will be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from audit_log import entries, record, write_log, write_policy
from command import cleanup, run
from hypothesis import assume, given
from hypothesis import strategies as st

from asynclog.config.values.units import percent
from asynclog.plan.decide import decide
from asynclog.plan.rewrite_threshold import Percent
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.scan.classifiers import PythonClassifier
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.timestamps import DAY, format_instant, parse_instant
from examples import examples

NOW = parse_instant("2026-11-24T00:00:00Z") or 0
LINE = '{{"schema_name": "{}", "timestamp": "{}"}}\n'
POLICY = Policy(
    {
        SchemaKey("a", 1): Rule(retention=30 * DAY),
        SchemaKey("b", 1): Rule(retention=10 * DAY),
        SchemaKey("ever", 1): Rule(retention=None),
    },
    {"far": Rule(retention=4_000_000 * DAY)},
)


def decided(content: bytes, now: int, least: Percent) -> tuple[str, str]:
    """Return what becomes of a segment, and why."""
    reader = PythonClassifier(cutoffs := Cutoffs(POLICY, now))
    reader.add_block(0, memoryview(content), None)
    action = decide(reader.builder().build("s", Fingerprint(1, 2, len(content), 3, 4)), cutoffs, least)
    return action.kind, action.reason


def lines(schema: str, *ages: float) -> bytes:
    """Return records that are so many days old."""
    return "".join(LINE.format(schema, format_instant(NOW - int(age * DAY))) for age in ages).encode()


def date_in(reason: str) -> int:
    """Return the instant at which the date of a reason begins."""
    found = re.search(r"on (\d{4}-\d\d-\d\d)$", reason)
    assert found, reason
    return parse_instant(f"{found[1]}T00:00:00Z") or 0


@examples(100)
@given(
    ages=st.lists(
        st.tuples(st.sampled_from("aaab"), st.integers(-1, 44), st.sampled_from((0.0, 0.3, 0.9))), min_size=2
    ),
    rest=st.sampled_from((b"", b"", b"\n" * 300)),
    least=st.sampled_from((0.1, 14.7, 33.333, 50.0, 99.0, 100.0, None)),
)
def test_the_date_of_a_wait_is_right(ages: list[tuple[str, int, float]], rest: bytes, least: Percent) -> None:
    """On that day the segment is rewritten, or goes as a whole; the day before it was not to be."""
    content = rest + b"".join(lines(schema, day + part) for schema, day, part in ages)
    kind, reason = decided(content, NOW, least)
    assume(kind == "skip" and not reason.endswith("which never happens"))
    end = date_in(reason)
    assert decided(content, end, least)[0] in {"rewrite", "drop"}
    assert decided(content, end - DAY, least)[0] in {"skip", "keep"}


@examples(50)
@given(
    ages=st.lists(st.integers(0, 44), min_size=1),
    what=st.sampled_from((lines("ever", 50), lines("none", 50), lines("far", 50), b"torn\n", lines("a", 20_000))),
    least=st.sampled_from((50.0, 100.0, None)),
)
def test_what_never_pays_is_said_to_wait_for_ever(ages: list[int], what: bytes, least: Percent) -> None:
    """A record that is kept for ever, a line that is none: then nothing but the bytes that expire can count."""
    content = lines("a", *ages) + what * 9
    kind, reason = decided(content, NOW, least)
    assume(kind == "skip")
    kinds = {decided(content, NOW + days * DAY, least)[0] for days in (1, 50, 1000)}
    assert kinds <= ({"skip"} if reason.endswith("which never happens") else {"skip", "rewrite", "drop"})
    if least is None:
        assert reason.endswith("waits until all of it has, which never happens")


def test_the_reason_says_how_much_has_expired() -> None:
    """A quarter of four equal records; another one expires each day."""
    content = lines("a", 30.5, 29.5, 28.5, 27.5)
    said = "25.0 % of it has expired, and it waits until "
    assert decided(content, NOW, 50.0) == ("skip", f"{said}50 % have, on 2026-11-25")
    assert decided(content, NOW, 75.0) == ("skip", f"{said}75 % have, on 2026-11-26")
    assert decided(content, NOW, None) == ("skip", f"{said}all of it has, on 2026-11-27")
    assert decided(content, NOW, 25.0) == ("rewrite", "1 of 4 records has expired")
    assert decided(content, NOW, 0.0) == ("rewrite", "1 of 4 records has expired")


def test_blank_lines_keep_no_expired_segment() -> None:
    """Blank lines are bytes that never expire, and keep no segment from going."""
    content = b"\n" * 400 + lines("a", 30.5, 29.5)
    kind, reason = decided(content, NOW, 50.0)
    assert (kind, reason[-13:]) == ("skip", "on 2026-11-25")
    assert decided(content, NOW + DAY, 50.0) == ("drop", "all 2 records have expired")


def test_a_segment_of_too_many_days_does_not_say_when() -> None:
    """Its records of some days are counted together, and so nobody knows."""
    content = "".join(
        LINE.format(f"s{n % 2000}", format_instant(NOW - n // 2000 * DAY)) for n in range(20_000)
    ).encode()
    reader = PythonClassifier(cutoffs := Cutoffs(Policy(star=Rule(retention=8 * DAY)), NOW))
    reader.add_block(0, memoryview(content), None)
    action = decide(reader.builder().build("s", Fingerprint(1, 2, len(content), 3, 4)), cutoffs, None)
    assert (action.kind, action.reason[-55:]) == (
        "skip",
        "on a day that is not known: it has records of too many days"[-55:],
    )


@pytest.mark.parametrize(
    ("text", "meaning"), [("always", 0), ("never", None), ("0%", 0), ("20%", 20), ("2.5 %", 2.5), ("100%", 100)]
)
def test_what_may_be_said(text: str, meaning: float | None) -> None:
    """Words, or a percentage."""
    assert percent(text) == meaning


def configured(folder: Path, rewrite: str) -> str:
    """Write a configuration of one profile, with this `rewrite`."""
    file = folder / "asynclog.yaml"
    file.write_text(
        f"profiles:\n  default:\n    audit: {{path: audit/logs.jsonl, schemas: schemas.yaml}}\n    rewrite: {rewrite}\n"
    )
    return str(file)


@pytest.mark.parametrize(
    "text", ["20", "101%", "-1%", "sometimes", "20 percent", "NEVER", "", "[always]", "1e1%", "true"]
)
def test_a_wrong_word_is_told_with_file_line_and_key(archive: Path, text: str) -> None:
    """Exit 2, before anything is touched."""
    file = configured(archive, f"'{text}'" if "[" not in text and text != "20" else text)
    done = run("cleanup", "--config", file, "--json")
    assert done.code == 2
    assert done.error.startswith(f"{file}:4: profiles.default.rewrite: ")


def test_what_waits_is_overdue_and_no_guard_counts_it_as_deleted(tmp_path: Path) -> None:
    """All governed records have expired, but in a segment that never goes as a whole: nothing would be deleted."""
    write_policy(tmp_path)
    content = record(days=400) * 1200 + b"torn\n"
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": content})
    for _night in ("cold", "warm"):
        done = run("cleanup", "--config", configured(tmp_path, "never"), "--now", "2026-11-24T00:00:00Z", "--json")
        assert (done.code, done.result["records"]) == (0, {"scanned": 1200, "deleted": 0, "kept": 0})
        assert done.result["overdue"] == {"records": {"app:1": 1200}, "oldest": "2025-10-20T00:00:00Z"}
        assert done.result["segments"]["skipped"] == 1
        (row,) = done.result["actions"]
        assert (row["action"], row["outcome"]) == ("skip", "skipped")
        assert row["reason"].endswith("it waits until all of it has, which never happens")
    assert (tmp_path / "audit/logs-20250101T000000.jsonl").read_bytes() == content


def test_a_drop_does_not_wait(tmp_path: Path) -> None:
    """What has wholly expired goes, whatever is said of rewrites."""
    write_policy(tmp_path)
    log = {
        "logs-20250101T000000.jsonl": record(days=400),
        "logs-20250102T000000.jsonl": record(days=400) + record(days=1),
    }
    write_log(tmp_path / "audit", log)
    done = run("cleanup", "--config", configured(tmp_path, "never"), "--now", "2026-11-24T00:00:00Z", "--json")
    assert (done.code, done.result["records"]["deleted"]) == (0, 1)
    assert [path.name for path in entries(tmp_path / "audit")] == ["logs-20250102T000000.jsonl"]


def test_rewrites_are_made_at_once_where_nothing_is_said(archive: Path) -> None:
    """As ever: however little of a segment has expired."""
    assert cleanup(archive).result["segments"]["rewritten"] == 1
