"""The library: the same job from Python, and the stream of a log's records."""

from pathlib import Path

import pytest

import asynclog

NOW = "2026-11-24T00:00:00Z"
OLD = b'{"schema_name": "api", "timestamp": "2020-01-01T00:00:00Z", "user": "\xc3\xa9"}\r\n'
NEW = b'{"schema_name": "api", "schema_version": 2, "timestamp": "2026-11-23T00:00:00+01:00"}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "logs-20200101.jsonl").write_bytes(b"\n" + OLD + b"torn\n" + OLD)
    (tmp_path / "logs.jsonl").write_bytes(OLD + NEW)
    (tmp_path / "logs_schemas.jsonl").write_bytes(b'{"schema_name": "api", "retention_days": 30}\n')
    return str(tmp_path / "logs.jsonl")


async def test_a_cleanup_answers_with_its_report(log: str) -> None:
    """A dry run first, then the run: the same figures, and only then a change."""
    dry = await asynclog.cleanup(path=log, now=NOW, dry_run=True)
    assert dry.document()["result"]["deleted_per_schema"] == {"api:1": 3}
    assert Path(log).read_bytes() == OLD + NEW
    report = await asynclog.cleanup(path=log, now=NOW)
    assert report.result.deleted_per_schema == dry.result.deleted_per_schema
    assert (report.exit_code, report.result.bytes.freed) == (0, 3 * len(OLD))
    assert Path(log).read_bytes() == NEW


async def test_a_plan_is_data(log: str) -> None:
    """One action per segment, with its reason and its fingerprint; two plans of one state are equal."""
    plan = await asynclog.plan(path=log, now=NOW)
    assert [(action.segment, action.kind, action.reason) for action in plan.actions] == [
        ("logs-20200101.jsonl", "rewrite", "2 of 2 records have expired"),
        ("logs.jsonl", "rewrite", "1 of 2 records has expired"),
    ]
    assert plan.actions[1].fingerprint.size == len(OLD + NEW)
    assert plan == await asynclog.plan(path=log, now=NOW)


async def test_records_come_as_a_stream(log: str) -> None:
    """Every record with its place, its schema, its instant and its bytes; other lines are passed over."""
    found = [record async for record in asynclog.records(log)]
    assert [(record.segment, record.offset, str(record.schema)) for record in found] == [
        ("logs-20200101.jsonl", 1, "api:1"),
        ("logs-20200101.jsonl", 6 + len(OLD), "api:1"),
        ("logs.jsonl", 0, "api:1"),
        ("logs.jsonl", len(OLD), "api:2"),
    ]
    assert [record.line for record in found] == [OLD, OLD, OLD, NEW]
    assert found[-1].timestamp == 1_795_388_400_000_000_000


async def test_a_fatal_error_is_an_exception_with_an_exit_code(tmp_path: Path) -> None:
    """A folder that is not there, named by hand, is a mistake; so is a word that means nothing."""
    with pytest.raises(asynclog.ConfigurationError, match="there is no such folder") as missing:
        await asynclog.cleanup(path=str(tmp_path / "none" / "logs.jsonl"))
    assert missing.value.exit_code == 2
    with pytest.raises(asynclog.ConfigurationError, match="--now 'yesterday'"):
        await asynclog.plan(path=str(tmp_path / "logs.jsonl"), now="yesterday")
