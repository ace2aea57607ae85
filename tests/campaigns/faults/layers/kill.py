"""SIGKILL at every file-system call of a job, and of the job that then recovers.

A point is `SHAPE,JOBS,FIRST,SECOND`: the first job is killed at its call FIRST, the next one at its call SECOND (0: it
is left alone). Every tenth FIRST runs with the waits that a job really has.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from faults import stepper
from faults.archive import SHAPES, lay
from faults.campaign import Campaign, LayerResult
from faults.oracle import Oracle
from faults.stepper import GO, KILL
from faults.victim import Ended, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.oracle import Finding

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
    once, twice = list(_once(campaign)), list(_twice(campaign))
    if campaign.quick:
        once, twice = campaign.chosen(once, QUICK), campaign.chosen(twice, QUICK)
    return campaign.explore(NAME, once + campaign.chosen(twice, TWICE), lambda point: _check(campaign, point))


def _once(campaign: Campaign) -> Iterator[str]:
    for shape in filter(campaign.wants, SHAPES):
        for jobs in JOBS:
            for first in range(1, len(_calls(campaign, shape, jobs)) + 1):
                yield f"{shape},{jobs},{first},0"


def _twice(campaign: Campaign) -> Iterator[str]:
    """Only where the first job has begun to change the folder: else the second is another first one."""
    for shape in filter(campaign.wants, SHAPES):
        for jobs in JOBS:
            calls = _calls(campaign, shape, jobs)
            begun = min(calls.index(name) for name in ("unlinkat", "writev", "linkat") if name in calls)
            locked = calls.index("flock") + 1
            for first in range(begun + 1, len(calls) + 1):
                yield from (f"{shape},{jobs},{first},{second}" for second in range(locked, locked + SECOND))


def _calls(campaign: Campaign, shape: str, jobs: int) -> tuple[str, ...]:
    return Victim(lay(campaign.folder(NAME), shape), campaign.variant, jobs, catalog=shape == WITH_CATALOG).calls()


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
