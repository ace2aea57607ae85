"""The scan as a stream: censuses as they come, exact for every cut, in memory that does not grow."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from asynclog.model import Census, Policy, Rule, SchemaKey, Unread
from asynclog.names import Names
from asynclog.scan import pieces
from asynclog.scan.scanner import censuses
from asynclog.scan.segments import list_segments
from asynclog.workers import Crew, Stop

POLICY = Policy(by_name={"api": Rule(30)})
NOW = 1_795_478_400_000_000_000  # 2026-11-24T00:00:00Z
OLD = b'{"schema_name": "api", "timestamp": "2020-01-01T00:00:00Z"}\n'
NEW = b'{"schema_name": "api", "schema_version": 2, "timestamp": "2026-11-23T00:00:00Z"}\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


async def scan(folder: int, jobs: int = 2) -> list[Census | Unread]:
    segments = list_segments(folder, Names("logs.jsonl"))
    async with censuses(folder, segments, POLICY, NOW, Crew(jobs, Stop())) as found:
        return [finding async for finding in found]


async def test_a_small_segment_is_yielded_while_a_huge_one_is_read(tmp_path: Path, folder: int) -> None:
    """The huge one comes first in the folder, and last in the stream."""
    with (tmp_path / "logs-20260101.jsonl").open("wb") as file:
        file.truncate(2 << 30)
    for day in range(2, 5):
        (tmp_path / f"logs-2026010{day}.jsonl").write_bytes(NEW)
    order = [finding.segment for finding in await scan(folder)]
    assert order[-1] == "logs-20260101.jsonl"
    assert len(order) == 4


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
async def test_a_census_does_not_depend_on_how_a_segment_is_cut_up(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Pieces of any size add up to the same census, tail without a newline and all."""
    (tmp_path / "logs.jsonl").write_bytes(OLD * 3 + b"\n \r\n" + NEW * 2 + b"torn{\n" + OLD.rstrip())
    (whole,) = await scan(folder)
    monkeypatch.setattr(pieces, "PIECE", size)
    assert await scan(folder, jobs=3) == [whole]
    assert isinstance(whole, Census)
    assert (whole.records, whole.expired, whole.unreadable, whole.blank) == (6, 4, 1, 2)
    assert [(str(count.schema), count.records, count.expired_bytes) for count in whole.schemas] == [
        ("api:1", 4, 4 * len(OLD) - 1),
        ("api:2", 2, 0),
    ]


async def test_a_segment_that_is_replaced_or_removed_before_it_is_read_is_told(tmp_path: Path, folder: int) -> None:
    """The census is of the file that was listed, or there is none."""
    for name in ("logs.jsonl", "logs.jsonl.1"):
        (tmp_path / name).write_bytes(OLD)
    segments = list_segments(folder, Names("logs.jsonl"))
    (tmp_path / "logs.jsonl").write_bytes(NEW + NEW)
    (tmp_path / "logs.jsonl.1").unlink()
    async with censuses(folder, segments, POLICY, NOW, Crew(1, Stop())) as found:
        reasons = {finding.segment: finding async for finding in found}
    assert reasons == {
        "logs.jsonl": Unread("logs.jsonl", segments[1].fingerprint, "it changed before it was read"),
        "logs.jsonl.1": Unread("logs.jsonl.1", segments[0].fingerprint, "it has vanished"),
    }


async def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path, folder: int) -> None:
    """16 MB of records and 1.6 MB of them take the same few megabytes."""
    peaks = []
    for count in (20_000, 200_000):
        (tmp_path / "logs.jsonl").write_bytes(NEW * count)
        tracemalloc.start()
        (census,) = await scan(folder, jobs=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert isinstance(census, Census)
        assert census.schemas[0].records == count
    assert peaks[1] < peaks[0] * 1.1


async def test_rules_are_looked_up_for_each_version(tmp_path: Path, folder: int) -> None:
    """A hundred versions of a name are a hundred schema keys, under the one rule of the name."""
    lines = [b'{"schema_name":"api","schema_version":%d,"timestamp":"2020-01-01T00:00:00Z"}\n' % n for n in range(100)]
    (tmp_path / "logs.jsonl").write_bytes(b"".join(lines))
    (census,) = await scan(folder)
    assert isinstance(census, Census)
    assert [count.schema for count in census.schemas] == [SchemaKey("api", number) for number in range(100)]
    assert census.expired == 100
