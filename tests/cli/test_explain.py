"""`asynclog explain`: why each segment is as it is, until when, and which of its lines are unreadable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, Done, cleanup, run

from asynclog.forecast.expiry import Lifetime, fully_expired_at, lifetime
from asynclog.policy.rules import Policy, Rule
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import DayStats, SchemaStats, SegmentStats
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
DROP, MIXED, KEEP, PACKED = (f"logs-2025010{n}T000000.jsonl" for n in range(1, 5))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a segment to drop, one with everything in it, one to keep, and a compressed one."""
    write_policy(
        tmp_path,
        "schema_name: app, retention_days: 30",
        "schema_name: legal, retention_days: null",
        "schema_name: asleep, retention_days: 1, active: false",
    )
    write_log(
        tmp_path / "audit",
        {
            DROP: [OLD, record(days=31)],
            MIXED: [OLD, b"torn {\n", b" \n", record("legal"), record("nobody"), record("asleep"), YOUNG],
            KEEP: [YOUNG, record(days=2)],
            f"{PACKED}.gz": b"\x1f\x8b",
        },
    )
    return tmp_path


def explain(folder: Path, *words: str, **options: Any) -> Done:
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--state", "state", "--now", NOW)
    return run("explain", *words, *named, cwd=folder, **options)


def segments(done: Done) -> dict[str, Any]:
    assert done.code == 0
    return {row["segment"]: row for row in done.result["segments"]}


def test_each_segment_has_the_reason_of_the_dry_run(log: Path) -> None:
    """In their order; and nothing of the log is changed."""
    before = looks(log / "audit")
    rows = explain(log, "--json").result["segments"]
    dry = cleanup(log, "-n", "--debug").result["actions"]
    assert [(row["segment"], row["action"], row["reason"]) for row in rows] == [
        (action["segment"], action["action"], action["reason"]) for action in dry
    ]
    assert looks(log / "audit") == before


def test_it_says_until_when_and_since_when(log: Path) -> None:
    """Per schema and for the whole segment; what is kept for ever keeps it."""
    found = segments(explain(log, "--json"))
    assert (found[DROP]["overdue_since"], found[DROP]["gone_after"]) == ("2025-11-19T00:00:00Z", "2026-11-23T00:00:00Z")
    assert (found[KEEP]["overdue_since"], found[KEEP]["gone_after"]) == (None, "2026-12-23T00:00:00Z")
    assert found[KEEP]["kept_for_ever"] == []
    app = found[MIXED]["schemas"]["app:1"]
    assert (app["records"], app["expired"], app["rule"], app["retention_days"]) == (2, 1, "app", 30)
    assert (app["overdue_since"], app["kept_until"]) == ("2025-11-19T00:00:00Z", "2026-12-23T00:00:00Z")
    assert app["where"] == str(log / "schemas.yaml:2")
    assert found[MIXED]["gone_after"] is None
    assert len(found[MIXED]["kept_for_ever"]) == 4
    kept = {name: (part["governed"], part["rule"]) for name, part in found[MIXED]["schemas"].items()}
    assert kept == {
        "app:1": (True, "app"),
        "asleep:1": (False, "asleep"),
        "legal:1": (True, "legal"),
        "nobody:1": (False, None),
    }
    assert found[f"{PACKED}.gz"]["schemas"] == {}
    assert "compressed" in found[f"{PACKED}.gz"]["reason"]


def test_what_it_says_comes_true(log: Path) -> None:
    """The segment is still there at the instant it names, and goes right after it."""
    end = segments(explain(log, KEEP, "--json"))[KEEP]["gone_after"]
    for now, action in ((end, "rewrite"), (end.replace("Z", ".000000001Z"), "drop")):
        assert cleanup(log, "-n", "--debug", "--now", now).actions[KEEP]["action"] == action


def test_unreadable_lines_are_shown_with_offset_and_reason(log: Path) -> None:
    """The first 20 of a segment; all are counted."""
    (log / "audit" / KEEP).write_bytes(YOUNG + b"".join(b"torn %d\n" % number for number in range(25)))
    found = segments(explain(log, "--json"))
    assert found[MIXED]["lines"] == [
        {"offset": len(OLD), "why": "it is no JSON object (byte 0 of the line)", "line": 2}
    ]
    assert (found[MIXED]["unreadable"], found[MIXED]["blank"]) == (1, 1)
    assert (found[KEEP]["unreadable"], len(found[KEEP]["lines"])) == (25, 20)
    assert found[KEEP]["lines"][1]["offset"] == len(YOUNG) + len(b"torn 0\n")
    assert found[MIXED]["reasons"] == [{"why": "it is no JSON object", "lines": 1, "examples": found[MIXED]["lines"]}]
    (reason,) = found[KEEP]["reasons"]
    assert (reason["lines"], [line["line"] for line in reason["examples"]]) == (25, [2, 3, 4])
    assert found[DROP]["reasons"] == []


def test_one_segment_or_one_schema(log: Path) -> None:
    """By its name or a path to it, or by its key or name: the rest is left out."""
    for name in (MIXED, f"audit/{MIXED}", f"./audit/../audit/{MIXED}", str(log / "audit" / MIXED)):
        assert list(segments(explain(log, name, "--json"))) == [MIXED]
    for schema in ("legal", "legal:1"):
        found = segments(explain(log, "--schema", schema, "--json"))
        assert {name: list(row["schemas"]) for name, row in found.items()} == {MIXED: ["legal:1"]}
    write_policy(log, "schema_name: legal, version: 2")
    assert segments(explain(log, "--schema", "legal:2", "--json")) == {}


