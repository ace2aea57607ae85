"""The catalog: what was read once is not read again, unless it has changed; whatever is wrong with it is no harm."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from audit_log import entries as files_in
from audit_log import is_clean, looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup, run
from one_run import run_once_async

from asynclog.catalog import store
from asynclog.catalog.entry import Entry, pack, unpack
from asynclog.config.resolve import resolve
from asynclog.errors import ConfigurationError
from asynclog.report.cleanup.result import CatalogStats, Report
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import SchemaStats, SegmentStats
from asynclog.storage.local.directory import LogDirectory
from examples import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from asynclog.config.settings import Options

EDGE = 1 << 16  # bytes, by whose hash a segment that has grown is known
LONG_AGO = 1_600_000_000  # seconds since 1970
OLD, YOUNG = record(days=400), record(days=1)
FIRST, SECOND = "logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl"
DAY_LATER = "2026-11-25T00:00:00Z"


class Log:
    """A log in a folder with its policy and a state folder beside it, and jobs on it in this process."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "audit"
        self.state = place / "state"
        write_policy(place)
        self.folder.mkdir()

    def write(self, **segments: bytes) -> None:
        """Write segments, which nobody has changed for a long time."""
        names = {"first": FIRST, "second": SECOND, "base": "logs.jsonl"}
        for name, content in segments.items():
            (self.folder / names[name]).write_bytes(content)
        self.settle()

    def append(self, name: str, content: bytes) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(content)
        self.settle()

    def settle(self) -> None:
        for path in files_in(self.folder):
            if path.stat().st_mtime > LONG_AGO + 10_000:
                os.utime(path, (LONG_AGO, LONG_AGO + path.stat().st_size))

    @property
    def file(self) -> Path:
        """The catalog's file."""
        (file,) = self.state.glob("*.sqlite")
        return file

    def known(self) -> list[str]:
        """Return the segments that the catalog has entries of."""
        connection = sqlite3.connect(self.file)
        names = [name.decode() for (name,) in connection.execute("SELECT name FROM segment ORDER BY 1")]
        connection.close()
        return names

    async def clean(self, now: str = NOW, *, dry_run: bool = False, **options: Any) -> Report:
        path, schemas = str(self.folder / "logs.jsonl"), str(self.place / "schemas.yaml")
        state = str(self.state)
        return await run_once_async(path=path, schemas=schemas, now=now, dry_run=dry_run, state=state, **options)

    async def looked(self, now: str = NOW) -> tuple[int, int, int, int]:
        """Return hits, partial, misses and bytes read of a dry run, which warns of open segments at the most."""
        report = await self.clean(now, dry_run=True)
        assert report.result.catalog
        assert all("open for writing now" in warning for warning in report.result.warnings)
        catalog = report.result.catalog
        return catalog.hits, catalog.partial, catalog.misses, report.result.bytes.scanned

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in files_in(self.folder)}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Three segments: one of two records of which one has expired, and two young ones."""
    log = Log(tmp_path)
    log.write(first=OLD + YOUNG, second=YOUNG * 2, base=YOUNG * 3)
    return log


WHOLE = len(OLD) + 6 * len(YOUNG)


# ---- What is known, and for how long.


async def test_what_was_read_once_is_not_read_again(log: Log) -> None:
    """The first job reads all, the second nothing, and both say the same."""
    one, other = await log.clean(dry_run=True), await log.clean(dry_run=True)
    assert (one.result.catalog, one.result.bytes.scanned) == (CatalogStats(misses=3), WHOLE)
    assert (other.result.catalog, other.result.bytes.scanned) == (CatalogStats(hits=3), 0)
    assert other.result.deleted_per_schema == one.result.deleted_per_schema == {"app:1": 1}
    assert other.result.actions == one.result.actions
    assert (other.result.records, other.result.bytes.freed) == (one.result.records, one.result.bytes.freed)


async def test_a_new_segment_costs_what_is_new(log: Log) -> None:
    """All others are known."""
    await log.looked()
    (log.folder / "logs-20250103T000000.jsonl").write_bytes(YOUNG)
    assert await log.looked() == (3, 0, 1, len(YOUNG))


async def test_a_cutoff_inside_a_day_has_a_segment_read_again(log: Log) -> None:
    """But not where it falls between two, however many have expired since, nor where only a policy has changed."""
    log.write(base=b"".join(record(days=days) for days in (0.5, 1.5, 2.5)))
    await log.looked()
    assert await log.looked("2026-12-22T00:00:00Z") == (3, 0, 0, 0)
    size = (log.folder / "logs.jsonl").stat().st_size
    assert await log.looked("2026-12-22T06:00:00Z") == (2, 0, 1, size)
    assert (await log.clean("2026-12-22T06:00:00Z", dry_run=True)).result.records.deleted == 2
    write_policy(log.place, "schema_name: app, retention_days: 2")
    assert await log.looked() == (3, 0, 0, 0)
    assert (await log.clean(dry_run=True)).result.records.deleted == 2


@pytest.mark.parametrize(("age", "hits"), [(0, 0), (1, 0), (2.5, 1), (60, 1), (-60, 0)])
async def test_a_segment_modified_just_before_its_scan_is_read_again(tmp_path: Path, age: float, hits: int) -> None:
    """Within 2 seconds: a clock may stand still for so long while a file is changed twice. Or in the future."""
    log = Log(tmp_path)
    log.write(base=YOUNG)
    moment = time.time() - age
    os.utime(log.folder / "logs.jsonl", (moment, moment))
    await log.looked()
    assert (await log.looked())[0] == hits


def test_two_seconds_are_two_seconds() -> None:
    """To the nanosecond."""
    place = Fingerprint(1, 2, 3, 10**18, 5)
    census = SegmentStats("s", place)
    assert Entry.of(census, 10**18 + 2 * 10**9).holds_for(place)
    assert not Entry.of(census, 10**18 + 2 * 10**9 - 1).holds_for(place)


@pytest.mark.parametrize("field", Fingerprint.__struct_fields__)
def test_an_entry_holds_only_for_the_whole_fingerprint(field: str) -> None:
    """Device, inode, size, both times: whichever has changed."""
    place = Fingerprint(1, 2, 3, 4, 5)
    assert not Entry.of(SegmentStats("s", place), 10**18).holds_for(msgspec.structs.replace(place, **{field: 9}))


async def test_a_new_owner_or_mode_has_a_segment_read_again(log: Log) -> None:
    """Its ctime tells that something has happened, not what."""
    await log.looked()
    (log.folder / FIRST).chmod(0o600)
    assert await log.looked() == (2, 0, 1, len(OLD + YOUNG))


async def test_a_rotated_segment_is_known_by_its_new_name(log: Log) -> None:
    """A rename moves no byte; and a file that has taken a name is not what that name was."""
    await log.looked()
    (log.folder / "logs.jsonl").rename(log.folder / "logs-20250103T000000.jsonl")
    log.write(base=YOUNG)
    assert await log.looked() == (3, 0, 1, len(YOUNG))
    assert await log.looked() == (4, 0, 0, 0)


async def test_a_numbered_rotation_has_only_the_new_segment_read(tmp_path: Path) -> None:
    """Each night every number moves on by one."""
    log = Log(tmp_path)
    log.write(base=YOUNG * 3)
    for night in range(1, 4):
        await log.looked()
        for number in range(night - 1, -1, -1):
            name = f"logs.jsonl.{number}" if number else "logs.jsonl"
            (log.folder / name).rename(log.folder / f"logs.jsonl.{number + 1}")
        log.write(base=YOUNG * (night + 3))
        assert await log.looked() == (night, 0, 1, (night + 3) * len(YOUNG))
        assert await log.looked() == (night + 1, 0, 0, 0)


async def test_a_renamed_segment_with_another_end_is_read_again(log: Log) -> None:
    """Its size and time may have been put back; its last block tells."""
    await log.looked()
    path = log.folder / "logs.jsonl"
    status = path.stat()
    path.write_bytes(YOUNG * 2 + YOUNG.replace(b"app", b"aqp"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.rename(log.folder / "logs-20250103T000000.jsonl")
    log.write(base=YOUNG)
    assert await log.looked() == (2, 0, 2, 4 * len(YOUNG))


async def test_numbers_that_move_on_mislead_nobody(tmp_path: Path) -> None:
    """As logrotate does it: each name then means the file that was one younger, of the same size."""
    log = Log(tmp_path)
    for number, line in ((3, OLD), (2, YOUNG), (1, OLD)):
        (log.folder / f"logs.jsonl.{number}").write_bytes(line)
    log.settle()
    await log.looked()
    for number in (3, 2, 1):
        (log.folder / f"logs.jsonl.{number}").rename(log.folder / f"logs.jsonl.{number + 1}")
    (log.folder / "logs.jsonl.1").write_bytes(YOUNG)
    assert (await log.clean()).result.records.deleted == 2
    assert log.contents() == {"logs.jsonl.3": YOUNG, "logs.jsonl.1": YOUNG}


async def test_a_number_too_large_for_the_catalog_is_read_every_night(tmp_path: Path) -> None:
    """A schema version of thirty digits is JSON, and its record goes like any other."""
    log = Log(tmp_path)
    write_policy(tmp_path, "schema_name: app, retention_days: 30")
    log.write(base=record(version=10**30, days=400) + YOUNG)
    for _night in range(2):
        assert (await log.looked())[2] == 1
    assert (await log.clean()).result.deleted_per_schema == {f"app:{10**30}": 1}


# ---- Growth.


def shorten(file: Path) -> None:
    os.truncate(file, file.stat().st_size - len(YOUNG))


def write_at(file: Path, place: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(content)


def replace(file: Path, content: bytes) -> None:
    other = file.with_name("other")
    other.write_bytes(content)
    other.rename(file)


def append(file: Path, content: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(content)


OTHER = record(days=2)


@pytest.mark.parametrize(
    ("change", "partial", "read"),
    [
        (lambda file: append(file, YOUNG * 2), 1, 2),
        (lambda file: append(file, YOUNG + YOUNG[:20]), 1, 1),
        (lambda file: append(file, b"\n" * 10), 1, 0),
        (lambda file: write_at(file, 0, OTHER), 0, 3),
        (lambda file: write_at(file, 2 * len(YOUNG), OTHER + YOUNG), 0, 4),
        (shorten, 0, 2),
        (lambda file: replace(file, YOUNG * 5), 0, 5),
        (lambda file: file.write_bytes(OTHER * 6), 0, 6),
    ],
    ids=["lines", "torn", "blank", "edited", "edited-and-grown", "shrunk", "another-file", "copied-and-truncated"],
)
@pytest.mark.parametrize("name", ["logs.jsonl", SECOND])
async def test_only_appended_bytes_are_read_of_a_growing_segment(
    log: Log, name: str, change: Callable[[Path], None], partial: int, read: int
) -> None:
    """If that has only been appended; else all of it. The report is the same as without a catalog."""
    (log.folder / SECOND).write_bytes(YOUNG * 3)
    log.settle()
    await log.looked()
    change(log.folder / name)
    hits, grown, misses, scanned = await log.looked()
    assert (hits, grown, misses, scanned // len(YOUNG)) == (2, partial, 1 - partial, read)
    with_catalog, without = await log.clean(dry_run=True), await log.clean(dry_run=True, no_catalog=True)
    assert (with_catalog.result.records, with_catalog.result.kept) == (without.result.records, without.result.kept)


async def test_any_other_segment_that_has_grown_is_read_whole(log: Log) -> None:
    """Nobody should have appended to it."""
    await log.looked()
    log.append(FIRST, YOUNG)
    assert await log.looked() == (2, 0, 1, len(OLD + YOUNG * 2))


async def test_growth_goes_on_from_night_to_night(log: Log) -> None:
    """Each night reads what that day has brought, as long as its last line is whole."""
    await log.looked()
    log.append("logs.jsonl", YOUNG)
    assert await log.looked() == (2, 1, 0, len(YOUNG))
    assert await log.looked() == (3, 0, 0, 0)
    log.append("logs.jsonl", YOUNG[:9])
    assert await log.looked() == (2, 1, 0, 9)
    log.append("logs.jsonl", YOUNG[9:])
    assert await log.looked() == (2, 0, 1, 5 * len(YOUNG))
    assert (await log.clean(dry_run=True)).result.kept.unreadable == 0


async def test_an_edited_beginning_of_a_grown_segment_is_noticed(tmp_path: Path) -> None:
    """However far from its end: all of its bytes are compared, and it is read anew."""
    log = Log(tmp_path)
    many = OLD * (3 * EDGE // len(OLD))
    log.write(base=many + YOUNG)
    await log.looked()
    write_at(log.folder / "logs.jsonl", 0, YOUNG)
    log.append("logs.jsonl", YOUNG)
    assert await log.looked() == (0, 0, 1, len(many + YOUNG * 2))
    assert (await log.clean(allow_delete_all=True)).result.records.deleted == many.count(b"\n") - 1


async def test_a_segment_that_somebody_has_open_is_not_remembered(log: Log) -> None:
    """What is written through a mapping need not move a time: such a segment is read until nobody has it open."""
    with (log.folder / FIRST).open("ab"):
        await log.looked()
        assert await log.looked() == (2, 0, 1, len(OLD + YOUNG))
    assert await log.looked() == (2, 0, 1, len(OLD + YOUNG))
    assert await log.looked() == (3, 0, 0, 0)


async def test_a_grown_segment_is_read_whole_before_it_goes(tmp_path: Path) -> None:
    """What was known of its beginning is as old as ever, and what goes is judged in the job that deletes it."""
    log = Log(tmp_path)
    many = OLD * 900
    log.write(base=many)
    await log.looked()
    log.append("logs.jsonl", OLD)
    report = await log.clean()
    assert report.result.records.deleted == many.count(b"\n") + 1
    assert log.contents() == {}
    assert report.result.bytes.scanned == len(many) + 2 * len(OLD)


async def test_a_wrong_catalog_entry_deletes_nothing(tmp_path: Path) -> None:
    """Somebody has forged it, or a mapping has moved no time: nothing goes that was not judged."""
    log = Log(tmp_path)
    log.write(first=OLD * 3 + YOUNG, second=YOUNG)
    await log.looked()
    catalog = store.Catalog(str(log.state), str(log.folder), "logs.jsonl")
    first, second = catalog.get(FIRST), catalog.get(SECOND)
    assert first is not None
    assert second is not None
    (count,) = first.schemas
    assert count.days is not None
    days = [
        msgspec.structs.replace(day, records=day.records + number)
        for number, day in zip((-1, 1), count.days, strict=True)
    ]
    catalog.put(FIRST, msgspec.structs.replace(first, schemas=(msgspec.structs.replace(count, days=tuple(days)),)))
    catalog.put(
        SECOND,
        msgspec.structs.replace(
            first,
            fingerprint=second.fingerprint,
            schemas=(msgspec.structs.replace(count, records=3, newest=count.oldest, days=count.days[:1]),),
        ),
    )
    catalog.close()
    rows = (await log.clean()).result.actions
    assert [(row.outcome, row.outcome_reason) for row in rows] == [
        ("skipped", "it has changed since it was scanned")
    ] * 2
    assert log.contents() == {FIRST: OLD * 3 + YOUNG, SECOND: YOUNG}
    assert (await log.clean()).result.records.deleted == 3
    assert log.contents() == {FIRST: YOUNG, SECOND: YOUNG}


# ---- What jobs leave.


async def test_a_dry_run_fills_the_catalog_and_touches_nothing_else(log: Log) -> None:
    """Not a time, not a byte; and the run after it reads nothing but what it rewrites."""
    before = looks(log.folder)
    await log.clean(dry_run=True)
    assert looks(log.folder) == before
    report = await log.clean()
    assert report.result.catalog == CatalogStats(hits=3)
    assert report.result.bytes.scanned == len(OLD + YOUNG)
    assert log.contents()[FIRST] == YOUNG


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("now", [NOW, "2026-11-24T07:00:00Z"])
async def test_the_night_after_a_cleanup_is_warm(log: Log, warm: bool, now: str) -> None:
    """Its own rewrites are known, whether the segment was read that night or known before; what was dropped is not."""
    log.write(first=OLD * 2, second=OLD + YOUNG + b"torn\n\n" + record("other", days=9), base=OLD + YOUNG)
    if warm:
        await log.clean(now, dry_run=True)
    assert (await log.clean(now)).result.records.deleted == 4
    assert await log.looked(now) == (2, 0, 0, 0)
    assert log.known() == [SECOND, "logs.jsonl"]
    report = await log.clean(now, dry_run=True)
    cold = await log.clean(now, dry_run=True, no_catalog=True)
    assert (report.result.records, report.result.kept) == (cold.result.records, cold.result.kept)
    log.append("logs.jsonl", YOUNG)
    assert await log.looked(now) == (1, 1, 0, len(YOUNG))


@pytest.mark.parametrize("reader", ["native", "python"])
async def test_a_rewrite_counts_a_huge_line_too(log: Log, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Where its lines are judged once more, and one that is no record is told by a byte: the next night knows it."""
    monkeypatch.setenv("ASYNCLOG_READER", reader)
    log.write(first=OLD + b"x" * (2 << 20) + b"\n" + YOUNG)
    await log.looked()
    assert (await log.clean()).result.records.deleted == 1
    night = await log.clean(dry_run=True)
    assert (night.result.kept.unreadable, night.result.catalog) == (1, CatalogStats(hits=3))


