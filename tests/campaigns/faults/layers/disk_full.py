"""A job on a disk that is full, or nearly: it frees what it can, loses nothing, and finishes once there is room.

A point is `FS,JOBS,WHO,FREE`: FREE KiB are free on the disk, and the folder has no room for another name where that
takes a block; WHO is `emptied` or `dropped` where a writer waits in open() while that happens to his segment.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from faults.archive import Archive, Line, lay
from faults.bystanders import Appender
from faults.mounts import SIZES, Mount, explore_each
from faults.oracle import Finding, Oracle, judged
from faults.stepper import GO, Call, Verdict
from faults.victim import Ended, Victim
from faults.watched import Notebook, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from faults.campaign import Campaign, LayerResult

NAME = "disk_full"
FREE = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)  # KiB
LINES = 400  # of a segment, some 40 KB
WAITS = {"emptied": "ftruncate", "dropped": "renameat2"}  # before which call the writer comes
NAMES = 200  # with which a folder is filled up, at the most


def run(campaign: Campaign) -> LayerResult:
    """Try every level on each file system that can be had."""
    with Notebook() as refused:
        watched = replace(campaign, variant=campaign.variant.on(Refused, notebook=refused))
        result = explore_each(campaign, NAME, SIZES, _points, partial(_check, watched))
        result.notes.append(f"old files for which there was no second name: {len(refused.lines())}")
    return result


def _points(mount: Mount) -> list[str]:
    return [f"{mount.kind},{how},{free}" for free in FREE for how in ("1,nobody", "4,nobody", "1,dropped", "1,emptied")]


def _check(campaign: Campaign, mount: Mount, point: str) -> list[Finding]:
    _, jobs, who, free = point.split(",")
    ballast = mount.path / "ballast"
    ballast.unlink(missing_ok=True)
    archive = _laid(mount.path / "log", one_drop=who != "nobody")
    _fill(ballast, archive, int(free) << 10)
    mount.sync()
    oracle = Oracle(archive)
    # Most of these segments is old, and meant to go.
    victim = Victim(archive, campaign.variant, int(jobs), hasty=who == "nobody", options=("--allow-delete-all",))
    found = []
    for run_it in (partial(_beside_a_writer, victim, WAITS[who]) if who in WAITS else victim.run, victim.run):
        before = oracle.expired()
        ended = run_it()
        found += [*oracle.at_any_time(), *oracle.honest(ended, before)]
        if ended.status not in {0, 3}:
            found.append(Finding("misreported", f"on a full disk it ended with {ended.status}: {ended.errors[-300:]}"))
    ballast.unlink()
    return list(dict.fromkeys([*found, *judged(oracle, ended, before, victim.run)]))


def _laid(root: Path, *, one_drop: bool) -> Archive:
    """Segments of several blocks: two plain and two packed ones are rewritten, the current one goes, others may."""
    archive = lay(root, "drop")
    for month in (1, 2):
        half = [make() for _ in range(LINES // 2) for make in (archive.old, archive.fresh)]
        archive.segment(f"logs-20260{month}01T000000.jsonl", half)
        if not one_drop:
            archive.segment(f"logs-20260{month}02T000000.jsonl", [archive.old() for _ in range(LINES)])
    for month, suffix in ((3, ".gz"), (4, ".zst")):
        half = [make() for _ in range(LINES // 4) for make in (archive.old, archive.fresh)]
        archive.segment(f"logs-20260{month}01T000000.jsonl{suffix}", half)
    return archive


def _fill(ballast: Path, archive: Archive, free: int) -> None:
    """Take all the space that there is, for names, too; then give so many bytes back."""
    with ballast.open("wb") as file:
        size, chunk = 0, 1 << 28
        while chunk >= 1 << 9:
            try:
                os.posix_fallocate(file.fileno(), size, chunk)
            except OSError:
                chunk >>= 1
            else:
                size += chunk
        for length in (64, 8):  # short names go where long ones don't
            with contextlib.suppress(OSError):
                for number in range(NAMES):
                    archive.stranger(f".{number:0{length}}", b"")
        file.truncate(max(0, size - free))


class _Starved(Appender):
    """A writer who may find no room for its line, or for a part of it."""

    def _append(self) -> None:
        try:
            with contextlib.suppress(OSError), open(self.open(), "wb", buffering=0) as file:
                self._opened.set()
                self._may_write.wait()
                written = file.write(self._line.data) or 0
                self.archive.ledger.add(Line(self._line.data[:written], "stays"))
        finally:
            self._opened.set()


def _beside_a_writer(victim: Victim, when: str) -> Ended:
    """Run the job; when it has leased the current segment and is about to make this call, a writer opens that."""
    writer = _Starved(victim.archive, 1, 2)
    waits = False

    def hook(call: Call) -> Verdict:
        nonlocal waits
        if waits:
            writer.at(2)
        elif call.name == when and _leased(victim.archive.log):
            writer.at(1)
            waits = True
        return GO

    ended = victim.stepped(hook)
    if waits:
        writer.end()
    return ended


def _leased(log: Path) -> bool:
    """Whether whoever opens the current segment for writing has to wait; if so, this breaks the lease, too."""
    try:
        os.close(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC))
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
