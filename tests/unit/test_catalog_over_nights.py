"""Nights: whatever happens to a log between its jobs, one with a catalog does exactly what one without it does.

Two copies of a log meet the same fate; the jobs on one of them have a catalog, which is damaged now and then. No file
is larger than the block that tells whether a segment has only grown, so that the jobs must agree whatever is edited.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import entries
from one_run import run_once_async

from asynclog import RefusedError
from asynclog.cancellation import StopRequest
from asynclog.scan.context import ScanOptions
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.wait_times import Timing
from asynclog.timestamps import DAY, SECOND, format_instant, parse_instant
from examples import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from asynclog.config.settings import Options

FIRST = parse_instant("2026-11-24T00:00:00Z") or 0
LINE = '{{"schema_name": "{}", "schema_version": {}, "timestamp": "{}", "rest": "{}"}}\n'
NEVER_THE_SAME = ("run_id", "duration_s", "lease_max_ms", "log")
IN_PIECES = ScanOptions(max_chunk=300)  # many segments are read in several
SETTLED = 10**18  # ns; a segment with such a modification time may be in the catalog
SEEDS = int(os.environ.get("NIGHTS", share(25)))  # more of them find more


class Unsynced(LogDirectory):
    """A directory for which there is no power cut to be survived."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_folder(self, ticket: int | None = None) -> None:
        pass


NO_WRITERS = Timing(drain_grace=0, drain_pause=0)
WIRED: Any = {"directory": Unsynced, "timing": NO_WRITERS, "scan_options": IN_PIECES}


