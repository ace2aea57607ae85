"""A job that stands still past the time after which Linux takes its lease away, while a writer waits in open().

As of a suspended machine, a stopped process, a disk that hangs. A point is `WHO,SHAPE,FIRST,SECOND`: the job, which
holds a lease, stands still before its call FIRST until WHO has the file open, who works on it before call SECOND. The
time is set to a second, for the whole machine, and put back after each point.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faults import stepper
from faults.archive import lay
from faults.bystanders import Appender
from faults.campaign import Campaign, LayerResult
from faults.crowd import BYSTANDERS, PATIENT
from faults.oracle import Finding, Oracle
from faults.stepper import GO, Call, Verdict
from faults.victim import Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "stopped"
SHAPES = ("rewrite", "drop", "full")
# A first step that is left out, and counted as that: no look at a lease comes so late that nothing can come behind it.
EMPTIES = "ftruncate"
TOO_LATE = "a job that stands still between its last look at a lease and the call that empties a file on a full disk"
MOST, QUICK = 120, 2
_BREAK_TIME = Path("/proc/sys/fs/lease-break-time")  # seconds


def run(campaign: Campaign) -> LayerResult:
    """Stop a sample of jobs."""
    reason = stepper.unavailable() or ("" if os.access(_BREAK_TIME, os.W_OK) else f"only root may set {_BREAK_TIME}")
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    points = campaign.chosen(list(_points(campaign)), QUICK if campaign.quick else MOST)
    result = campaign.explore(NAME, points, lambda point: _check(campaign, point))
    result.skipped[TOO_LATE] += len(PATIENT)
    return result


def _points(campaign: Campaign) -> Iterator[str]:
    for shape in SHAPES:
        victim = Victim(lay(campaign.folder(NAME), shape), campaign.variant)
        leased = victim.leased()
        lay(campaign.folder(NAME), shape)
        calls = victim.calls()
        for who in PATIENT:
            for first in (number for number in leased if calls[number - 1] != EMPTIES):
                yield from (f"{who},{shape},{first},{second}" for second in (first, first + 2, 1_000))


def _check(campaign: Campaign, point: str) -> list[Finding]:
    who, shape, first, second = point.split(",")
    archive = lay(campaign.folder(NAME), shape)
    bystander = BYSTANDERS[who](archive, int(first), int(second))
    assert isinstance(bystander, Appender)
    oracle = Oracle(archive, ordered=bystander.ordered)
    victim = Victim(archive, campaign.variant)
    victim.prepare()
    before = oracle.expired()

    def hook(call: Call) -> Verdict:
        if call.number == int(first):
            bystander.begin()
            bystander.wait()
        bystander.at(call.number)
        return GO

    bystander.turns.pop(0)
    with _short_lease_break():
        ended = victim.stepped(hook)
    found = bystander.end()
    if ended.status and shape != "full":
        found.append(Finding("misreported", f"beside such a writer a job ended with {ended.status}"))
    return [*found, *victim.aftermath(oracle, ended, before)]


@contextmanager
def _short_lease_break() -> Iterator[None]:
    with _BREAK_TIME.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # one point at a time, whoever else runs a campaign
        usual = file.read()
        _BREAK_TIME.write_text("1")
        try:
            yield
        finally:
            _BREAK_TIME.write_text(usual)
