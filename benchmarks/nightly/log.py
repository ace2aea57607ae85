"""A generated log as it is at 02:30 of a night, with the segments of the day that follows put aside."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from pathlib import Path

from benchmarks.archives import Shape, drop_from_cache, in_python
from benchmarks.engines import ASYNCLOG

DAYS = 100
NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
MORROW = NIGHT + timedelta(days=1)
LATER = MORROW + timedelta(hours=1)  # every cutoff falls inside a day and inside a segment, as it does in practice
HOUR = 3600 * 10**9  # ns
POLICY = """\
schemas:
  - schema_name: "*"
    retention_days: {others}
  - schema_name: mxcp.endpoints
    retention_days: {endpoints}
"""


class Log:
    """A log of so many segments, from the 100 days before `NIGHT`: nothing in it has expired then.

    Its segments were last written an hour ago: what is younger than two seconds, no catalog vouches for.
    """

    def __init__(self, place: Path, shape: Shape) -> None:
        self.folder = place / "log"
        self._aside, self._state, self._policy = place / "aside", place / "state", place / "schemas.yaml"
        self._aside.mkdir(parents=True)
        options = {**shape.generated(), "days": DAYS + 1, "until": MORROW.isoformat()}
        words = (word for name, value in options.items() for word in (f"--{name}", value))
        in_python("benchmarks.generate", self.folder, *words)
        for name in nlargest(shape.segments // (DAYS + 1), self.names()):
            (self.folder / name).rename(self._aside / name)
        hour_ago = time.time_ns() - HOUR
        for folder in (self.folder, self._aside):
            for path in folder.iterdir():
                os.utime(path, ns=(hour_ago, hour_ago))
        self.write_policy()
        os.sync()

    def write_policy(self, endpoints: int = DAYS) -> None:
        """Write a policy that keeps the records of `mxcp.endpoints` for so many days, all others for 100."""
        self._policy.write_text(POLICY.format(others=DAYS, endpoints=endpoints), encoding="utf-8")

    def names(self) -> Iterator[str]:
        """Yield the names of its segments; never keep all of them in memory, because that would be measured, too."""
        with os.scandir(self.folder) as entries:
            yield from (entry.name for entry in entries if entry.name.startswith("logs-2"))

    def size(self) -> tuple[int, int]:
        """Return how many segments it has, and bytes."""
        sizes = [(self.folder / name).stat().st_size for name in self.names()]
        return len(sizes), sum(sizes)

    def forget(self) -> None:
        """Remove the catalog, and drop the segments from the page cache."""
        shutil.rmtree(self._state, ignore_errors=True)
        drop_from_cache(self.folder)

    def next_day(self) -> int:
        """Add the segments of the day that follows to the log; return their bytes."""
        size = 0
        for path in sorted(self._aside.iterdir()):
            size += path.stat().st_size
            path.rename(self.folder / path.name)
        return size

    def command(self, now: datetime, *, dry_run: bool) -> tuple[str, ...]:
        """Return the command of a cleanup of it."""
        where = ("--path", self.folder / "logs.jsonl", "--schemas", self._policy, "--state", self._state)
        words = ("--now", now.isoformat(), *(["--dry-run"] if dry_run else []))
        return (ASYNCLOG, "cleanup", "--json", *map(str, where), *words)
