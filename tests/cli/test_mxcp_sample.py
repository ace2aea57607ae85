"""The archive that MXCP's own writer wrote: 3,000 records over 400 days, cleaned at the end of them."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, looks
from command import NOW, run

if TYPE_CHECKING:
    from command import Done

SAMPLE = Path(__file__).parents[1] / "support" / "data" / "mxcp-sample"
DELETED = {"auth.events:1": 43, "debug_logs:1": 920, "mxcp.endpoints:1": 8, "mxcp.endpoints:2": 983}
REGISTRY = "logs-default_schemas.jsonl"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Copy the sample with its times, and with a mode that is nobody's default."""
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    for segment in segments(copy):
        segment.chmod(0o640)
        os.utime(segment, ns=(1_700_000_000_123_456_789, 1_750_000_000_987_654_321))
    return copy


def segments(folder: Path) -> list[Path]:
    """Return the log's segments, oldest first."""
    return sorted((folder / "audit").glob("logs-default-*.jsonl"))


def clean(folder: Path, *words: str) -> Done:
    """Clean the sample at NOW, as mxcp-site.yml configures it. Two thirds expired long ago, and are meant to go."""
    return run("log-cleanup", "--now", NOW, "--json", "--allow-delete-percent", "67", *words, cwd=folder)


def survivors(segment: Path) -> list[bytes]:
    """Judge what has to stay of a segment, by the registry's retention_days and nothing else."""
    days = {}
    for rule in map(json.loads, (SAMPLE / "audit" / REGISTRY).read_text().splitlines()):
        days[rule["schema_name"], rule["version"]] = rule["retention_days"]
    stay = []
    for line in segment.read_bytes().splitlines(keepends=True):
        record = json.loads(line)
        kept_for = days.get((record["schema_name"], record["schema_version"]))
        age = datetime.fromisoformat(NOW) - datetime.fromisoformat(record["timestamp"])
        if kept_for is None or age <= timedelta(days=kept_for):
            stay.append(line)
    return stay


def test_the_dry_run_announces_what_the_run_deletes(sample: Path) -> None:
    """1,954 records by schema, one segment to drop, 16 to rewrite, one to keep; the run's numbers are the same."""
    before = looks(sample)
    dry = clean(sample, "--dry-run")
    assert looks(sample) == before
    assert (dry.code, dry.result["status"], dry.result["message"]) == (0, "dry_run", "Would delete 1954 records")
    real = clean(sample)
    assert (real.code, real.result["status"], real.result["message"]) == (0, "success", "Deleted 1954 records")
    for done in (dry.result, real.result):
        assert done["deleted_per_schema"] == DELETED
        assert done["records"] == {"scanned": 3000, "deleted": 1954, "kept": 1046}
        figures = {"total": 18, "dropped": 1, "rewritten": 16, "kept": 1, "skipped": 0, "failed": 0, "emptied": 0}
        assert done["segments"] == figures
    assert dry.result["bytes"]["freed"] == real.result["bytes"]["freed"]
    assert real.result["bytes"]["scanned"] < dry.result["bytes"]["scanned"], "what was read is known, but for what goes"
    sizes = [
        {
            key: action[key]
            for key in ("segment", "action", "reason", "deleted_per_schema", "bytes_before", "bytes_after")
        }
        for done in (dry, real)
        for action in done.result["actions"]
    ]
    assert sizes[: len(sizes) // 2] == sizes[len(sizes) // 2 :]


def test_what_stays_is_byte_identical_and_in_order(sample: Path) -> None:
    """Owner, mode and mtime are kept, the one segment without expired records is untouched, no file is left over."""
    before = {segment: (looks(segment)["."], segment.stat(), survivors(segment)) for segment in segments(sample)}
    done = clean(sample)
    untouched = []
    for segment, (look, seen, stay) in before.items():
        if not stay:
            assert not segment.exists()
            continue
        assert segment.read_bytes() == b"".join(stay)
        now = segment.stat()
        for kept in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_nlink"):
            assert getattr(now, kept) == getattr(seen, kept), kept
        if looks(segment)["."] == look:
            untouched.append(segment)
    assert len(untouched) == 1
    assert untouched[0].stat().st_size == before[untouched[0]][1].st_size
    names = {path.name for path in segments(sample)} | {REGISTRY}
    assert {path.name for path in entries(sample / "audit")} == names
    sizes = {name: action["bytes_after"] for name, action in done.actions.items() if action["action"] == "rewrite"}
    assert sizes == {path.name: path.stat().st_size for path in segments(sample) if path not in untouched}


def test_a_second_run_does_nothing_at_all(sample: Path) -> None:
    """No inode, mtime, ctime or byte changes, the folder's own times included."""
    clean(sample)
    before = looks(sample)
    done = clean(sample)
    assert (done.code, done.result["message"], done.result["actions"]) == (0, "Deleted 0 records", [])
    assert done.result["records"] == {"scanned": 1046, "deleted": 0, "kept": 1046}
    assert done.result["kept"]["no_policy"] == {"orphan:1": 52}
    assert looks(sample) == before
