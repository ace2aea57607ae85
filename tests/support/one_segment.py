"""A log of one segment, half of which has expired, and one job on it, with a directory that a test may vary."""

import os
from pathlib import Path
from typing import Any

import pytest
from audit_log import entries
from one_run import run_once

from asynclog import Report
from asynclog.storage.local.directory import LogDirectory

NOW = "2026-11-24T00:00:00Z"
OLD = b'{"schema_name": "api", "timestamp": "2020-01-01T00:00:00Z"}\n'
NEW = b'{"schema_name": "api", "timestamp": "2026-11-23T00:00:00Z"}\n'
SEGMENT = "logs-20260101T000000.jsonl"
LATE = b'{"schema_name": "api", "timestamp": "2026-11-23T23:59:59Z"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "audit"
    folder.mkdir()
    (tmp_path / "schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
    (folder / SEGMENT).write_bytes(OLD + NEW)
    return folder


def cleanup(folder: Path, directory: type[LogDirectory] = LogDirectory, **options: Any) -> Report:
    """Run one job with one worker, whose calls to the disk go through this directory, and return its report."""
    log, schemas = str(folder / "logs.jsonl"), str(folder.parent / "schemas.yaml")
    return run_once(directory=directory, path=log, schemas=schemas, now=NOW, jobs=1, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in entries(folder)}


def fate(report: Report) -> tuple[str | None, str | None]:
    (row,) = report.result.actions
    return row.outcome, row.outcome_reason


def append(descriptor: int, line: bytes) -> None:
    """Append to a file by its inode, whether it has a name or not, and close it."""
    writer = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND)
    os.write(writer, line)
    os.close(writer)
