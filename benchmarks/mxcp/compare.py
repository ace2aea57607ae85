"""Write each archive with MXCP's writer, clean up copies of it with both, and look at what is left."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.engines import ASYNCLOG, MEANT
from benchmarks.environments import Peer
from benchmarks.mxcp.cases import Case, Log
from benchmarks.mxcp.judge import Damage, damage, expired, lines
from benchmarks.timing import BenchmarkError, Contestant, time_one

WRITER = Path(__file__).parent / "in_mxcp.py"
PROFILE, NEIGHBOUR = "prod", "prod-eu"
SITE = """\
mxcp: 1
project: comparison
profile: prod
profiles:
  prod:
    audit: {enabled: true, path: audit/logs-prod.jsonl}
  prod-eu:
    audit: {enabled: true, path: audit/logs-prod-eu.jsonl}
"""
TORN = 40  # bytes that a crash cost


@dataclass(frozen=True)
class Job:
    """The records that a dry run announced, that the run said it had deleted, the damage; and seconds of each."""

    announced: int
    reported: int
    damage: Damage
    dry_run: float
    run: float


@dataclass(frozen=True)
class Comparison:
    """What both made of one archive, of which `to_go` records have expired."""

    title: str
    size: int
    records: int
    to_go: int
    mxcp: Job
    asynclog: Job


def compare(case: Case, peer: Peer, work: Path) -> Comparison:
    """Write the archive below `work`, and have copies of it cleaned up. Raise BenchmarkError.

    asynclog is told that the first night of an old log is meant (`--allow-delete-all`), and has to be right.
    """
    archive, now = work / "archive", datetime.now(UTC)
    _write(case, peer.python, archive, now)
    before = lines(archive / "audit")
    to_go = expired(_own(archive), case.log.definitions, now)
    commands = (
        (str(peer.python.with_name("mxcp")), "log-cleanup"),
        (ASYNCLOG, "log-cleanup", MEANT, "--state", str(work / "state")),
    )
    theirs, ours = (_job(command, archive, work / "project", before, to_go) for command in commands)
    if (ours.announced, ours.reported, ours.damage) != (len(to_go), len(to_go), Damage(0, 0)):
        raise BenchmarkError(f"{case.title}: asynclog should have deleted {len(to_go)} records: {ours}")
    size = sum(path.stat().st_size for path in (archive / "audit").iterdir())
    shutil.rmtree(archive)
    return Comparison(case.title, size, len(before), len(to_go), theirs, ours)


def _write(case: Case, python: Path, archive: Path, now: datetime) -> None:
    folder = archive / "audit"
    logs = [(PROFILE, case.log), *([(NEIGHBOUR, case.neighbour)] if case.neighbour else [])]
    request = [_request(log, folder / f"logs-{profile}.jsonl", now) for profile, log in logs]
    done = subprocess.run(
        [python, "-I", WRITER], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"MXCP's writer failed: {done.stderr.strip()[-500:]}")
    if case.log.torn:
        for path in sorted(folder.glob("logs-*T*.jsonl"), key=lambda path: path.stat().st_mtime_ns)[:-1]:
            path.write_bytes(path.read_bytes()[:-TORN])
    (archive / "mxcp-site.yml").write_text(SITE, encoding="utf-8")


def _request(log: Log, path: Path, now: datetime) -> dict[str, object]:
    segments = [
        [(record.schema, record.version, (now - timedelta(hours=record.age)).isoformat()) for record in segment]
        for segment in log.segments
    ]
    return {"log": str(path), "definitions": log.definitions, "segments": segments}


def _own(archive: Path) -> list[bytes]:
    """Return the lines of the log that is cleaned up, without those of its neighbour."""
    paths = (archive / "audit").glob(f"logs-{PROFILE}-2*.jsonl")
    return [line for path in paths for line in path.read_bytes().splitlines()]


def _job(command: Sequence[str], archive: Path, project: Path, before: list[bytes], to_go: set[bytes]) -> Job:
    """Run it on two fresh copies of the archive, dry and real, and judge what the latter left."""
    announced, dry_run = _run((*command, "--json", "--dry-run"), archive, project)
    reported, run = _run((*command, "--json"), archive, project)
    after = lines(project / "audit")
    shutil.rmtree(project)
    return Job(announced, reported, damage(before, to_go, after), dry_run, run)


def _run(command: Sequence[str], archive: Path, project: Path) -> tuple[int, float]:
    """Return how many records it says, and the seconds that it took, on a fresh copy with a home of its own."""
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(archive, project)
    home = project / "home"
    home.mkdir()
    said: list[bytes] = []
    there = ("/usr/bin/env", "-C", str(project), *command)
    variables = {"HOME": str(home), "MXCP_DISABLE_ANALYTICS": "1"}
    run = time_one(Contestant(Path(command[0]).name, 1, there, environment=variables, check=said.append))
    return sum(json.loads(said[0])["result"]["deleted_per_schema"].values()), run.wall
