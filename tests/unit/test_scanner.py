"""The scan as a stream: censuses as they come, exact for every cut, in memory that does not grow."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from asynclog.cancellation import StopRequest
from asynclog.errors import ConfigurationError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.executors.worker_pool import WorkerPool
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.records.fields import MXCP_FIELDS
from asynclog.records.kernel import Kind, choose_reader
from asynclog.scan.chunks import batch, chunk_size, split
from asynclog.scan.context import SCAN_OPTIONS, ScanContext, ScanOptions
from asynclog.scan.merging import Scanned
from asynclog.scan.scanner import Scanner
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Segment, UnreadSegment
from asynclog.statistics import SegmentStats
from asynclog.storage.local.reading.listing import list_segments
from asynclog.storage.local.reading.segment_reader import LocalReadStore
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import DAY

CUTOFFS = Cutoffs(
    Policy(by_name={"api": Rule(retention=30 * DAY)}), now=1_795_478_400_000_000_000
)  # 2026-11-24T00:00:00Z
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


@pytest.fixture(params=["native", "python"])
def kind(request: pytest.FixtureRequest) -> Kind:
    try:
        return choose_reader(request.param)
    except ConfigurationError as error:
        pytest.skip(str(error))


async def scan(
    folder: int, kind: Kind, jobs: int = 2, options: ScanOptions = SCAN_OPTIONS
) -> list[SegmentStats | UnreadSegment]:
    found = await read(folder, listed(folder), kind, jobs, options)
    return [each if isinstance(each, UnreadSegment) else each.stats[0] for each in found]


def listed(folder: int) -> list[Segment]:
    return list_segments(folder, os.listdir(folder), SegmentNaming("logs.jsonl"))


async def read(
    folder: int, segments: list[Segment], kind: Kind, jobs: int = 2, options: ScanOptions = SCAN_OPTIONS
) -> list[Scanned | UnreadSegment]:
    store = LocalReadStore(os.readlink(f"/proc/self/fd/{folder}"), folder)
    scanner = Scanner(ScanContext(store, CUTOFFS, kind, MXCP_FIELDS, options))
    async with scanner.scan(segments, WorkerPool(jobs, StopRequest()), mark=True) as found:
        return [each async for each in found]


async def test_a_small_segment_does_not_wait_for_a_huge_one(tmp_path: Path, folder: int, kind: Kind) -> None:
    """The huge one comes first in the folder, and last in the stream."""
    with (tmp_path / "logs-20260101.jsonl").open("wb") as file:
        file.truncate(2 << 30)
    for day in range(2, 5):
        (tmp_path / f"logs-2026010{day}.jsonl").write_bytes(NEW)
    order = [finding.segment for finding in await scan(folder, kind, jobs=1)]
    assert order[-1] == "logs-20260101.jsonl"
    assert len(order) == 4


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
async def test_a_census_does_not_depend_on_how_a_segment_is_cut_up(
    tmp_path: Path, folder: int, kind: Kind, size: int
) -> None:
    """Pieces of any size add up to the same census, tail without a newline and all."""
    (tmp_path / "logs.jsonl").write_bytes(OLD * 3 + b"\n \r\n" + NEW * 2 + b"torn{\n" + OLD.rstrip())
    (whole,) = await scan(folder, kind)
    assert await scan(folder, kind, jobs=3, options=ScanOptions(max_chunk=size)) == [whole]
    assert isinstance(whole, SegmentStats)
    assert (whole.records, whole.expired, whole.unreadable, whole.blank) == (6, 4, 1, 2)
    assert [(str(count.schema), count.records, count.expired_bytes) for count in whole.schemas] == [
        ("api:1", 4, 4 * len(OLD) - 1),
        ("api:2", 2, 0),
    ]


async def test_what_is_read_is_counted(tmp_path: Path, folder: int, kind: Kind) -> None:
    """For who shows progress; the Python reader works in other processes, and is counted as its chunks come in."""
    (tmp_path / "logs.jsonl").write_bytes(OLD * 1000)
    options, rate_limit = ScanOptions(max_chunk=100 * len(OLD), worth_processes=1), RateLimiter()
    context = ScanContext(LocalReadStore(str(tmp_path), folder), CUTOFFS, kind, MXCP_FIELDS, options)
    async with Scanner(context, rate_limit).scan(listed(folder), WorkerPool(2, StopRequest())) as found:
        assert len([each async for each in found]) == 1
    assert rate_limit.total_so_far() == 1000 * len(OLD)


async def test_a_segment_replaced_before_it_is_read_is_reported(tmp_path: Path, folder: int, kind: Kind) -> None:
    """The census is of the file that was listed, or there is none."""
    for name in ("logs.jsonl", "logs.jsonl.1"):
        (tmp_path / name).write_bytes(OLD)
    segments = listed(folder)
    (tmp_path / "logs.jsonl").write_bytes(NEW + NEW)
    (tmp_path / "logs.jsonl.1").unlink()
    reasons = {finding.segment: finding for finding in await read(folder, segments, kind)}
    assert reasons == {
        "logs.jsonl": UnreadSegment("logs.jsonl", segments[1].fingerprint, "it changed before it was read", "changed"),
        "logs.jsonl.1": UnreadSegment("logs.jsonl.1", segments[0].fingerprint, "it has vanished", "changed"),
    }


async def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path, folder: int, kind: Kind) -> None:
    """1.6 MB of records and three times as many take the same few megabytes."""
    peaks = []
    for count in (20_000, 60_000):
        (tmp_path / "logs.jsonl").write_bytes(NEW * count)
        tracemalloc.start()
        (census,) = await scan(folder, kind, jobs=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert isinstance(census, SegmentStats)
        assert census.schemas[0].records == count
    assert peaks[1] < peaks[0] * 1.1


async def test_the_python_reader_uses_processes_if_that_pays(tmp_path: Path, folder: int) -> None:
    """Threads and processes count the same, and remember the same places of expired lines."""
    (tmp_path / "logs.jsonl").write_bytes((OLD + NEW + b"torn\n") * 1000)
    (in_threads,) = await read(folder, listed(folder), "python")
    assert await read(folder, listed(folder), "python", options=ScanOptions(worth_processes=1)) == [in_threads]


async def test_expired_ranges_are_bounded_over_all_chunks(tmp_path: Path, folder: int, kind: Kind) -> None:
    """Each piece has few marks, all together have too many: none are kept, and the census is the same."""
    (tmp_path / "logs.jsonl").write_bytes((OLD + NEW) * 100)
    (whole,) = await read(folder, listed(folder), kind)
    assert isinstance(whole, Scanned)
    assert whole.expired is not None
    assert [stretch[:3] for stretch in whole.expired] == [(0, 100 * len(OLD + NEW), b"\x55" * 25)]
    little = ScanOptions(max_chunk=1000, marks=10 * whole.expired.size)
    assert await read(folder, listed(folder), kind, options=little) == [whole._replace(expired=None)]


async def test_rules_are_looked_up_for_each_version(tmp_path: Path, folder: int, kind: Kind) -> None:
    """A hundred versions of a name are a hundred schema keys, under the one rule of the name."""
    lines = [b'{"schema_name":"api","schema_version":%d,"timestamp":"2020-01-01T00:00:00Z"}\n' % n for n in range(100)]
    (tmp_path / "logs.jsonl").write_bytes(b"".join(lines))
    (census,) = await scan(folder, kind)
    assert isinstance(census, SegmentStats)
    assert [count.schema for count in census.schemas] == [SchemaKey("api", number) for number in range(100)]
    assert census.expired == 100


def test_small_segments_are_read_several_in_one_go() -> None:
    """In their order: no more than 64 at once, and no more than 8 MiB, but one that is larger."""
    sizes = [100] * 130 + [5 << 20, 5 << 20, 40 << 20, 100]
    segments = [Segment(str(number), Fingerprint(1, number, size, 3, 4)) for number, size in enumerate(sizes)]
    units = list(batch((chunk for segment in segments for chunk in split(segment, 64 << 20)), SCAN_OPTIONS))
    assert [piece.segment for unit in units for piece in unit] == segments
    assert [len(unit) for unit in units] == [64, 64, 3, 1, 1, 1]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [200 << 20, (300 << 20) + 1, 2 << 30])
def test_a_segment_is_shared_out_evenly(size: int, workers: int) -> None:
    """Each worker gets as many pieces as the others, of the same size but for a few bytes, none above 64 MiB."""
    segment = Segment("logs.jsonl", Fingerprint(1, 2, size, 3, 4))
    cut = split(segment, chunk_size(size, workers, SCAN_OPTIONS))
    sizes = [piece.end - piece.start for piece in cut]
    assert sum(sizes) == size
    assert len(sizes) % workers == 0
    assert max(sizes) <= 64 << 20
    assert max(sizes) - min(sizes) < len(sizes)


def test_no_piece_of_a_segment_is_shorter_than_the_others() -> None:
    """Also where other segments say how large pieces are: all of a short last one would have been read ahead."""
    segment = Segment("logs.jsonl", Fingerprint(1, 2, 74 << 20, 3, 4))
    cut = split(segment, 64 << 20)
    assert [(piece.start, piece.end) for piece in cut] == [(0, 37 << 20), (37 << 20, 74 << 20)]


def test_pieces_are_not_so_small_that_reading_ahead_joins_them() -> None:
    """Whether the last quarter of a piece is in memory has to tell of that piece."""
    assert chunk_size(30 << 20, 8, SCAN_OPTIONS) == 24 << 20
