"""Empty segments: which of them go, and how that is told."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, record, write_log, write_policy
from command import NOW, cleanup, run

from asynclog.plan.decide import removable
from asynclog.segments import Fingerprint, Segment
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import DAY, SECOND, parse_instant

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
A, B, C, D = (f"logs-2026010{day}T000000.jsonl" for day in range(1, 5))
LATE = "logs-late-00000001-0.jsonl"


def age(folder: Path, *names: str, hours: float = 2000) -> None:
    """Have these files last written to so many hours before NOW, or before the real clock where that is earlier."""
    now = min(parse_instant(NOW) or 0, time.time_ns())
    for name in names:
        moment = now - int(hours * 3600) * SECOND
        os.utime(folder / name, ns=(moment, moment))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log of three old empty segments, one that is full, and a newest that is empty, too."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {A: b"", B: YOUNG, C: b"", LATE: b"", D: b""})
    age(tmp_path / "audit", A, C, D, LATE)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in entries(folder / "audit")}


def test_old_empty_segments_go_and_are_told_by_themselves(folder: Path) -> None:
    """All but the newest; counted as dropped and as emptied, no record is deleted; the next night has nothing to do."""
    done = cleanup(folder)
    assert names(folder) == {B, D}
    segments = done.result["segments"]
    assert segments == {
        "total": 5, "dropped": 3, "rewritten": 0, "kept": 2, "skipped": 0, "failed": 0, "emptied": 3
    }  # fmt: skip
    assert {(each["action"], each["reason"], each["outcome"]) for each in done.result["actions"]} == {
        ("drop", "it is empty", "done")
    }
    assert (done.code, done.result["message"], done.result["records"]["deleted"]) == (0, "Deleted 0 records", 0)
    again = cleanup(folder).result
    assert (again["segments"]["emptied"], again["segments"]["kept"], again["recovery_pending"]) == (0, 2, [])


def test_text_tells_them_in_a_line_of_their_own(folder: Path) -> None:
    """In the conditional where nothing is done; one is one."""
    words = ("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
    assert "(would be: 3 dropped, 2 kept)\n3 empty segments would go\n" in run(*words, "-n", cwd=folder).out
    assert names(folder) == {A, B, C, D, LATE}
    (folder / "audit" / A).unlink()
    (folder / "audit" / C).unlink()
    assert "(1 dropped, 2 kept)\n1 empty segment went\n" in run(*words, cwd=folder).out


def test_explain_says_that_they_go(folder: Path) -> None:
    """And of the newest that it stays."""
    words = ("explain", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
    text = run(*words, cwd=folder).out
    assert f"{A} (0 bytes): drop: it is empty\n  The next cleanup deletes it\n" in text
    assert f"{D} (0 bytes): keep: it is empty\n" in text


def test_the_base_file_stays_and_is_the_newest(folder: Path) -> None:
    """Where there is one, the newest of the others goes with the rest."""
    write_log(folder / "audit", {"logs.jsonl": b""})
    age(folder / "audit", "logs.jsonl")
    cleanup(folder)
    assert names(folder) == {B, "logs.jsonl"}


@pytest.mark.parametrize(
    ("now", "written"),
    [
        ("2190-01-01T00:00:00Z", time.time_ns() - 3_600 * SECOND),
        ("2026-01-01T00:00:00Z", parse_instant("2025-12-31T00:00:00.000001Z")),
        ("2026-01-01T00:00:00Z", parse_instant("2026-06-01T00:00:00Z")),
    ],
    ids=["new by the real clock", "new by --now", "of the future"],
)
def test_a_day_has_passed_by_now_and_by_the_real_clock(folder: Path, now: str, written: int) -> None:
    """A `--now` in the future makes nothing old, nor does the real clock what was new then."""
    for name in (A, C, D, LATE):
        os.utime(folder / "audit" / name, ns=(written, written))
    done = run("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", now, "-n", cwd=folder)
    assert "empty" not in done.out


def test_a_day_to_the_nanosecond() -> None:
    """At 24 h it goes, a nanosecond before it stays: by the earlier one of the two clocks."""
    segments = [Segment(name, Fingerprint(1, 2, 0, 1000, 3)) for name in (A, B)]
    clocks = [(DAY + 1000, DAY + 5000), (DAY + 5000, DAY + 1000), (DAY + 999, 2 * DAY), (2 * DAY, DAY + 999)]
    assert [removable(segments, SegmentNaming("logs.jsonl"), *each) for each in clocks] == [{A}, {A}, set(), set()]


def test_what_is_no_plain_empty_segment_stays(folder: Path) -> None:
    """A linked one, a symbolic link to nothing, a compressed one that has a header, one with a blank line."""
    audit = folder / "audit"
    os.link(audit / A, audit / "other-name")
    (audit / C).unlink()
    (audit / C).symlink_to("nowhere")
    write_log(audit, {f"{B}.gz": gzip.compress(b""), "logs-20260102T000001.jsonl": b"\n"})
    age(audit, f"{B}.gz", "logs-20260102T000001.jsonl")
    cleanup(folder)
    assert names(folder) == {A, B, C, D, f"{B}.gz", "logs-20260102T000001.jsonl", "other-name"}


def test_one_that_somebody_has_open_stays(folder: Path) -> None:
    """Skipped as busy, no failure: what he writes later is still there."""
    with (folder / "audit" / A).open("ab", buffering=0) as writer:
        done = cleanup(folder)
        assert (done.code, done.actions[A]["outcome"]) == (0, "skipped")
        assert done.result["segments"]["emptied"] == 2
        writer.write(YOUNG)
    assert (folder / "audit" / A).read_bytes() == YOUNG


def test_a_plan_names_them_and_apply_removes_just_those(folder: Path) -> None:
    """One that was written to since the plan was made stays."""
    plan = folder / "plan.json"
    cleanup(folder, "-n", "--plan-out", str(plan))
    (folder / "audit" / C).write_bytes(YOUNG)
    words = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    done = run("apply", str(plan), *words, cwd=folder)
    assert done.code == 0
    assert done.result["segments"]["emptied"] == 2
    assert names(folder) == {B, C, D}


def test_guards_count_no_record_of_them(folder: Path) -> None:
    """Whatever the limit is, and however short a period: nothing of value goes."""
    write_policy(folder, "schema_name: app, retention_days: 3")
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles:\n  default:\n    audit: {path: audit/logs.jsonl, schemas: schemas.yaml}\n"
        "    guard: {max_delete_percent: 0, min_retention_days: 7}\n"
    )
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["segments"]["emptied"]) == (0, 3)


def test_they_go_beside_expired_segments(folder: Path) -> None:
    """Of one lane or none: full drops and rewrites first, and every schema is told as without them."""
    write_log(folder / "audit", {"logs-20250101T000000.jsonl": OLD, "logs-20250102T000000.jsonl": OLD + YOUNG})
    done = cleanup(folder)
    assert done.result["deleted_per_schema"] == {"app:1": 2}
    assert (done.result["segments"]["dropped"], done.result["segments"]["emptied"]) == (4, 3)
    assert names(folder) == {B, D, "logs-20250102T000000.jsonl"}
