"""Three writers against jobs back to back: two append to the current segment, the third begins others and rotates.

A point is `SECONDS`, for so long they go on; in the table each line that they wrote is one. In the end, after two jobs
that nobody disturbs, every fresh line is there once, every expired one is gone, and the reports together say so.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from statistics import quantiles
from typing import TYPE_CHECKING

from faults.archive import Archive, lay
from faults.oracle import Finding, Oracle
from faults.victim import Victim
from faults.watched import Hesitant, Notebook, Timed
from faults.writers import Rotator, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.campaign import Campaign, LayerResult

NAME = "soak"
SECONDS, QUICK = 60, 4
QUIET = 2  # jobs that nobody disturbs


@dataclass
class Figures:
    """The figures of a soak: `held` and `waits` in nanoseconds, `outcomes` those of the actions of all jobs."""

    jobs: int = 0
    lines: int = 0
    late: int = 0
    deleted: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    held: list[int] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)

    def notes(self) -> Iterator[str]:
        """In words."""
        outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in self.outcomes.most_common())
        yield f"{self.jobs} jobs, {self.lines:,} lines, {self.late} late segments; actions: {outcomes}"
        yield f"lease held by the jobs that don't hesitate: {_spread(self.held)}"
        yield f"open() of the writers: {_spread(self.waits)}"


def run(campaign: Campaign) -> LayerResult:
    """Lets them work for a minute."""
    figures = Figures()
    point = str(QUICK if campaign.quick else SECONDS)
    result = campaign.explore(NAME, [point], partial(_check, campaign, figures))
    result.notes += figures.notes()
    result.points = figures.lines
    return result


def _check(campaign: Campaign, figures: Figures, point: str) -> list[Finding]:
    archive = lay(campaign.folder(NAME) / "log")
    oracle = Oracle(archive, ordered=False)
    found: list[Finding] = []
    with Notebook() as leases:
        victims = _victims(campaign, archive, leases)
        writers = Writer(archive, 1), Writer(archive, 2), Rotator(archive, 3)
        with writers[0], writers[1], writers[2]:
            end = time.monotonic() + float(point)
            while time.monotonic() < end:
                found += job(next(victims), figures)
        figures.held = [int(line) for line in leases.lines()]
        for _ in range(QUIET):
            found += job(next(victims), figures)
        settled = oracle.read()
        found += [*oracle.at_the_end(), *job(next(victims), figures)]
    if oracle.read() != settled:
        found.append(Finding("unfinished", "one more job changed the folder again"))
    if figures.deleted != archive.ledger.expired():
        found.append(Finding("misreported", f"{archive.ledger.expired()} expired, {figures.deleted} are told"))
    figures.lines = len(archive.ledger.lines)
    figures.waits = [wait for writer in writers for wait in writer.waits]
    return found


def _victims(campaign: Campaign, archive: Archive, leases: Notebook) -> Iterator[Victim]:
    """Jobs with one worker and with four; every third one hesitates, and is not timed.

    Most of what the writers write has expired since 2020, and all of that is meant to go.
    """
    timed, hesitant = campaign.variant.on(Timed, notebook=leases), campaign.variant.on(Hesitant)
    for jobs, variant in cycle(((1, timed), (4, timed), (4, hesitant))):
        yield Victim(archive, variant, jobs, hasty=False, catalog=True, options=("--allow-delete-all",))


def job(victim: Victim, figures: Figures) -> Iterator[Finding]:
    """Run one, and add its report to the figures."""
    ended = victim.run()
    if ended.status or ended.document is None:
        yield Finding("unfinished", f"a job ended with {ended.status}: {ended.errors[-300:]}{ended.output[-300:]!r}")
        return
    result = ended.document["result"]
    figures.jobs += 1
    figures.late += len(result["late_segments"])
    figures.deleted.update(result["deleted_per_schema"])
    figures.outcomes.update(action["outcome"] for action in result["actions"])


def _spread(times: Sequence[int]) -> str:
    """Return the median, the 99th percentile and the maximum of these times, in words."""
    if len(times) < 2:
        return "never"
    cuts = quantiles(times, n=100, method="inclusive")
    p50, p99, longest = (each / 1e6 for each in (cuts[49], cuts[98], max(times)))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {longest:.2f} ms ({len(times):,} times)"