def test_only_the_one_segment_is_read(log: Path) -> None:
    """Others may be as they are."""
    (log / "audit" / DROP).chmod(0)
    assert explain(log, KEEP, before=NO_OVERRIDE).code == 0
    done = explain(log, "--json", before=NO_OVERRIDE)
    assert (done.code, done.result["status"]) == (3, "partial")
    assert DROP in done.document["error"]


def test_the_text_has_a_paragraph_for_each_segment(log: Path) -> None:
    """With the reasons, the offsets, and the ends."""
    done = explain(log)
    paragraphs = done.out.split("\n\n")
    assert (done.code, done.err, len(paragraphs)) == (0, "", 5)
    assert paragraphs[1].splitlines()[-1] == "  The next cleanup deletes it"
    assert f"    line 2, byte {len(OLD)}: it is no JSON object (byte 0 of the line)\n" in paragraphs[2]
    assert paragraphs[2].splitlines()[-1].startswith("  Never goes as a whole, because it has 1 unreadable line, ")
    assert "1 expired, overdue since 2025-11-19; the last is kept until 2026-12-23" in paragraphs[2]
    assert paragraphs[3].splitlines()[-1] == "  Goes as a whole after 2026-12-23"


@pytest.mark.parametrize(
    ("lines", "end"), [([OLD], "has expired"), ([OLD, YOUNG], "will have expired after 2026-12-23")]
)
def test_a_segment_of_two_hard_links_does_not_go(log: Path, lines: list[bytes], end: str) -> None:
    """Whatever has expired in it, it stays, and why is said; no day is promised."""
    write_log(log / "audit", {KEEP: lines})
    (log / "copy").hardlink_to(log / "audit" / KEEP)
    reason = segments(explain(log, KEEP, "--json"))[KEEP]["reason"]
    text = explain(log, KEEP).out
    assert text.splitlines()[-1] == f"  Stays: {reason}; all of it {end}"
    assert "it has 2 hard links" in reason
    assert "Goes as a whole" not in text


def test_a_reason_of_many_lines_is_told_once(log: Path) -> None:
    """Then three lines that have it, with what is of each of them only, and how many more there are."""
    write_log(log / "audit", {MIXED: OLD + b"torn\n" * 5 + b'{"a": 1\n'})
    assert (
        "    5 lines: it is no JSON object\n"
        f"      line 2, byte {len(OLD)} (byte 0 of the line)\n"
        f"      line 3, byte {len(OLD) + 5} (byte 0 of the line)\n"
        f"      line 4, byte {len(OLD) + 10} (byte 0 of the line)\n"
        "      and 2 more\n"
        f"    line 7, byte {len(OLD) + 25}: it is torn: "
    ) in explain(log, MIXED).out


@pytest.mark.parametrize(
    "words",
    [("nope.jsonl",), ("../schemas.yaml",), (f"./{MIXED}",), ("audit/nope.jsonl",), ("audit/",), ("one", "two")],
)
def test_a_segment_that_is_none_is_a_usage_error(log: Path, words: tuple[str, ...]) -> None:
    """Exit 2, with a sentence that names what was typed."""
    done = explain(log, *words, "--json")
    assert done.code == 2
    assert words[-1] in done.error


KEY = SchemaKey("app", 1)
NOON = FIRST_PLAUSIBLE + 100 * DAY + DAY // 2
RULES = Policy(star=Rule(retention=10 * DAY))


def count(**changes: Any) -> SchemaStats:
    known: dict[str, Any] = {"oldest": NOON - DAY, "newest": NOON, "expired": 1, "expired_bytes": 10, "future": 0}
    return SchemaStats(**{"schema": KEY, "records": 2, "bytes": 20, "implausible": 0, **known, **changes})


@pytest.mark.parametrize(
    ("changes", "since", "until"),
    [
        ({}, NOON + 9 * DAY, NOON + 10 * DAY),
        ({"expired": 0}, None, NOON + 10 * DAY),
        ({"implausible": 1}, NOON + 9 * DAY, None),
        ({"future": 1, "days": (DayStats(NOON // DAY, 1, 10), DayStats(NOON // DAY + 5, 1, 10))}, NOON + 9 * DAY, 16),
        ({"future": 1}, NOON + 9 * DAY, None),
    ],
)
def test_a_lifetime(changes: dict[str, Any], since: int | None, until: int | None) -> None:
    """From the oldest and the newest; of what is in the future the end of its day counts, if that is known."""
    end = (NOON // DAY + until) * DAY if until == 16 else until
    assert lifetime(count(**changes), RULES) == Lifetime(since, end)


@pytest.mark.parametrize(("unreadable", "schemas"), [(1, [count()]), (0, [count(), count(implausible=1)]), (0, [])])
def test_a_segment_with_something_that_stays_never_goes(unreadable: int, schemas: list[SchemaStats]) -> None:
    """Nor does one that has nothing but blank lines."""
    census = SegmentStats("s", Fingerprint(1, 2, 3, 4, 5), tuple(schemas), unreadable)
    assert fully_expired_at(census, RULES) is None
