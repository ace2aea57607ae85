"""A good neighbour: limits on time and on speed are kept, and the memory of other programs is left to them."""

from __future__ import annotations

import ctypes
import mmap
import os
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import entries, record, write_log, write_policy
from command import NOW, cleanup
from one_run import run_once_async

from asynclog.cancellation import StopRequest
from asynclog.executors.rate_limit import RateLimiter
from asynclog.scan.context import SCAN_OPTIONS, ScanOptions
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.segment_reader import LocalReader

if TYPE_CHECKING:
    from asynclog.report.cleanup.result import Report

LONG_AGO = 1_600_000_000  # seconds since 1970
OLD, YOUNG = record(days=400), record(days=1)
MiB = 1 << 20


async def clean(
    place: Path,
    *,
    dry_run: bool = False,
    max_runtime: str | None = None,
    jobs: int = 1,
    state: str = "state",
    scan_options: ScanOptions = SCAN_OPTIONS,
    **parts: Any,
) -> Report:
    return await run_once_async(
        **parts,
        scan_options=scan_options,
        path=str(place / "audit/logs.jsonl"),
        schemas=str(place / "schemas.yaml"),
        state=str(place / state),
        now=NOW,
        dry_run=dry_run,
        jobs=jobs,
        max_runtime=max_runtime,
    )


# ---- Time.


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """Three segments that go and three that are rewritten; the last of each has been overdue longest."""
    write_policy(tmp_path)
    goes = {f"logs-2025010{n}T000000.jsonl": record(days=400 + n) * 2 for n in (1, 2, 3)}
    shrinks = {f"logs-2025020{n}T000000.jsonl": record(days=500 + n) + YOUNG for n in (1, 2, 3)}
    write_log(tmp_path / "audit", goes | shrinks)
    for path in entries(tmp_path / "audit"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


class Watched(LogDirectory):
    """Notes in `done` the segments that are dropped or replaced, in their order."""

    done: list[str]

    def rename_noreplace(self, name: str, new: str) -> None:
        super().rename_noreplace(name, new)
        self.done.append(name)

    def rename_exchange(self, name: str, other: str) -> None:
        super().rename_exchange(name, other)
        self.done.append(other)


@pytest.fixture
def watched() -> type[Watched]:
    return type("Watched", (Watched,), {"done": []})


def names(*days: int) -> list[str]:
    return [f"logs-2025{day:04}T000000.jsonl" for day in days]


async def test_drops_come_first_and_what_has_been_overdue_longest(nights: Path, watched: type[Watched]) -> None:
    """Also where all rewrites have been overdue longer than any drop."""
    await clean(nights, directory=watched)
    assert watched.done == names(103, 102, 101, 203, 202, 201)


class Cut(StopRequest):
    """The time is up at the look after so many."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    @property
    def time_is_up(self) -> bool:
        self.looks -= 1
        return self.looks < 0


ONE_BY_ONE = ScanOptions(batch_chunks=1)  # there is a look before each segment


@pytest.mark.parametrize("looks", range(1, 12))
async def test_a_job_whose_time_is_up_leaves_the_rest_to_the_next(
    nights: Path, watched: type[Watched], looks: int
) -> None:
    """It begins no segment more, ends well, and says what is left; in the end all is done, in the same order."""
    report = await clean(nights, directory=watched, stop=Cut(looks), scan_options=ONE_BY_ONE)
    assert (report.exit_code, report.error, report.result.status) == (0, None, "success")
    assert report.result.stopped == "max-runtime"
    unread = [row.segment for row in report.result.actions if row.reason == "the job was stopped before it was read"]
    left = [row.segment for row in report.result.actions if row.outcome_reason == "the job was stopped first"]
    done = len(watched.done)
    assert done + len(unread) + len(left) == 6 or (unread and not done)
    assert report.result.records.deleted + sum(
        report.result.overdue.records.values()
    ) == report.result.records.scanned - (report.result.records.kept)
    assert report.result.segments.skipped == len(unread) + len(left)
    report = await clean(nights, directory=watched, scan_options=ONE_BY_ONE)
    assert (report.exit_code, report.result.stopped) == (0, None)
    assert watched.done == names(103, 102, 101, 203, 202, 201)


async def test_the_next_job_reads_only_what_was_left(nights: Path) -> None:
    """The catalog has what was read before the time was up."""
    report = await clean(nights, dry_run=True, stop=Cut(4), scan_options=ONE_BY_ONE)
    assert report.result.catalog
    read = report.result.catalog.misses
    assert 0 < read < 6
    assert (report.result.segments.skipped, report.result.stopped) == (6 - read, "max-runtime")
    report = await clean(nights, dry_run=True)
    assert report.result.catalog
    assert (report.result.catalog.hits, report.result.catalog.misses) == (read, 6 - read)


async def test_a_segment_that_was_begun_is_read_to_its_end(tmp_path: Path) -> None:
    """However many pieces it has: else a huge one would never be known."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs.jsonl": (OLD + YOUNG) * 50})
    in_pieces = ScanOptions(batch_chunks=1, max_chunk=1000)
    report = await clean(tmp_path, jobs=2, stop=Cut(2), scan_options=in_pieces)
    assert (report.result.records.scanned, report.result.stopped) == (100, "max-runtime")


