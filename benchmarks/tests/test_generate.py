"""The archive generator: one seed is one archive, of the asked shape, and its counts are true."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.generate import SHORT, Spec, Summary, generate

ROOT = Path(__file__).resolve().parents[2]
Archive = tuple[Spec, Path, Summary]
UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
FULL = [
    *("schema_name", "schema_version", "record_id", "timestamp", "operation_type", "operation_name"),
    *("operation_status", "duration_ms", "caller_type", "user_id", "session_id", "trace_id", "input_data"),
    *("output_data", "error", "policies_evaluated", "policy_decision", "policy_reason", "business_context"),
    *("execution_events", "prev_hash", "record_hash", "signature"),
]


def segments(folder: Path) -> list[Path]:
    """Return the segments of the archive, oldest first."""
    return sorted(folder.glob("logs-2*.jsonl"))


def lines(folder: Path) -> list[str]:
    """All lines of the archive, without their newlines."""
    texts = [path.read_text(encoding="utf-8") for path in segments(folder)]
    assert all(text.endswith("\n") for text in texts)
    return [line for text in texts for line in text.removesuffix("\n").split("\n")]


def key(record: dict[str, Any]) -> str:
    """Return the schema key of a record."""
    return f"{record['schema_name']}:{record['schema_version']}"


@pytest.fixture(scope="module", params=[170, 860, 8192])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Make a small archive of each shape: its spec, its folder and what the generator said."""
    spec = Spec(size=2500 * request.param, record=request.param, segments=7, until=UNTIL)
    folder = tmp_path_factory.mktemp("archive")
    return spec, folder, generate(folder, spec)


def test_one_seed_is_one_archive(tmp_path: Path) -> None:
    """The same spec gives the same names and bytes, and another seed gives others."""
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, seed in zip(folders, (5, 5, 6), strict=True):
        generate(folder, Spec(size=200_000, segments=4, seed=seed))
    one, same, other = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == same
    assert len(one) == 5
    assert set(one.values()).isdisjoint(set(other.values()) - {one["logs_schemas.jsonl"]})


def test_lines_are_what_json_dumps_writes(archive: Archive) -> None:
    """Every line is byte for byte what MXCP's `json.dumps` makes of the record in it."""
    for line in lines(archive[1]):
        assert json.dumps(json.loads(line), ensure_ascii=False) == line


def test_shape(archive: Archive) -> None:
    """Records have MXCP's keys in its order, ids of their own, and times that end before `until`."""
    spec, folder, _ = archive
    records = [json.loads(line) for line in lines(folder)]
    kinds = {tuple(record) for record in records}
    if spec.record == 170:
        assert all([name for name in FULL if name in kind] == list(kind) for kind in kinds)
        assert all(set(SHORT) <= set(kind) for kind in kinds)
    else:
        assert kinds == {tuple(FULL)}
    assert len({record["record_id"] for record in records}) == len(records)
    times = [datetime.fromisoformat(record["timestamp"]) for record in records]
    assert UNTIL - timedelta(days=spec.days, seconds=1) <= min(times)
    assert max(times) < UNTIL
    assert any("." not in record["timestamp"] for record in records)


def test_traps(archive: Archive) -> None:
    """A few percent of the records have a `timestamp` and `schema_name` that are data, or foreign text."""
    found = lines(archive[1])
    trapped = [line for line in found if "timestamp" in json.loads(line).get("input_data", {})]
    foreign = [line for line in found if not line.isascii()]
    for some in (trapped, foreign):
        assert 0.02 < len(some) / len(found) < 0.08


def test_sizes(archive: Archive) -> None:
    """Records and archive are of about the asked size, in as many segments of about one size."""
    spec, folder, summary = archive
    sizes = [path.stat().st_size for path in segments(folder)]
    assert len(sizes) == spec.segments == summary.segments
    assert sum(sizes) == summary.bytes
    assert abs(sum(sizes) / spec.size - 1) < 0.02
    assert max(sizes) < 1.1 * min(sizes)
    assert abs(summary.bytes / summary.records / spec.record - 1) < 0.06


def test_segments_are_named_for_their_first_record(archive: Archive) -> None:
    """A segment's name is the time of its first record, to the second, as MXCP names it."""
    for path in segments(archive[1]):
        first = json.loads(path.read_bytes().split(b"\n")[0])["timestamp"]
        digits = first[:19].replace("-", "").replace(":", "")
        assert path.name == f"logs-{digits}.jsonl"


def test_counts_are_true(archive: Archive) -> None:
    """The summary is what json and plain datetime arithmetic find in the files and their registry."""
    _, folder, summary = archive
    rules = {}
    for line in (folder / "logs_schemas.jsonl").read_text().splitlines():
        rule = json.loads(line)
        rules[f"{rule['schema_name']}:{rule['version']}"] = rule["retention_days"]
    records = [json.loads(line) for line in lines(folder)]
    expired: Counter[str] = Counter()
    for record in records:
        days = rules.get(key(record))
        if days is not None and UNTIL - datetime.fromisoformat(record["timestamp"]) > timedelta(days=days):
            expired[key(record)] += 1
    assert summary.records == len(records)
    assert summary.records_per_schema == Counter(map(key, records))
    assert summary.expired_per_schema == expired
    assert set(summary.records_per_schema) - set(rules) == {"orphan:1"}
    assert rules["legal:1"] is None
    assert set(expired) == {"auth.events:1", "debug_logs:1", "mxcp.endpoints:1", "mxcp.endpoints:2"}


def test_the_command(tmp_path: Path) -> None:
    """The command prints its summary as one JSON line, and never writes over an archive."""
    command = [sys.executable, "benchmarks/generate.py", str(tmp_path / "archive"), "--size", "64KiB"]
    command += ["--record", "860", "--segments", "3", "--seed", "1", "--until", "2026-11-24T01:00:00+01:00"]
    first, again = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False) for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert json.loads(first.stdout) == vars(generate(tmp_path / "here", Spec(64 << 10, segments=3, until=UNTIL)))
    assert first.stdout.count("\n") == 1
    assert (again.returncode, again.stdout) == (2, "")
    assert "never written over" in again.stderr


@pytest.mark.parametrize("option", ["--size=0", "--size=1.5GiB", "--segments=0", "--until=2026-11-24T00:00:00"])
def test_bad_options(tmp_path: Path, option: str) -> None:
    """A size or number of nothing and a time without an offset are refused before anything is written."""
    command = [sys.executable, "benchmarks/generate.py", str(tmp_path / "archive"), option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert not (tmp_path / "archive").exists()
