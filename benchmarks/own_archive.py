"""Dry runs of the reader's own logs, and the mere reading of them. Opens them for reading only."""

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from asynclog.storage.naming import SegmentNaming
from benchmarks.engines import CLEANUP, OURS, reading
from benchmarks.results import Section
from benchmarks.sections import amount
from benchmarks.timing import BenchmarkError, Contestant, anything, in_turn

# What a rotated segment's name says about its log: MXCP's and logrotate's ways, and the log itself.
ROTATED = re.compile(r"(.+)-\d{8}(?:T\d{6}(?:-\d+)?)?(\.[A-Za-z]\w*)|(.+\.[A-Za-z]\w*)(?:\.\d+|-\d{8}(?:-\d{2,6})?)")
PLAIN = re.compile(r".+\.(?:jsonl|ndjson|log)")
POLICY = 'schemas:\n  - schema_name: "*"\n    retention_days: 90\n'


def find_logs(path: Path) -> list[Path]:
    """Return the base paths of the logs in a folder, or of the one that is named. Raise BenchmarkError without any."""
    if not path.is_dir():
        found = [path]
    else:
        bases = {base for entry in path.iterdir() if entry.is_file() for base in _base(entry.name)}
        # What looks like a log of its own may be another's late segment.
        own = {base for base in bases if not any(SegmentNaming(other).match(base) for other in bases - {base})}
        found = [path / base for base in sorted(own)]
    logs = [log for log in found if _segments(log)]
    if not logs:
        raise BenchmarkError(f"{path}: no segments of a log are there; name a log by its base path: folder/logs.jsonl")
    return logs


def _base(name: str) -> Iterator[str]:
    rotated = ROTATED.fullmatch(name.removesuffix(".gz").removesuffix(".zst"))
    if rotated:
        stem, suffix, whole = rotated.groups()
        yield whole or stem + suffix
    elif PLAIN.fullmatch(name) and not name.endswith("_schemas.jsonl"):
        yield name


def _segments(log: Path) -> list[Path]:
    """Return the files that asynclog reads, but for what it finds out by reading."""
    names = SegmentNaming(log.name)
    if not log.parent.is_dir():
        return []
    entries = [entry for entry in log.parent.iterdir() if names.match(entry.name)]
    return sorted(entry for entry in entries if _is_read(entry))


def _is_read(path: Path) -> bool:
    packed = path.name.endswith((".gz", ".zst"))
    return path.is_file() and not path.is_symlink() and not packed and path.stat().st_nlink == 1


def measure(log: Path, rounds: int) -> Section:
    """Time dry runs with 1, 2, 4 … jobs, up to the processors that there are, and `readinto` with as many threads."""
    segments = _segments(log)
    size = sum(path.stat().st_size for path in segments)
    processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="asynclog-bench-") as folder:
        options, notes = _options(log, Path(folder))
        contestants: list[Contestant] = []
        for jobs in sorted({1, *(1 << n for n in range(1, processors.bit_length())), processors}):
            command = (*CLEANUP, "--path", str(log.resolve()), "--dry-run", *options)
            contestants.append(Contestant(OURS, jobs, (*command, "--jobs", str(jobs)), size))
            # A log that is in use may grow meanwhile: how much was read is not looked at.
            contestants.append(replace(reading(segments, Path(folder) / "segments.txt", jobs), check=anything))
        title = f"{log}: dry run of {len(segments)} segments, {amount(size)}"
        return Section(str(log), title, OURS, in_turn(contestants, rounds), notes)


def _options(log: Path, folder: Path) -> tuple[list[str], tuple[str, ...]]:
    """Return the options of a dry run; it changes nothing, so a folder that others may write to is no danger."""
    registry = log.with_name(f"{SegmentNaming(log.name).stem}_schemas.jsonl")
    if registry.exists():
        return ["--allow-unsafe-folder"], ()
    policy = folder / "schemas.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    note = (
        f"{registry.name} is not beside the log: every schema was given 90 days, which makes no difference to the time"
    )
    return ["--allow-unsafe-folder", "--schemas", str(policy)], (note,)
