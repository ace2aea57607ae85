"""Runs the nights of one log, and checks that each did what it should."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from benchmarks.nightly.log import DAYS, LATER, NIGHT, Log
from benchmarks.results import Run
from benchmarks.timing import BenchmarkError, Contestant, time_one

WARM = 5  # warm runs for each cold one


@dataclass(frozen=True)
class Change:
    """A job after something had changed: bytes that were new, that a cutoff crossed, and that were read."""

    run: Run
    new: int
    crossed: int
    read: int

    @property
    def ratio(self) -> float:
        """Bytes read for each that had to be."""
        return self.read / (self.new + self.crossed)


@dataclass(frozen=True)
class Nights:
    """All runs on one log but those that warmed up. `start` are those of a log with one segment."""

    segments: int
    size: int
    load: float
    cold: tuple[Run, ...]
    warm: tuple[Run, ...]
    start: tuple[Run, ...]
    new_day: Change
    new_policy: Change

    def cpu(self, runs: tuple[Run, ...]) -> float:
        """Seconds of processor for each segment, beyond start-up."""
        return (_cpu(runs) - self.start_up) / self.segments

    @property
    def start_up(self) -> float:
        """Seconds of processor."""
        return _cpu(self.start)

    @property
    def speed_up(self) -> float:
        return wall(self.cold) / wall(self.warm)


def wall(runs: tuple[Run, ...]) -> float:
    """Seconds, the median."""
    return median(run.wall for run in runs)


def peak(runs: tuple[Run, ...]) -> int:
    """Bytes, the largest."""
    return max(run.peak for run in runs)


def _cpu(runs: tuple[Run, ...]) -> float:
    return median(run.cpu for run in runs)


def measure(log: Log, single: Log, rounds: int) -> Nights:
    """Cold and warm runs in turn, after a round that warms up; then a new day, and a policy changed by a day.

    Raises BenchmarkError where a run read more or less than it should have.
    """
    load = os.getloadavg()[0]
    segments, size = log.size()
    cold, warm, start = [], [], []
    _run(single, NIGHT)
    for number in range(rounds + 1):
        log.forget()
        run, result = _run(log, NIGHT)
        _expect(result, read=size, misses=segments)
        cold += [run] if number else []
        for _ in range(WARM):
            run, result = _run(log, NIGHT)
            _expect(result, read=0, hits=segments)
            only, _ = _run(single, NIGHT)
            warm += [run] if number else []
            start += [only] if number else []
    new_day = _change(log, log.next_day())
    log.write_policy(endpoints=DAYS - 1)
    new_policy = _change(log, 0)
    return Nights(segments, size, load, tuple(cold), tuple(warm), tuple(start), new_day, new_policy)


def _change(log: Log, new: int) -> Change:
    """Measure a real cleanup; a dry run after it finds everything known."""
    run, result = _run(log, LATER, dry_run=False)
    if result["status"] != "success" or not result["records"]["deleted"]:
        raise BenchmarkError(f"nothing was deleted: {result['message']}")
    crossed = sum(row["bytes_before"] for row in result["actions"] if row["action"] in {"rewrite", "drop"})
    _, again = _run(log, LATER)
    _expect(again, read=0, hits=log.size()[0])
    return Change(run, new, crossed, result["bytes"]["scanned"])


def _run(log: Log, now: datetime, *, dry_run: bool = True) -> tuple[Run, dict[str, Any]]:
    said: list[bytes] = []
    run = time_one(Contestant("asynclog", 1, log.command(now, dry_run=dry_run), check=said.append))
    return run, json.loads(said[0])["result"]


def _expect(result: dict[str, Any], *, read: int, hits: int = 0, misses: int = 0) -> None:
    catalog = result["catalog"]
    found = (result["bytes"]["scanned"], catalog["hits"], catalog["misses"], result["records"]["deleted"])
    if found != (read, hits, misses, 0):
        raise BenchmarkError(f"read, hits, misses, to be deleted: {found}, not {(read, hits, misses, 0)}")
