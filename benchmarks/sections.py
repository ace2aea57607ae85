"""The comparisons, one function each: which archive, which contestants, in which order."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.archives import NOW, Archive, Shape, Store, drop_from_cache, in_python
from benchmarks.engines import (
    ASYNCLOG,
    NOT_PACKED,
    OURS,
    Cleanups,
    census,
    counting_lines,
    dry_run,
    layout_run,
    reading,
    unpacking,
)
from benchmarks.environments import Peer
from benchmarks.generate import registry
from benchmarks.layouts import LINES, Contents
from benchmarks.results import Entry, Section
from benchmarks.timing import Contestant, in_turn, nothing
from benchmarks.trial import same_job

RECORDS = (170, 860, 8192)
USUAL = 860  # bytes of a record where nothing else is said
HUGE = Shape(USUAL, 20 << 30, segments=1)
THREADS = (1, 2)
KNOWN = Shape(170, 8 << 20, segments=1000)
PYTHON, IDLE = "python -c pass", "asynclog cleanup, nothing to do"
CHECK, ESTIMATE = "asynclog check, 1,000 known segments", "asynclog estimate, the same"
QUIET = "asynclog cleanup, the same, nothing has expired"


@dataclass(frozen=True)
class Course:
    """Shared by all comparisons: the archives, the peers that are there, the size, and how many rounds are timed."""

    store: Store
    peers: tuple[Peer, ...]
    size: int
    rounds: int

    @property
    def duckdb(self) -> tuple[Peer, ...]:
        return tuple(peer for peer in self.peers if peer.package == "duckdb")

    def listing(self, archive: Archive) -> Path:
        """Where the names of its segments are written for `readinto`."""
        return archive.folder / "segments.txt"


def amount(size: int) -> str:
    """Return a size as people write it: 64 MiB, 2 GiB."""
    unit, name = next(
        ((unit, name) for unit, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if size >> unit), (0, "B")
    )
    value = size / (1 << unit)
    return f"{value:.3g} {name}" if value < 1000 else f"{value:.0f} {name}"


def dry_runs(course: Course, record: int) -> Section:
    """Everybody's census of one archive that is in the page cache, and the reading alone."""
    archive = course.store.archive(Shape(record, course.size))
    contestants: list[Contestant] = []
    for threads in THREADS:
        contestants.append(dry_run(archive, threads))
        contestants += [census(peer, archive, threads) for peer in course.peers]
        contestants.append(reading(archive.segments, course.listing(archive), threads))
        if record == USUAL:
            contestants.append(dry_run(archive, threads, "python"))
    title = f"Dry run, {record}-byte records, {amount(course.size)}, in the page cache"
    return Section(f"dry run, {record}", title, OURS, in_turn(contestants, course.rounds))


def cold(course: Course) -> Section:
    """Compare the same with DuckDB only, the archive dropped from the page cache before each run."""
    return _against_duckdb(course, Shape(USUAL, course.size), "cold", ", not in the page cache", cold=True)


def cleanups(course: Course) -> Section:
    """Compare the whole job, from reading to the last fsync."""

    def contestants(work: Cleanups, threads: int) -> list[Contestant]:
        peers = [rival(peer, threads) for peer in course.duckdb for rival in (work.peer, work.on_trust)]
        return [work.asynclog(threads), *peers, work.copying(threads)]

    for peer in course.duckdb:
        same_job(peer, course.store.folder / "trial")

    title = f"Cleanup with fsync, {USUAL}-byte records, {amount(course.size)}"
    return Section("cleanup", title, OURS, _cleaned(course, course.size, contestants))


def readers(course: Course) -> Section:
    """Compare the same by each reader, with and without `--double-check`, on less."""

    def contestants(work: Cleanups, threads: int) -> list[Contestant]:
        return [
            work.asynclog(threads, reader, double_check=double_check)
            for reader in ("native", "python")
            for double_check in (False, True)
        ]

    size = growth_sizes(course)[1]
    title = f"Cleanup with fsync by each reader, {USUAL}-byte records, {amount(size)}"
    return Section("readers", title, OURS, _cleaned(course, size, contestants))


def _cleaned(course: Course, size: int, contestants: Callable[[Cleanups, int], list[Contestant]]) -> tuple[Entry, ...]:
    work = Cleanups(course.store.archive(Shape(USUAL, size)))
    try:
        return in_turn([each for threads in THREADS for each in contestants(work, threads)], course.rounds)
    finally:
        work.remove()


def growth_sizes(course: Course) -> tuple[int, int, int]:
    """64 MiB, 512 MiB and 4 GiB, where the size is 2 GiB."""
    return course.size // 32, course.size // 4, course.size * 2


def growth(course: Course) -> Section:
    """Compare dry runs over archives of three sizes: time per byte and memory should be the same."""
    archives = [course.store.archive(Shape(USUAL, size)) for size in growth_sizes(course)]
    contestants = [dry_run(archive, jobs) for jobs in THREADS for archive in archives]
    names = [f"{OURS}, {amount(size)}" for size in growth_sizes(course)] * len(THREADS)
    entries = tuple(
        Entry(name, entry.threads, entry.size, entry.runs)
        for name, entry in zip(names, in_turn(contestants, course.rounds), strict=True)
    )
    return Section("growth", f"Growth of a dry run, {USUAL}-byte records, in the page cache", names[1], entries)


def many(course: Course) -> Section:
    """Segments of a mebibyte, as logs have them that are rotated early."""
    count = course.size >> 20
    return _against_duckdb(course, Shape(USUAL, course.size, count), "many segments", f" in {count:,} segments")


