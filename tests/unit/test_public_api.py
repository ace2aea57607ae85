"""The library: the same job from Python, and the stream of a log's records."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from anyio import create_task_group, fail_after, to_thread
from command import until

import asynclog
from asynclog.config.python_options import settings_from

NOW = datetime(2026, 11, 24, tzinfo=UTC)
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
    plan = await asynclog.plan_cleanup(path=log, now=NOW)
    assert [(action.segment, action.kind, action.reason) for action in plan.actions] == [
        ("logs-20200101.jsonl", "rewrite", "2 of 2 records have expired"),
        ("logs.jsonl", "rewrite", "1 of 2 records has expired"),
    ]
    assert plan.actions[1].fingerprint.size == len(OLD + NEW)
    assert plan == await asynclog.plan_cleanup(path=log, now=NOW)


async def test_records_come_as_a_stream(log: str) -> None:
    """Every record with its place, its schema, its instant and its bytes; other lines are passed over."""
    found = [record async for record in asynclog.read_records(log)]
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
    path = tmp_path / "logs.jsonl"
    with pytest.raises(asynclog.ConfigurationError, match="now=2026-11-24T00:00:00: name its time zone"):
        await asynclog.plan_cleanup(path=path, now=NOW.replace(tzinfo=None))
    with pytest.raises(asynclog.ConfigurationError, match="lock_wait=-1 day, 0:00:00: a duration is not negative"):
        await asynclog.cleanup(path=path, lock_wait=timedelta(days=-1))
    with pytest.raises(asynclog.ConfigurationError, match="io_limit=0: write a number of bytes a second"):
        await asynclog.cleanup(path=path, io_limit=0)


async def test_a_caller_who_is_cancelled_waits_for_what_is_in_flight(log: str) -> None:
    """The run is asked to stop, and has come to its end when the caller goes on: its lock is free again."""
    path, lock = Path(log), Path(log).with_name(".logs.jsonl.al-lock")
    path.write_bytes(OLD * 5_000)
    run = partial(asynclog.cleanup, path=path, now=NOW, no_catalog=True, io_limit=1_000_000, allow_delete_all=True)
    with fail_after(60):
        async with create_task_group() as group:
            group.start_soon(run)
            await to_thread.run_sync(until, lambda: lock.exists() and lock.stat().st_size)
            group.cancel_scope.cancel()
        assert lock.read_bytes() == b""
    assert path.read_bytes() == OLD * 5_000


def test_an_instant_is_exact_to_the_microsecond() -> None:
    """Whatever its time zone."""
    moment = datetime(2026, 11, 24, 1, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    assert settings_from({"path": "logs.jsonl", "now": moment}, {}).now == 1_795_478_400_000_001_000