async def test_a_segment_that_is_gone_is_forgotten(log: Log) -> None:
    """Whoever has removed it: the catalog does not grow for ever."""
    await log.looked()
    (log.folder / SECOND).unlink()
    assert await log.looked() == (2, 0, 0, 0)
    (log.folder / "logs.jsonl").unlink()
    await log.clean()
    assert log.known() == [FIRST]


async def test_a_write_right_after_a_rewrite_is_read_again(log: Log) -> None:
    """Nobody knows what that was: it is no beginning of what comes later."""
    log.write(first=YOUNG, base=OLD + YOUNG)

    class Watched(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            append(log.folder / other, OLD * 2)

    assert (await log.clean(directory=Watched)).result.records.deleted == 1
    log.append("logs.jsonl", YOUNG)
    assert await log.looked() == (2, 0, 1, len(YOUNG + OLD * 2 + YOUNG))
    assert (await log.clean()).result.records.deleted == 2
    assert log.contents()["logs.jsonl"] == YOUNG * 2


async def test_without_a_catalog_none_is_read_and_none_is_written(log: Log) -> None:
    """Not even a folder is made; where there is one, it stays as it is."""
    report = await log.clean(dry_run=True, no_catalog=True)
    assert (report.result.catalog, report.result.bytes.scanned) == (None, WHOLE)
    assert not log.state.exists()
    await log.clean(dry_run=True)
    before = looks(log.state)
    report = await log.clean(no_catalog=True)
    assert (report.result.catalog, report.result.bytes.scanned) == (None, WHOLE)
    assert looks(log.state) == before


def test_check_and_cleanup_share_the_catalog(archive: Path) -> None:
    """`check` reads what a later job then knows, and the other way round."""
    for name in ("logs-20250101T000000.jsonl", "logs.jsonl"):
        os.utime(archive / "audit" / name, (LONG_AGO, LONG_AGO))
    env = {"XDG_STATE_HOME": str(archive / "state")}
    words = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
    first = run("check", *words, "--json", cwd=archive, env=env)
    assert cleanup(archive, "--dry-run", env=env).result["catalog"]["hits"] == 2
    again = run("check", *words, "--json", "--debug", cwd=archive, env=env)
    assert (again.document, "read: 0 by" in again.err) == (first.document, True)


async def test_two_logs_of_one_name_have_two_catalogs(tmp_path: Path) -> None:
    """In one state folder; a log that is found by another way has its own still."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        log = Log(tmp_path / name)
        log.write(base=YOUNG)
        log.state = tmp_path / "state"
        assert (await log.looked())[2] == 1
    assert len(list((tmp_path / "state").glob("logs-*.sqlite"))) == 2
    (tmp_path / "link").symlink_to("b")
    log.folder = tmp_path / "link" / "audit"
    assert (await log.looked())[0] == 1


# ---- Damage.


async def agrees(log: Log) -> CatalogStats:
    """Check that a dry run says the same with the catalog as without; return what it says of the catalog."""
    report, truth = await log.clean(dry_run=True), await log.clean(dry_run=True, no_catalog=True)
    assert (report.exit_code, report.result.records, report.result.actions) == (
        0,
        truth.result.records,
        truth.result.actions,
    )
    assert report.result.catalog
    return report.result.catalog


def flip(file: Path, *places: int) -> None:
    content = bytearray(file.read_bytes())
    for place in places:
        content[place % len(content)] ^= 1 << place % 7
    file.write_bytes(content)


def make_format_2(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def make_another_database(file: Path) -> None:
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE segment (name TEXT, something INTEGER)")
    connection.execute("INSERT INTO segment VALUES ('logs.jsonl', 1)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("damage", "rebuilt"),
    [
        (lambda file: file.unlink(), False),
        (lambda file: shutil.rmtree(file.parent), False),
        (lambda file: os.truncate(file, 0), False),
        (lambda file: os.truncate(file, 50), True),
        (lambda file: os.truncate(file, 4096), True),
        (lambda file: file.write_bytes(b"x" * 9000), True),
        (lambda file: flip(file, 3), True),
        (lambda file: flip(file, 16), True),
        (make_format_2, True),
        (make_another_database, True),
    ],
    ids=[
        "gone",
        "folder",
        "empty",
        "cut-in-the-header",
        "cut-to-a-page",
        "garbage",
        "magic",
        "size",
        "format",
        "other",
    ],
)
async def test_a_catalog_that_is_damaged_is_begun_anew(log: Log, damage: Callable[[Path], None], rebuilt: bool) -> None:
    """Said in the report; the job does all it has to, and the next one finds everything known again."""
    await log.looked()
    damage(log.file)
    assert await agrees(log) == CatalogStats(misses=3, rebuilt=rebuilt)
    assert await agrees(log) == CatalogStats(hits=3)


@pytest.mark.parametrize("seed", range(share(12)))
async def test_no_bit_of_the_catalog_is_trusted(log: Log, seed: int) -> None:
    """Bits flip in the header, in the pages' heads, in the schema (which an error then quotes), in entries."""
    await log.looked()
    good, chance = log.file.read_bytes(), Random(seed)  # noqa: S311 - the same bits every time
    spans = [(0, 100), (100, 112), (4096, 4112), (100, 4096), (4096, len(good)), (0, len(good))]
    for start, end in spans:
        log.file.write_bytes(good)
        flip(log.file, *(chance.randrange(start, end) for _ in range(chance.choice((1, 1, 3, 9)))))
        found = await agrees(log)
        assert found.hits + found.misses == 3


async def test_a_schema_that_is_no_text_is_damage_like_any_other(log: Log) -> None:
    """SQLite quotes it in its error, which can't be decoded."""
    await log.looked()
    content = log.file.read_bytes()
    log.file.write_bytes(content.replace(b"segmentsegment", b"\xe7egmentsegment").replace(b"CREATE", b"CRE\xe7TE"))
    assert await agrees(log) == CatalogStats(misses=3, rebuilt=True)


def test_an_entry_whose_bytes_have_changed_is_none() -> None:
    """Whichever bit it is, and under any other name: it is checked before it is understood."""
    place = Fingerprint(1, 2, 3, 4, 5)
    one = Entry.of(SegmentStats("s", place, (SchemaStats(SchemaKey("a", 1), 1, 10, 5, 5, 0, 0, 0, 0),)), 10**18)
    packed = pack(b"s", one)
    assert packed
    assert unpack(b"s", packed) == one
    assert unpack(b"t", packed) is None
    for bit in range(8 * len(packed)):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        assert unpack(b"s", bytes(flipped)) is None
    assert unpack(b"s", packed[:-1]) is None
    assert unpack(b"s", b"") is None


@pytest.mark.parametrize("version", [b"asynclog 0", b"asynclog 3"])
def test_an_entry_of_another_version_is_none(version: bytes) -> None:
    """What a line means may have changed; since 3, what a fragment is, and what is compressed."""
    entry = Entry.of(SegmentStats("s", Fingerprint(1, 2, 3, 4, 5)), 10**18)
    packed, other = pack(b"s", entry), pack(b"s", entry, version)
    assert packed
    assert other
    assert (unpack(b"s", packed), unpack(b"s", other)) == (entry, None)


async def test_a_restored_catalog_knows_unchanged_segments(log: Log) -> None:
    """And nothing else, even if a newer journal of it is still there."""
    await log.looked()
    old = log.file.read_bytes()
    log.write(first=OLD * 3, base=YOUNG * 9)
    await log.looked()
    journal = sqlite3.connect(log.file)
    journal.execute("DELETE FROM segment WHERE name = ?", (b"logs.jsonl",))
    journal.commit()
    kept = log.file.with_name(log.file.name + "-wal").read_bytes()
    journal.close()
    log.file.write_bytes(old)
    log.file.with_name(log.file.name + "-wal").write_bytes(kept)
    found = await agrees(log)
    assert found.hits <= 2
    log.file.write_bytes(old)
    found = await agrees(log)
    assert (found.hits, found.partial, found.misses) == (1, 1, 1)


async def told(log: Log, **options: Any) -> str:
    """Return the warning of a job that works without the catalog, as exact as any."""
    report = await log.clean(dry_run=True, **options)
    assert (report.exit_code, report.result.records.deleted) == (0, 1)
    assert report.result.catalog
    (warning,) = report.result.warnings
    assert "the catalog can't be used, and all was read: " in warning
    return warning


async def test_something_else_in_its_place_is_left_there(log: Log) -> None:
    """A folder, a FIFO, a link: the job works without a catalog, and says so."""
    await log.looked()
    file = log.file
    content = file.read_bytes()
    file.unlink()
    file.mkdir()
    assert "something other than a file" in await told(log)
    file.rmdir()
    os.mkfifo(file)
    assert "something other than a file" in await told(log)
    file.unlink()
    (log.place / "elsewhere").write_bytes(content)
    file.symlink_to(log.place / "elsewhere")
    assert "something other than a file" in await told(log)
    file.unlink()
    file.hardlink_to(log.place / "elsewhere")
    assert "the file has another name, too" in await told(log)
    assert (log.place / "elsewhere").read_bytes() == content
    shutil.rmtree(log.state)
    log.state.write_bytes(b"")
    assert f"{log.state} is not a folder" in await told(log)


async def test_a_catalog_that_others_may_write_to_is_not_used(log: Log) -> None:
    """They could make us believe anything: the folder or the file alone."""
    await log.looked()
    log.state.chmod(0o770)
    assert "others may write to it" in await told(log)
    log.state.chmod(0o700)
    log.file.chmod(0o602)
    assert "others may write to it" in await told(log)
    log.file.chmod(0o600)
    assert (await log.looked())[0] == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_a_catalog_of_another_user_is_not_used(log: Log) -> None:
    """The folder or the file alone."""
    await log.looked()
    os.chown(log.file, 65534, 65534)
    assert "it belongs to another user" in await told(log)
    os.chown(log.file, 0, 0)
    os.chown(log.state, 65534, 65534)
    assert "it belongs to another user" in await told(log)


def test_a_state_folder_that_may_not_be_written_is_done_without(archive: Path) -> None:
    """A dry run by somebody who may only look, and a real one; nothing of it is an error."""
    state = archive / "state"
    state.mkdir(mode=0o500)
    for words in (["--dry-run"], []):
        done = cleanup(archive, *words, "--state", str(state), before=NO_OVERRIDE)
        assert (done.code, done.result["catalog"]["misses"]) == (0, 2)
        assert "the catalog can't be used" in done.result["warnings"][0]
        assert "the catalog can't be used" in done.err
    assert is_clean(archive)
    assert not list(state.iterdir())


async def test_a_catalog_held_for_long_is_done_without(log: Log) -> None:
    """The job waits a little, not for ever; what it has learned it forgets."""
    await log.looked()
    log.write(base=YOUNG * 9)
    holder = sqlite3.connect(log.file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "database is locked" in await told(log)
    begun, catalog = time.monotonic(), store.Catalog(str(log.state), str(log.folder), "logs.jsonl", patience=0.01)
    catalog.put(FIRST, None)
    catalog.close()
    assert ("database is locked" in catalog.problem, time.monotonic() - begun < 1) == (True, True)
    holder.execute("ROLLBACK")
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.close()
    assert (await log.looked())[0] == 2


def many_segments(place: Path, number: int) -> None:
    """More than a small disk can keep in mind."""
    write_policy(place)
    write_log(place / "audit", {f"logs-20250101T{n:06}.jsonl": record(f"s{n}" * 20) + YOUNG for n in range(number)})


SMALL = 'mount -t tmpfs -o size=64k,mode=700 none state && "$@" > /dev/null; exec "$@"'
IN_ITS_OWN_WORLD = ("unshare", "--mount")


@pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run([*IN_ITS_OWN_WORLD, "true"], check=False, capture_output=True).returncode != 0,
    reason="only root can mount a small disk, where it may",
)
def test_a_full_disk_below_the_catalog_is_done_without(tmp_path: Path) -> None:
    """Files of the log are elsewhere, and the job does what it has to, the night after as well."""
    many_segments(tmp_path, 300)
    (tmp_path / "state").mkdir()
    words = ("--dry-run", "--state", "state")
    done = cleanup(tmp_path, *words, before=[*IN_ITS_OWN_WORLD, "sh", "-c", SMALL, "sh"])
    assert (done.code, done.result["catalog"]["misses"]) == (0, 300)
    assert "disk is full" in done.result["warnings"][0]


def test_a_limit_on_the_size_of_files_is_done_without_a_catalog(tmp_path: Path) -> None:
    """As a full disk, though the system says it in another way."""
    many_segments(tmp_path, 300)
    for words in (["--dry-run"], []):
        done = cleanup(tmp_path, *words, "--state", "state", before=["prlimit", "--fsize=40000"])
        assert done.code == 0
        assert "the catalog can't be used" in done.result["warnings"][0]


# ---- Where it is.


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """Write a configuration with a state folder for all, and another one for a profile."""
    file = tmp_path / "asynclog.yaml"
    file.write_text(
        "state: all\nprofiles:\n  default: {audit: {path: audit/logs.jsonl}}\n"
        "  own: {audit: {path: audit/own.jsonl}, state: mine}\n"
    )
    return file


HOME = {"HOME": "{place}"}
GIVEN = HOME | {"XDG_STATE_HOME": "/xdg", "STATE_DIRECTORY": "/var/lib/asynclog:/var/lib/other"}


@pytest.mark.parametrize(
    ("options", "environment", "state"),
    [
        ({"config": "C", "state": "/s"}, GIVEN, "/s"),
        ({"config": "C", "state": "s"}, GIVEN, "{cwd}/s"),
        ({"config": "C", "profile": "own"}, GIVEN, "{place}/mine"),
        ({"config": "C"}, GIVEN, "{place}/all"),
        ({"path": "/a/logs.jsonl"}, GIVEN, "/var/lib/asynclog"),
        ({"path": "/a/logs.jsonl"}, HOME | {"XDG_STATE_HOME": "/xdg"}, "/xdg/asynclog"),
        ({"path": "/a/logs.jsonl"}, HOME | {"XDG_STATE_HOME": "relative"}, "{place}/.local/state/asynclog"),
        ({"path": "/a/logs.jsonl"}, HOME, "{place}/.local/state/asynclog"),
        ({"path": "{place}/logs.jsonl"}, HOME, "{place}/.local/state/asynclog"),
        ({"path": "/a/logs.jsonl", "no_catalog": True, "state": "/s"}, HOME, ""),
    ],
)
def test_where_the_state_folder_comes_from(
    configured: Path, options: Options, environment: dict[str, str], state: str
) -> None:
    """Whoever says it most plainly: the command line, the profile, the file, systemd, the user's own folders."""
    place = str(configured.parent)
    if options.get("config"):
        options = {**options, "config": str(configured)}
    if path := options.get("path"):
        options = {**options, "path": path.format(place=place)}
    found = resolve(options, {name: value.format(place=place) for name, value in environment.items()}).state
    assert found == state.format(cwd=Path.cwd(), place=configured.parent)


@pytest.mark.parametrize("home", ["missing", "somebodys", ""])
def test_a_home_that_is_not_ours_gets_no_folder(tmp_path: Path, home: str) -> None:
    """HOME may be odd: then the state is in the home that the system knows of, if that is there."""
    if home == "somebodys":
        (tmp_path / home).mkdir()
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(tmp_path / home, 12345, -1)
    said = str(tmp_path / home) if home else home
    known = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    ours = known.is_dir() and known.stat().st_uid == os.geteuid()
    assert resolve({"path": "/a/logs.jsonl"}, {"HOME": said}).state == (
        f"{known}/.local/state/asynclog" if ours else ""
    )


@pytest.mark.parametrize("state", ["audit", "audit/state", "audit/../audit/", "link", "link/state", "."])
def test_the_catalog_is_never_in_the_folder_of_the_log(archive: Path, state: str) -> None:
    """By whatever name it is called: exit 2, and nothing was touched."""
    (archive / "link").symlink_to("audit")
    before = looks(archive)
    words = ("--path", str(archive / "audit" / "logs.jsonl"), "--schemas", str(archive / "schemas.yaml"))
    done = run("cleanup", *words, "--state", state, "--json", cwd=archive / "audit" if state == "." else archive)
    assert done.code == 2
    assert "the state folder lies in the log's own folder" in done.error
    assert looks(archive) == before


def test_a_configured_state_folder_is_not_the_logs_either(tmp_path: Path) -> None:
    """Nor is systemd's, where somebody has the log there."""
    file = tmp_path / "asynclog.yaml"
    file.write_text("state: audit/x\nprofiles: {default: {audit: {path: audit/logs.jsonl}}}\n")
    with pytest.raises(ConfigurationError, match="lies in the log's own folder"):
        resolve({"config": str(file)}, {})
    with pytest.raises(ConfigurationError, match="lies in the log's own folder"):
        resolve({"path": "/var/lib/asynclog/logs.jsonl"}, {"STATE_DIRECTORY": "/var/lib/asynclog"})


def test_the_state_folder_is_its_owners_only(archive: Path) -> None:
    """It is made where there is none, and nobody else may enter it."""
    env = {"XDG_STATE_HOME": str(archive / "a/b")}
    assert cleanup(archive, env=env).code == 0
    made = archive / "a/b/asynclog"
    assert made.stat().st_mode & 0o777 == 0o700
    history, file = sorted(made.iterdir())
    assert history.name == file.name.replace(".sqlite", ".history.jsonl")
    assert history.stat().st_mode & 0o777 == 0o600
    assert file.name.startswith("logs-")
