"""Debian's logrotate beside a job: its names are segments, and none of its rotations makes a wrong line go."""

from __future__ import annotations

import gzip
import inspect
import os
import shutil
import subprocess
from collections import Counter
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import entries, record, write_log, write_policy
from command import NOW, run
from one_run import run_once

from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.wait_times import Timing
from asynclog.storage.naming import SegmentNaming
from examples import thorough

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asynclog import Report

LOGROTATE = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(LOGROTATE is None, reason="Debian's logrotate is not installed")

LONG_AGO = 1_600_000_000  # seconds since 1970: what was written then may be in the catalog
NO_WRITERS = Timing(drain_grace=0, drain_pause=0)


def old(number: int) -> bytes:
    return record(days=400, number=number)


def young(number: int) -> bytes:
    return record(days=1, number=number)


# The first goes, the others are rewritten or stay: each line is another one.
SEGMENTS = {
    "logs.jsonl.3": old(1) + old(2),
    "logs.jsonl.2": old(3) + young(4),
    "logs.jsonl.1": young(5) + young(6),
    "logs.jsonl": old(7) + young(8),
}
YOUNG = [young(number) for number in (4, 5, 6, 8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log of four files that nobody has changed for a long time, and a policy of 30 days."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", SEGMENTS)
    for path in entries(tmp_path / "audit"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


def rotate(folder: Path, *words: str, names: str = "logs.jsonl") -> None:
    """Have logrotate do it, as it does each night, but now."""
    configuration = folder / "logrotate.conf"
    rules = "\n".join(("rotate 90", *words))
    configuration.write_text(f"{folder}/audit/{names} {{\n{rules}\n}}\n")
    configuration.chmod(0o600)
    words = (str(LOGROTATE), "-f", "-s", str(folder / "logrotate.state"), str(configuration))
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def clean(folder: Path, **options: Any) -> Report:
    path, schemas = str(folder / "audit/logs.jsonl"), str(folder / "schemas.yaml")
    return run_once(path=path, schemas=schemas, now=NOW, jobs=1, timing=NO_WRITERS, **options)


def lines(folder: Path) -> Counter[bytes]:
    """Return all lines that are there, packed or not, whatever the names."""
    found: Counter[bytes] = Counter()
    for path in (folder / "audit").iterdir():
        content = b"" if path.name.endswith(".al-lock") else path.read_bytes()
        found.update((gzip.decompress(content) if path.name.endswith(".gz") else content).splitlines(keepends=True))
    return found


def plain(folder: Path) -> set[bytes]:
    """Return the lines that are not packed."""
    contents = [path.read_bytes() for path in entries(folder / "audit") if path.suffix != ".gz"]
    return {line for content in contents for line in content.splitlines(keepends=True)}


WAYS: dict[str, tuple[str, ...]] = {
    "numbers": ("create",),
    "compressed": ("create", "compress"),
    "compressed later": ("create", "compress", "delaycompress"),
    "dates": ("create", "dateext"),
    "copied": ("copytruncate",),
    "extension": ("create", "extension .jsonl"),
    "no new file": ("nocreate",),
}


@pytest.mark.parametrize(
    "words",
    [
        *WAYS.values(),
        ("start 0",),
        ("start 9", "compress", "extension .jsonl"),
        ("addextension .log", "compress"),
        ("addextension .jsonl",),
        ("dateext", "hourly"),
        ("dateext", "dateyesterday", "compress"),
        ("dateext", "hourly", "datehourago", "extension .jsonl"),
        *(
            ("dateext", f"dateformat {each}", more)
            for each in (
                *("-%s", ".%Y-%m-%d", "_%Y%m%d", "-%Y%m%d-%s", "-%Y%m%d-%H%M%S", "-%Y-%m-%dT%H:%M:%S", "%Y%m%d"),
                *("-%Y-W%V", "-%Y%m", "-%Y-%m", ".%Y.%m.%d", "-%Y_%m_%d_%H"),
            )
            for more in ("compress", "extension .jsonl")
        ),
        ("compress", "compresscmd /bin/cp", "compressext .xz"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("first", ["logs.jsonl", "logs-20261101T000000.jsonl"])
def test_every_name_that_it_gives_is_a_segments(tmp_path: Path, first: str, words: tuple[str, ...]) -> None:
    """Of the base file and of MXCP's own."""
    words = tuple(word for word in words if not word.startswith("compresscmd"))
    if "compressext .xz" in words:
        words = (*words, f"compresscmd {shutil.which('gzip')}", "uncompresscmd /bin/gunzip")
    write_log(tmp_path / "audit", {first: young(1)})
    rotate(tmp_path, *words, names="*.jsonl")
    names = {path.name for path in entries(tmp_path / "audit")} - {first}
    assert len(names) == 1, "it was rotated"
    naming = SegmentNaming("logs.jsonl")
    assert all(map(naming.match, names))


def public(directory: type[LogDirectory]) -> list[str]:
    return [name for name, _ in inspect.getmembers(directory, inspect.isfunction) if not name.startswith("_")]


def interrupted(at: int, act: Callable[[], None]) -> tuple[type[LogDirectory], list[str]]:
    """Return a directory that acts before that many of its calls, and the calls that were made."""
    calls: list[str] = []

    def before(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def called(*given: Any, **named: Any) -> Any:
            calls.append(method.__name__)
            if len(calls) == at:
                act()
            return method(*given, **named)

        return called

    changed = {name: before(getattr(LogDirectory, name)) for name in public(LogDirectory)}
    return type("Interrupted", (LogDirectory,), changed), calls


def begin(place: Path, way: str) -> None:
    """Make the log as that way of rotating it has left it: logrotate overwrites what has names of another way."""
    write_policy(place)
    write_log(place / "audit", SEGMENTS)
    packed = {"compressed": (1, 2, 3), "compressed later": (2, 3)}.get(way, ())
    for number in packed:
        path = place / f"audit/logs.jsonl.{number}"
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


@pytest.mark.parametrize("way", WAYS)
def test_a_rotation_between_any_two_steps_costs_no_line(tmp_path: Path, way: str) -> None:
    """From the listing to the last removal; what has expired in plain files goes with that job or the next one.

    Before each call of one way, and every third of the others; in the everyday run every fourth of these.
    """
    at, steps = 1, 1
    stride = (1 if way == "numbers" else 3) * (1 if thorough() else 4)
    while at <= steps:
        place = tmp_path / str(at)
        place.mkdir(mode=0o700)
        begin(place, way)
        directory, calls = interrupted(at, partial(rotate, place, *WAYS[way]))
        report = clean(place, directory=directory, no_catalog=True)
        steps, when = len(calls), (at, calls[at - 1 : at])
        left = lines(place)
        assert report.exit_code in {0, 3}, (when, report.error)
        assert [left[line] for line in YOUNG] == [1] * len(YOUNG), when
        assert left.total() == 8 - report.result.records.deleted, when
        assert clean(place, no_catalog=True).exit_code == 0, when
        assert plain(place) <= set(YOUNG), when
        assert [lines(place)[line] for line in YOUNG] == [1] * len(YOUNG), when
        shutil.rmtree(place)
        at += stride
    assert steps > 20


@pytest.mark.parametrize("way", ["numbers", "dates", "extension"])
def test_what_was_only_renamed_is_not_read_again(folder: Path, way: str) -> None:
    """Night after night."""
    state = str(folder / "state")
    clean(folder, dry_run=True, state=state)
    for _night in range(1 if way == "dates" else 3):
        rotate(folder, *WAYS[way])
        report = clean(folder, dry_run=True, state=state)
        assert report.result.bytes.scanned == 0
        assert report.result.records.deleted == 4


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_is_about_the_files_that_it_was_made_of(folder: Path, way: str) -> None:
    """Whatever name they have when it is carried out: what a name means by then stays, if it is another file."""
    shutil.rmtree(folder / "audit")
    begin(folder, way)
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    assert run("cleanup", "-n", "--plan-out", "plan.json", *named, cwd=folder).code == 0
    rotate(folder, *WAYS[way])
    before = lines(folder)
    done = run("apply", "plan.json", *(word for word in named if word not in {"--now", NOW}), cwd=folder)
    assert done.code in {0, 3}
    left = lines(folder)
    assert [left[line] for line in YOUNG] == [1] * len(YOUNG)
    assert before.total() - left.total() == done.result["records"]["deleted"]
