"""Write a small audit log with its policy, hold it like another job, and compare it before and after."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOCK = ".logs.jsonl.al-lock"  # the lock file that a job leaves in the log's folder


def record(schema: str = "app", version: int | None = 1, days: float = 400, **more: Any) -> bytes:
    """Return a record line of that age at NOW; 400 days have expired under the rules of these tests, 1 day has not."""
    moment = datetime(2026, 11, 24, tzinfo=UTC) - timedelta(days=days)
    named = {"schema_name": schema} | ({} if version is None else {"schema_version": version})
    fields = named | {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} | more
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def of_many_schemas(many: int, start: int = 0) -> Iterator[bytes]:
    """Yield so many expired records, each of another schema."""
    before, after = record("?").split(b"?")
    return (b"%sschema%d%s" % (before, number, after) for number in range(start, start + many))


def write_log(folder: Path, segments: Mapping[str, bytes | Iterable[bytes]]) -> Path:
    """Write segments and an old lock file into a folder, created if need be; return the base path in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCK).touch(0o600)
    for name, lines in segments.items():
        (folder / name).write_bytes(lines if isinstance(lines, bytes) else b"".join(lines))
    return folder / "logs.jsonl"


def entries(folder: Path) -> list[Path]:
    """Return the files of a log's folder, except the lock file, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".al-lock")


@contextmanager
def held(folder: Path, base: str = "logs.jsonl") -> Iterator[int]:
    """Hold the flock on the log, as another job would, and yield its descriptor."""
    lock = os.open(folder / f".{base}.al-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def write_policy(folder: Path, *rules: str) -> Path:
    """Write a policy file of these rules (default: `schema_name: app, retention_days: 30`), and return its path."""
    file = folder / "schemas.yaml"
    lines = [f"  - {{{rule}}}\n" for rule in rules or ["schema_name: app, retention_days: 30"]]
    file.write_text("schemas:\n" + "".join(lines))
    return file


def looks(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return all that a job could change below a folder, itself included: inode, mode, owner, size, times, content.

    Leave out the lock file, which jobs may change.
    """
    found = {}
    for path in [folder, *sorted(path for path in folder.rglob("*") if path.suffix != ".al-lock")]:
        seen = path.lstat()
        owner = (seen.st_ino, seen.st_mode, seen.st_nlink, seen.st_uid, seen.st_gid)
        inside = None
        if path.is_symlink():
            inside = os.readlink(path).encode()
        elif path.is_file() and os.access(path, os.R_OK):
            inside = path.read_bytes()
        found[str(path.relative_to(folder))] = (*owner, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, inside)
    return found


def is_clean(folder: Path) -> bool:
    """Return whether the archive's one expired record is gone, and no other byte."""
    left = {path.name: path.read_bytes() for path in entries(folder / "audit")}
    return left == {"logs-20250101T000000.jsonl": record(days=1), "logs.jsonl": record(days=1)}
