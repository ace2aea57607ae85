"""Whether a contestant's answer is the right one. A time is worth nothing without that."""

import filecmp
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.generate import Summary, microseconds
from benchmarks.timing import BenchmarkError

Census = dict[str, tuple[int, int, int, int]]  # schema key: records, oldest, newest (microseconds since 1970), expired


def same_census(output: bytes, expected: Census) -> None:
    """Refuse a peer's census that is not this one, to the microsecond."""
    found = {
        key: (records, _microseconds(oldest), _microseconds(newest), expired)
        for key, (records, oldest, newest, expired) in json.loads(output).items()
    }
    if found != expected:
        raise BenchmarkError(f"its census is {found}, not {expected}")


def _microseconds(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def same_dry_run(output: bytes, expected: Summary) -> None:
    """Refuse a dry run of asynclog's that does not say what the generator counted while writing."""
    _same_counts(json.loads(output)["result"], "dry_run", expected)


def same_cleanup(output: bytes, expected: Summary, folder: Path, survivors: Path) -> None:
    """Refuse a cleanup that deletes anything else, leaves something for later, or other survivors than these."""
    result = json.loads(output)["result"]
    _same_counts(result, "success", expected)
    if result["overdue"]["records"] or result["recovery_pending"]:
        raise BenchmarkError(f"it left something for later: {result}")
    same_files(folder, survivors)


def _same_counts(result: dict[str, Any], status: str, expected: Summary) -> None:
    found = result["status"], result["records"]["scanned"], result["deleted_per_schema"]
    wanted = status, expected.records, expected.expired_per_schema
    if found != wanted:
        raise BenchmarkError(f"it says {found}, not {wanted}")


def same_files(folder: Path, survivors: Path) -> None:
    """Refuse folders whose segments are not the same, byte for byte."""
    names = sorted(path.name for path in survivors.iterdir())
    there = sorted(path.name for path in folder.glob("logs*.jsonl") if not path.name.endswith("_schemas.jsonl"))
    filecmp.clear_cache()
    _, different, missing = filecmp.cmpfiles(folder, survivors, names, shallow=False)
    if different or missing or there != names:
        raise BenchmarkError(f"other survivors in {folder}: {[*different, *missing] or there}")