def test_no_time_at_all_is_no_failure(nights: Path) -> None:
    """Nothing is read and nothing is touched; a time that is enough is not mentioned."""
    before = {path.name: path.stat().st_ctime_ns for path in entries(nights / "audit")}
    result = cleanup(nights, "--max-runtime", "0s", "--state", "state").result
    assert (result["stopped"], result["segments"]["skipped"], result["bytes"]["scanned"]) == ("max-runtime", 6, 0)
    assert {path.name: path.stat().st_ctime_ns for path in entries(nights / "audit")} == before
    done = cleanup(nights, "--max-runtime", "1h", "--state", "state")
    assert (done.code, done.result["stopped"], done.result["records"]["deleted"]) == (0, None, 9)


async def test_a_job_that_has_nothing_left_was_not_stopped(nights: Path) -> None:
    """Though its time was up just then."""
    await clean(nights)
    for path in entries(nights / "audit"):
        path.write_bytes(YOUNG)
    report = await clean(nights, stop=Cut(5), scan_options=ONE_BY_ONE)
    assert (report.result.stopped, report.result.segments.kept) == (None, 3)


# ---- Speed.


@pytest.fixture
def eight(tmp_path: Path) -> Path:
    """Make a log of 8 MiB in four segments, none of which has expired records."""
    write_policy(tmp_path)
    line = record(days=1, rest="x" * 900)
    segments = {f"logs-2026010{n}T000000.jsonl": line * (2 * MiB // len(line) + 1) for n in range(1, 5)}
    write_log(tmp_path / "audit", segments)
    return tmp_path


@pytest.mark.parametrize("reader", ["native", "python"])
async def test_no_more_is_read_in_a_second_than_was_said(
    eight: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8 MiB at 6 MB/s: by the workers together, be they threads or, as the exact reader's may be, processes."""
    monkeypatch.setenv("ASYNCLOG_READER", reader)
    begun = time.monotonic()
    report = await run_once_async(
        scan_options=ScanOptions(worth_processes=MiB),
        path=str(eight / "audit/logs.jsonl"),
        schemas=str(eight / "schemas.yaml"),
        dry_run=True,
        no_catalog=True,
        jobs=2,
        now=NOW,
        io_limit="6MB/s",
    )
    assert report.result.bytes.scanned >= 8 * MiB
    assert time.monotonic() - begun > 1.3


def test_what_is_written_counts_as_well() -> None:
    """All that share a rate wait together; who has waited for nothing may not catch up."""
    clock = [100.0]
    waits: list[float] = []
    rate_limit = RateLimiter(10.0, clock=lambda: clock[0], sleep=waits.append)
    for size in (10, 5, 20):
        rate_limit.acquire(size)
    clock[0] += 100
    rate_limit.acquire(1)
    assert waits == pytest.approx([1.0, 1.5, 3.5, 0.1])
    RateLimiter().acquire(10**12)
    rate_limit.split(2).acquire(10)
    assert waits[4:] == pytest.approx([2.0])


class Spent(RateLimiter):
    """Holds nobody, and notes what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def acquire(self, size: int) -> None:
        self.sizes.append(size)


async def test_a_rewrite_is_held_to_the_rate(tmp_path: Path) -> None:
    """What the scan reads, what is looked at for a chain, what a rewrite reads again and what it writes."""
    spent = Spent()
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs.jsonl": OLD * 50 + YOUNG * 50})
    await clean(tmp_path, rate_limiter=lambda _rate: spent)
    assert sum(spent.sizes) == (100 + 100 + 100 + 50) * len(OLD)


@pytest.mark.parametrize("word", ["fast", "10", "10MB", "0B/s", "-1MB/s", "1.5MB/s", "10 MB/s", "10mb/s", "10TB/s", ""])
def test_a_rate_that_is_none_is_told(archive: Path, word: str) -> None:
    """Exit 2, with words that may be said instead."""
    done = cleanup(archive, f"--io-limit={word}")
    assert (done.code, done.error) == (
        2,
        f"--io-limit {word!r}: write a rate such as 200MB/s (B, kB, MB, GB, KiB, MiB, GiB)",
    )


@pytest.mark.parametrize("word", ["soon", "10", "1.5h", "-1s", "10 m", "1w", ""])
def test_a_time_that_is_none_is_told(archive: Path, word: str) -> None:
    """Exit 2, with words that may be said instead."""
    done = cleanup(archive, f"--max-runtime={word}")
    assert done.code == 2
    assert done.error == f"--max-runtime {word!r}: write a number and its unit (s, m, h or d), such as 1h"


# ---- Memory.


def resident(file: Path) -> tuple[int, int]:
    """Return how many pages of a file are in memory, and how many it has."""
    size = file.stat().st_size
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), size, access=mmap.ACCESS_COPY) as view,
    ):
        seen = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
        start = (ctypes.c_char * size).from_buffer(view)
        failed = ctypes.CDLL(None).mincore(ctypes.byref(start), ctypes.c_size_t(size), seen)
        del start
    assert not failed
    return sum(page & 1 for page in seen), len(seen)


def forget(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def can_tell(file: Path) -> bool:
    """Whether this file system says what is in memory, and lets go of it. Nothing is read ahead for this."""
    forget(file)
    if resident(file)[0]:
        return False
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        try:
            os.preadv(opened.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
        except BlockingIOError:
            os.pread(opened.fileno(), 1, 0)  # a page that is still being read can't be let go of
        except OSError:
            return False
    return True


def asked_of_the_disk() -> int:
    """Return how many bytes this process has had to read so far."""
    return getrusage(RUSAGE_SELF).ru_inblock * 512


async def test_pages_that_the_scan_had_to_read_are_given_back(eight: Path) -> None:
    """Once all is read, and that once: also those of a segment in several pieces, of the newest one, and what was read
    ahead. Those that were there stay.

    The pieces are so large that what is read ahead (up to 16 MiB on fast disks) does not reach the last quarter of the
    next one.
    """
    files = sorted(entries(eight / "audit"))
    files[0].write_bytes(files[0].read_bytes() * 36)
    if not can_tell(files[0]):
        pytest.skip("the file system of temporary files does not tell what is in memory")
    size = sum(file.stat().st_size for file in files)
    for attempt in range(6):  # where single pages vanish by themselves, or code has to be read, it proves nothing
        for file in files:
            forget(file)
        before = asked_of_the_disk()
        files[1].read_bytes()
        await clean(eight, dry_run=True, state=f"state{attempt}", scan_options=ScanOptions(max_chunk=32 * MiB))
        read = asked_of_the_disk() - before
        left = [resident(file)[0] for file in files]
        there = resident(files[1])[1]
        assert left[3] < 8
        assert sum(left) - left[1] <= there / 10
        if left[1] == there and read < size * 1.02:
            break
    assert left[1] == there
    assert read < size * 1.02


def test_readahead_at_the_start_does_not_keep_the_page_cache(tmp_path: Path) -> None:
    """The last quarter tells, each time, for a fast disk may answer while it is asked. What was read behind the end
    stays for the next piece, and goes with that.
    """
    file = tmp_path / "file"
    file.write_bytes(b"x" * (4 * MiB))
    if not can_tell(file):
        pytest.skip("the file system of temporary files does not tell what is in memory")
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    for _ in range(50):
        forget(file)
        os.pread(descriptor, 320 * 4096, MiB)
        with LocalReader(descriptor).preserving_cache(MiB, 3 * MiB):
            os.pread(descriptor, 2 * MiB + 16 * 4096, MiB)
        assert 0 < resident(file)[0] <= 16
        with LocalReader(descriptor).preserving_cache(3 * MiB, 4 * MiB):
            os.pread(descriptor, MiB + 1, 3 * MiB - 1)
        assert resident(file)[0] == 0
    os.close(descriptor)