def huge(course: Course) -> Section:
    """One segment that few page caches hold."""
    return _against_duckdb(course, HUGE, "huge", " in one segment")


def _against_duckdb(course: Course, shape: Shape, what: str, where: str, *, cold: bool = False) -> Section:
    archive = course.store.archive(shape)
    prepare = partial(drop_from_cache, archive.folder) if cold else nothing
    contestants: list[Contestant] = []
    for threads in THREADS:
        contestants.append(dry_run(archive, threads, prepare=prepare))
        contestants += [census(peer, archive, threads, prepare) for peer in course.duckdb]
        contestants.append(reading(archive.segments, course.listing(archive), threads, prepare))
    title = f"Dry run, {USUAL}-byte records, {amount(shape.size)}{where}"
    return Section(what, title, OURS, in_turn(contestants, course.rounds))


def compressed(course: Course, suffix: str) -> Section:
    """Compare dry runs of compressed segments with the mere unpacking of them, and with those of their lines.

    With one job a second thread unpacks ahead, so that it may use two processors where they are free.
    """
    packed, lines = map(course.store.archive, _compressed(course, suffix))
    contestants = [counting_lines(packed, suffix)]
    for threads in THREADS:
        contestants.append(dry_run(packed, threads))
        contestants.append(replace(dry_run(lines, threads), name=NOT_PACKED))
        contestants += [census(peer, packed, threads) for peer in course.duckdb]
        contestants.append(unpacking(packed, course.listing(packed), threads))
    size = amount(packed.summary.bytes)
    title = f"Dry run of {suffix} segments, {USUAL}-byte records, {size} unpacked, in the page cache"
    return Section(f"compressed, {suffix}", title, OURS, in_turn(contestants, course.rounds))


def _compressed(course: Course, suffix: str) -> tuple[Shape, Shape]:
    """Return the archive, and the one of the same lines; large enough that start-up is little of it."""
    size = course.size // 2
    return Shape(USUAL, size, packed=suffix), Shape(USUAL, size)


def layouts(course: Course) -> Section:
    """Compare dry runs of other products' lines with MXCP's, all of one size."""
    folder, size = course.store.folder / "layouts", course.size // 8
    shutil.rmtree(folder, ignore_errors=True)
    try:
        found = {each: in_python("benchmarks.layouts", folder / each, each, size, USUAL) for each in LINES}
        contents = {each: Contents(**json.loads(said)) for each, said in found.items()}
        contestants = [
            layout_run(folder / each, each, known, threads) for threads in THREADS for each, known in contents.items()
        ]
        title = f"Dry run of each layout, {USUAL}-byte records, {amount(size)}, in the page cache"
        return Section("layouts", title, contestants[0].name, in_turn(contestants, course.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_up(course: Course) -> Section:
    """Measure what is always there, however little there is to do."""
    folder = course.store.folder / "start-up"
    idle = folder / "idle/logs.jsonl"
    idle.parent.mkdir(parents=True, exist_ok=True)
    idle.with_name("logs_schemas.jsonl").write_bytes(registry())
    (folder / "forever.yaml").write_text('schemas: [{schema_name: "*", retention_days: 36500}]\n')
    state = ("--json", "--state", str(folder / "state"))
    known = ("--path", str(course.store.archive(KNOWN).log), *state)
    commands = {
        PYTHON: (sys.executable, "-c", "pass"),
        "asynclog --version": (ASYNCLOG, "--version"),
        "asynclog --help": (ASYNCLOG, "--help"),
        IDLE: (ASYNCLOG, "cleanup", "--path", str(idle), *state),
        CHECK: (ASYNCLOG, "check", *known),  # from the warm-up on they are known
        ESTIMATE: (ASYNCLOG, "estimate", *known, "--now", NOW),
        QUIET: (ASYNCLOG, "cleanup", *known, "--now", NOW, "--schemas", str(folder / "forever.yaml")),
    }
    contestants = [Contestant(name, 1, command) for name, command in commands.items()]
    try:
        return Section("start-up", "Start-up", PYTHON, in_turn(contestants, course.rounds * 4))
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Comparison:
    """One of them, the archives that it needs, and how many bytes it writes beside them."""

    what: str
    archives: tuple[Shape, ...]
    scratch: int
    measure: Callable[[], Section]

    def needs(self, store: Store) -> int:
        """Bytes that it will write."""
        return self.scratch + sum(shape.size for shape in self.archives if not store.has(shape))


def comparisons(course: Course) -> list[Comparison]:
    """All of them, in the order in which they run and are shown."""
    size, usual = course.size, Shape(USUAL, course.size)
    grown = tuple(Shape(USUAL, each) for each in growth_sizes(course))
    return [
        *(
            Comparison(f"dry run, {record}", (Shape(record, size),), 0, partial(dry_runs, course, record))
            for record in RECORDS
        ),
        Comparison("cold", (usual,), 0, partial(cold, course)),
        Comparison("cleanup", (usual,), 2 * size, partial(cleanups, course)),
        Comparison("readers", grown[1:2], 2 * grown[1].size, partial(readers, course)),
        Comparison("growth", grown, 0, partial(growth, course)),
        Comparison("many segments", (Shape(USUAL, size, size >> 20),), 0, partial(many, course)),
        *(
            Comparison(f"compressed, {suffix}", _compressed(course, suffix), 0, partial(compressed, course, suffix))
            for suffix in (".gz", ".zst")
        ),
        Comparison("layouts", (), len(LINES) * size // 8, partial(layouts, course)),
        Comparison("start-up", (KNOWN,), 0, partial(start_up, course)),
        Comparison("huge", (HUGE,), 0, partial(huge, course)),
    ]