class Nights:
    """Two copies of one log, `with` and `without` a catalog, and all that may happen to them."""

    def __init__(self, place: Path, chance: Random) -> None:
        self.place = place
        self.chance = chance
        self.now = FIRST
        self.day = 0
        self.clock = 0
        self.story: list[str] = []
        self.seen = {"hits": 0, "partial": 0, "misses": 0, "rebuilt": 0}
        self.logs = [place / "with" / "audit", place / "without" / "audit"]
        for folder in self.logs:
            folder.mkdir(parents=True)
        self.state = place / "state"
        self.set_policy()
        for _ in range(chance.randint(1, 4)):
            self.new_segment()
        self.append()

    # ---- what the log's writers do

    def lines(self) -> bytes:
        """Return some records around the present, and some other lines."""
        return b"".join(self.line() for _ in range(self.chance.randint(1, 6)))

    def line(self) -> bytes:
        chance = self.chance
        if chance.random() < 0.08:
            return chance.choice((b"\n", b"torn\n", b'{"schema_name": "app"}\n'))
        moment = self.now - chance.randint(-1, 8) * DAY + chance.choice((0, 0, 1, -1, chance.randint(0, DAY)))
        if chance.random() < 0.05:
            moment += chance.choice((2 * DAY, -20_000 * DAY))
        name, version = chance.choice(("app", "debug", "legal")), chance.choice((1, 1, 2))
        return LINE.format(name, version, format_instant(moment), "x" * chance.randint(0, 9)).encode()

    def write(self, name: str, content: bytes, flags: int = os.O_TRUNC) -> None:
        """Write to both copies."""
        self.clock += SECOND
        moment = time.time_ns() if self.chance.random() < 0.1 else SETTLED + self.clock
        for folder in self.logs:
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | flags)
            os.write(descriptor, content)
            os.close(descriptor)
            os.utime(folder / name, ns=(moment, moment))

    def each(self, do: Callable[[Path], object]) -> None:
        for folder in self.logs:
            do(folder)

    def content(self, name: str) -> bytes:
        return (self.logs[0] / name).read_bytes()

    def names(self) -> list[str]:
        return sorted(path.name for path in entries(self.logs[0]))

    def any(self) -> str:
        return self.chance.choice([*self.names(), "logs.jsonl"])

    def new_segment(self) -> None:
        self.day += 1
        self.write(f"logs-{20260101 + self.day}T000000.jsonl", self.lines())

    def append(self) -> None:
        """To the base file mostly; sometimes the last line is torn, and the next record then stands behind it."""
        name = "logs.jsonl" if self.chance.random() < 0.7 else self.any()
        lines = self.lines()
        self.write(name, lines[: -self.chance.randint(1, 30)] if self.chance.random() < 0.2 else lines, os.O_APPEND)

    def rotate(self) -> None:
        if (self.logs[0] / "logs.jsonl").exists():
            self.day += 1
            self.each(lambda log: (log / "logs.jsonl").rename(log / f"logs-{20260101 + self.day}T000000.jsonl"))
            self.append()

    def rotate_by_number(self) -> None:
        """As logrotate does: each file takes the next number, and all names mean other files than before."""
        numbers = sorted((int(name.rpartition(".")[2]) for name in self.names() if name[-1].isdigit()), reverse=True)
        for number in numbers:
            self.each(lambda log, n=number: (log / f"logs.jsonl.{n}").rename(log / f"logs.jsonl.{n + 1}"))  # type: ignore[misc]
        if (self.logs[0] / "logs.jsonl").exists():
            self.each(lambda log: (log / "logs.jsonl").rename(log / "logs.jsonl.1"))
        self.append()

    def copy_and_truncate(self) -> None:
        if (self.logs[0] / "logs.jsonl").exists():
            self.day += 1
            self.write(f"logs-{20260101 + self.day}T000000.jsonl", self.content("logs.jsonl"))
            self.write("logs.jsonl", self.lines() if self.chance.random() < 0.7 else b"")

    def replace(self) -> None:
        """Another file takes the name."""
        name, clock = self.any(), self.clock
        self.write(".other", self.lines())
        self.each(lambda log: (log / ".other").rename(log / name))
        assert self.clock > clock

    def edit(self) -> None:
        """In place, and of the same size: another record where there was one, or a damaged byte."""
        name = self.any()
        content = bytearray(self.content(name) if name in self.names() else b"")
        if content:
            at = self.chance.randrange(len(content))
            digit = content.find(b"T00:", at)
            place = digit - 1 if digit > 0 else at
            content[place] = ord(self.chance.choice("0123456789"))
            self.write(name, bytes(content), 0)

    def shrink(self) -> None:
        name = self.any()
        if name in self.names():
            content = self.content(name)
            self.write(name, content[: self.chance.randint(0, len(content))])

    def touch(self) -> None:
        """Nothing but times and modes change."""
        name = self.any()
        if name in self.names():
            self.each(lambda log: (log / name).chmod(self.chance.choice((0o600, 0o640))))

    def remove(self) -> None:
        name = self.any()
        self.each(lambda log: (log / name).unlink(missing_ok=True))

    # ---- what time and people do

    def wait(self) -> None:
        steps = (DAY, DAY, DAY, 2 * DAY, DAY // 2, 3600 * SECOND, 1, -1, -DAY, -3 * DAY)
        self.now += self.chance.choice(steps)

    def wait_until_midnight(self) -> None:
        self.now += -self.now % DAY

    def set_policy(self) -> None:
        days = [self.chance.choice((0, 1, 2, 3, 5, 8, 30, "null")) for _ in range(4)]
        active = self.chance.choice(("true", "false"))
        rules = [
            f"{{schema_name: app, version: 1, retention_days: {days[0]}, active: {active}}}",
            f"{{schema_name: app, retention_days: {days[1]}}}",
            f"{{schema_name: debug, retention_days: {days[2]}}}",
            f'{{schema_name: "*", retention_days: {days[3]}}}',
        ]
        chosen = [rule for rule in rules if self.chance.random() < 0.7] or rules
        text = "schemas:\n" + "".join(f"  - {rule}\n" for rule in chosen)
        (self.place / "schemas.yaml").write_text(text)
        rewrite = self.chance.choice(("always", "always", "never", "30%", "80%"))
        for folder in self.logs:
            log, rules_file = folder / "logs.jsonl", self.place / "schemas.yaml"
            (folder.parent / "asynclog.yaml").write_text(
                f"profiles: {{default: {{audit: {{path: {log}, schemas: {rules_file}}}, rewrite: {rewrite}}}}}\n"
            )

    def damage(self) -> None:
        """Bytes of the catalog flip, or it is cut off, gone, or another file."""
        files = [path for path in self.state.iterdir() if path.is_file()] if self.state.exists() else []
        for file in files:
            content = bytearray(file.read_bytes())
            match self.chance.choice(("flip", "flip", "flip", "cut", "remove", "garbage")):
                case "flip" if content:
                    for _ in range(self.chance.choice((1, 1, 5, 200))):
                        content[self.chance.randrange(len(content))] ^= 1 << self.chance.randrange(8)
                    file.write_bytes(content)
                case "cut":
                    file.write_bytes(content[: self.chance.randint(0, len(content))])
                case "remove":
                    file.unlink()
                case _:
                    file.write_bytes(self.chance.randbytes(5000))

    def restore_an_old_catalog(self) -> None:
        """As it was some nights ago; and today's is kept, to be restored another night."""
        kept, today = self.place / "kept", self.place / "today"
        if self.state.exists():
            shutil.copytree(self.state, today)
            if kept.exists():
                shutil.rmtree(self.state)
                kept.rename(self.state)
            today.rename(kept)

    # ---- jobs

    async def compare(self) -> None:
        """One on each copy, or a dry run: the same report, and the same bytes and times on the disk."""
        dry_run = self.chance.random() < 0.4
        one, other = [await self.clean(folder, dry_run=dry_run) for folder in self.logs]
        for key, number in (one.pop("catalog", None) or {}).items():
            self.seen[key] += number
        other.pop("catalog", None)
        assert one == other, self.story
        self.must_be_equal()

    async def be_cut(self) -> None:
        """Jobs whose time is up at some point, until one has reached its end: together they do what one does."""
        found: Counter[str] = Counter()
        for night in range(100):
            report = await self.clean(self.logs[0], cut=self.chance.randint(0, 9 + night))
            found.update(report.get("deleted_per_schema", {}))
            if report.get("stopped") is None:
                break
        else:
            pytest.fail(f"no end: {self.story}")
        report = await self.clean(self.logs[1])
        assert found == report.get("deleted_per_schema", {}), self.story
        self.must_be_equal()

    async def clean(self, folder: Path, *, dry_run: bool = False, cut: int | None = None) -> dict[str, Any]:
        """Return what the report says, without how it was found out; nothing if a guard refuses the job."""
        options: Options = {"config": str(folder.parent / "asynclog.yaml"), "now": format_instant(self.now)}
        options["jobs"] = self.chance.choice((1, 2))
        if folder.parent.name == "with":
            options["state"] = str(self.state)
        else:
            options["no_catalog"] = True
        stop = None if cut is None else Cut(cut)
        try:
            report = await run_once_async(dry_run=dry_run, stop=stop, **WIRED, **options)
        except RefusedError:
            return {}
        assert report.exit_code == 0, self.story
        assert not any("the catalog can't be used" in each for each in report.result.warnings), self.story
        result: dict[str, Any] = report.document()["result"]
        result["bytes"].pop("scanned")
        result["warnings"] = [each.replace(str(folder.parent), "") for each in report.result.warnings]
        return {key: value for key, value in result.items() if key not in NEVER_THE_SAME}

    def must_be_equal(self) -> None:
        """To the byte; modification times, too, where they are not those of the writing itself."""
        one, other = ({path.name: seen(path) for path in entries(log)} for log in self.logs)
        assert one == other, self.story

    async def live(self, nights: int) -> None:
        things = [
            *[self.append, self.append, self.new_segment, self.wait, self.wait_until_midnight] * 3,
            *[self.rotate, self.rotate_by_number, self.copy_and_truncate, self.replace, self.edit, self.shrink],
            *[self.touch, self.remove, self.set_policy, self.damage, self.restore_an_old_catalog],
        ]
        for _ in range(nights):
            for thing in self.chance.choices(things, k=self.chance.randint(0, 3)):
                self.story.append(thing.__name__)
                thing()
            job = self.chance.choice((self.compare, self.compare, self.compare, self.be_cut))
            self.story.append(job.__name__)
            await job()


class Cut(StopRequest):
    """The time is up after so many looks at it."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    @property
    def time_is_up(self) -> bool:
        self._looks -= 1
        return self._looks < 0


def seen(path: Path) -> tuple[bytes, int]:
    """Bytes and modification time; no time where it is that of the writing itself."""
    moment = path.stat().st_mtime_ns
    return path.read_bytes(), 0 if moment > SETTLED + DAY else moment


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_job_with_a_catalog_does_what_one_without_it_does(tmp_path: Path, seed: int) -> None:
    """After any sequence of what may happen to a log, to its policy, to the clock and to the catalog."""
    nights = Nights(tmp_path, Random(seed))  # noqa: S311 - the same nights every time
    await nights.live(15)
    assert nights.seen["hits"] + nights.seen["partial"], "then the catalog has had nothing to say"
