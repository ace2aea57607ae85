"""`--max-overdue`: what expired too long ago and is still there makes a run partial."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup
from one_run import run_once_async

from asynclog.actions import Action, Plan
from asynclog.policy.rules import Policy, Rule
from asynclog.report.cleanup.overdue_limit import overdue_errors
from asynclog.report.cleanup.schema_totals import schema_totals
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import SchemaStats, SegmentStats
from asynclog.timestamps import DAY

NAME = "logs-20250101T000000.jsonl"


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """Make a folder with a log whose record, of a schema that is kept for 30 days, expired exactly 370 days ago."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {NAME: record(days=400) + record(days=1)})
    return tmp_path


@pytest.mark.parametrize(("longest", "code"), [("370d", 0), ("8881h", 0), ("8879h", 3), ("369d", 3), ("0s", 3)])
def test_what_expired_longer_ago_is_exit_3(busy: Path, longest: str, code: int) -> None:
    """It counts from the moment when the record expired, not from its timestamp, and exactly as long is not longer."""
    with (busy / "audit" / NAME).open("ab"):
        done = cleanup(busy, "--max-overdue", longest)
    assert (done.code, done.result["status"]) == (code, "partial" if code else "success")
    if code:
        assert "app:1 since 2025-11-19T00:00:00Z" in done.document["error"]
        assert done.result["errors"] == [done.document["error"]]
    assert done.result["overdue"] == {"records": {"app:1": 1}, "oldest": "2025-10-20T00:00:00Z"}


def test_what_is_deleted_is_not_overdue(busy: Path) -> None:
    """Neither in the run nor in the dry run, which counts what would still be there."""
    for words in (["-n"], []):
        done = cleanup(busy, "--max-overdue", "1d", *words)
        assert (done.code, done.result["overdue"]["records"]) == (0, {})


def test_each_schema_counts_by_its_own_rule(tmp_path: Path) -> None:
    """The first to have expired is named first, though another has the oldest record."""
    write_policy(tmp_path, "schema_name: short, retention_days: 10", "schema_name: long, retention_days: 300")
    write_log(tmp_path / "audit", {NAME: [record("long", days=301), record("short", days=20), record("none")]})
    with (tmp_path / "audit" / NAME).open("ab"):
        both, one = (cleanup(tmp_path, "--max-overdue", longest) for longest in ("0s", "5d"))
    assert "short:1 since 2026-11-14T00:00:00Z, long:1 since 2026-11-23T00:00:00Z" in both.document["error"]
    assert "long:1" not in one.document["error"]


def test_a_failure_keeps_its_sentence_beside_it(busy: Path) -> None:
    """Both are told, and the code is the same."""
    write_log(busy / "audit", {"logs-20250102T000000.jsonl": record(days=400)})
    failed = busy / "audit/logs-20250102T000000.jsonl"
    failed.chmod(0)
    with (busy / "audit" / NAME).open("ab"):
        done = cleanup(busy, "--max-overdue", "7d", before=NO_OVERRIDE)
    assert done.code == 3
    assert "app:1 since" in done.document["error"]
    assert failed.name in done.document["error"]


@pytest.mark.parametrize("bad", ["", "soon", "7", "-1d", "1w", "1.5d"])
def test_a_duration_that_means_nothing_is_a_usage_error(busy: Path, bad: str) -> None:
    """It is written as for --lock-wait."""
    done = cleanup(busy, f"--max-overdue={bad}")
    assert (done.code, "--max-overdue" in done.error) == (2, True)


async def test_the_library_has_it_as_well(busy: Path) -> None:
    """The report is partial, with its exit code and its sentence."""
    with (busy / "audit" / NAME).open("ab"):
        report = await run_once_async(
            path=str(busy / "audit/logs.jsonl"), schemas=str(busy / "schemas.yaml"), now=NOW, max_overdue="7d"
        )
    assert (report.exit_code, report.result.status) == (3, "partial")


def test_a_dry_run_counts_what_the_plan_would_leave() -> None:
    """Whatever the plan's reason is."""
    key = SchemaKey("app", 1)
    count = SchemaStats(key, 5, 500, 100 * DAY, 150 * DAY, 3, 300, 1, 0)
    fingerprint = Fingerprint(1, 1, 500, 0, 0)
    kept, gone = (
        Action(kind, kind, "", fingerprint, SegmentStats(kind, fingerprint, (count,))) for kind in ("keep", "rewrite")
    )
    found = schema_totals(Plan(200 * DAY, (kept, gone)), None, Policy(exact={key: Rule(retention=30 * DAY)}))[key]
    assert (found.deleted, found.overdue, found.kept) == (3, 3, 4)
    assert (found.deleted_bytes, found.overdue_bytes, found.kept_bytes) == (300, 300, 400)
    assert (found.oldest, found.since) == (100 * DAY, 130 * DAY)
    assert overdue_errors({key: found}, 200 * DAY, 70 * 86_400) == []
    assert overdue_errors({key: found}, 200 * DAY + 1, 70 * 86_400) != []


def test_the_sentence_stays_short() -> None:
    """Three schemas are named; the rest are counted, and stand in the document."""
    counts = tuple(SchemaStats(SchemaKey("app", n), 1, 1, 0, 0, 1, 1, 0, 0) for n in range(5))
    fingerprint = Fingerprint(1, 1, 1, 0, 0)
    plan = Plan(100 * DAY, (Action("a", "skip", "", fingerprint, SegmentStats("a", fingerprint, counts)),))
    (sentence,) = overdue_errors(schema_totals(plan, None, Policy(star=Rule(retention=1 * DAY))), plan.now, 0)
    assert sentence.count(" since ") == 3
    assert sentence.endswith("and 2 more schemas")
