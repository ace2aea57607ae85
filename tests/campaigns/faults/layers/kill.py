"""SIGKILL at every file-system call of a job, and of the job that then recovers.

A point is `SHAPE,JOBS,FIRST,SECOND`: the first job is killed at its call FIRST, the next one at its call SECOND (0: it
is left alone). Every tenth FIRST runs with the waits that a job really has.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from faults import stepper
from faults.archive import SHAPES, lay
from faults.campaign import Campaign, LayerResult
from faults.oracle import Oracle
from faults.stepper import GO, KILL
from faults.victim import Ended, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.oracle import Finding

    Calls = Mapping[tuple[str, int], tuple[str, ...]]  # by the shape of an archive and the number of workers

NAME = "kill"
JOBS = (1, 4)
WITH_CATALOG = "mixed"  # the shape whose jobs keep one
SECOND = 120  # so many calls of a job, from its flock on, take the log's lock, recover and list
QUICK, TWICE = 20, 1_200  # how many points are chosen


def run(campaign: Campaign) -> LayerResult:
    """Kills a first job at every one of its calls, and, at a choice of these, the next one at a choice of its calls."""
    reason = stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    calls = _calls(campaign)
    once, twice = list(_once(calls)), list(_twice(calls))
    if campaign.quick:
        once, twice = campaign.chosen(once, QUICK), campaign.chosen(twice, QUICK)
    return campaign.explore(NAME, once + campaign.chosen(twice, TWICE), lambda point: _check(campaign, point))


def _once(calls: Calls) -> Iterator[str]:
    for (shape, jobs), made in calls.items():
        yield from (f"{shape},{jobs},{first},0" for first in range(1, len(made) + 1))


def _twice(calls: Calls) -> Iterator[str]:
    """Only where the first job has begun to change the folder: else the second is another first one."""
    for (shape, jobs), made in calls.items():
        begun = min(made.index(name) for name in ("unlinkat", "writev", "linkat") if name in made)
        locked = made.index("flock") + 1
        for first in range(begun + 1, len(made) + 1):
            yield from (f"{shape},{jobs},{first},{second}" for second in range(locked, locked + SECOND))


def _calls(campaign: Campaign) -> Calls:
    """Return the calls that jobs make on an archive of each shape, with each number of workers."""
    kinds = product(filter(campaign.wants, SHAPES), JOBS)
    return {(shape, jobs): _victim(campaign, shape, jobs).calls() for shape, jobs in kinds}


def _victim(campaign: Campaign, shape: str, jobs: int) -> Victim:
    return Victim(lay(campaign.folder(NAME), shape), campaign.variant, jobs, catalog=shape == WITH_CATALOG)


def _check(campaign: Campaign, point: str) -> list[Finding] | None:
    shape, jobs, first, second = point.split(",")
    archive = lay(campaign.folder(NAME), shape)
    oracle = Oracle(archive)
    victim = Victim(archive, campaign.variant, int(jobs), hasty=int(first) % 10 != 0, catalog=shape == WITH_CATALOG)
    found: list[Finding] = []
    for call in filter(None, (int(first), int(second))):
        ended = _killed(victim, call)
        if ended.status >= 0:
            return None
        found += oracle.at_any_time()
    return [*found, *victim.aftermath(oracle, ended, oracle.expired())]


def _killed(victim: Victim, at: int) -> Ended:
    return victim.stepped(lambda call: KILL if call.number == at else GO)
