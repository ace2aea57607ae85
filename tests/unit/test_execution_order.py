"""Work is dealt out over the schemas' lanes: one huge schema does not starve the small ones."""

import threading
from pathlib import Path

import pytest
from one_run import run_once

from asynclog.storage.local.directory import LogDirectory

NOW = "2026-11-24T00:00:00Z"
DEADLINE = 20  # seconds, for a test that would otherwise hang


def line(schema: str, year: int) -> bytes:
    return b'{"schema_name": "%s", "timestamp": "%d-01-01T00:00:00Z"}\n' % (schema.encode(), year)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Twelve segments of the schema `huge`, which are older than the one segment of each of three small ones."""
    for day in range(1, 13):
        (tmp_path / f"logs-202001{day:02}.jsonl").write_bytes((line("huge", 2020) * 9 + line("huge", 2026)) * 50)
    for day, schema in enumerate(("a", "b", "c"), start=10):
        (tmp_path / f"logs-202002{day}.jsonl").write_bytes(line(schema, 2020) + line(schema, 2026))
    (tmp_path / "schemas.yaml").write_text('schemas: [{schema_name: "*", retention_days: 400}]')
    return str(tmp_path / "logs.jsonl")


def test_small_schemas_come_first_and_two_segments_at_once(
    log: str,
) -> None:
    """Seen at the disk: each of the first two replacements is begun before either is put in its place."""
    committed: list[str] = []
    meeting = threading.Barrier(2)
    first = threading.local()

    class Watched(LogDirectory):
        def sync(self, descriptor: int) -> None:
            if not hasattr(first, "met"):  # once for each worker
                first.met = meeting.wait(DEADLINE)
            super().sync(descriptor)

        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            committed.append(other)

    schemas = str(Path(log).parent / "schemas.yaml")
    # Nine of ten of the huge schema's records are old, and meant to go.
    report = run_once(directory=Watched, path=log, schemas=schemas, now=NOW, jobs=2, allow_delete_percent=90)
    assert report.result.deleted_per_schema == {"a:1": 1, "b:1": 1, "c:1": 1, "huge:1": 12 * 450}
    assert {"logs-20200210.jsonl", "logs-20200211.jsonl", "logs-20200212.jsonl"} <= set(committed[:6])
    assert len(committed) == 15
