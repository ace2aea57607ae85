"""Every file-system call of a job fails once, in every way; reads and writes are also cut short.

A point is `SHAPE,JOBS,CALL,HOW`: call number CALL fails with the error HOW; with `HOW+` every call after it that would
change the folder fails, too. `SHORT` lets a read or a write have three bytes.
"""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

from faults import stepper
from faults.archive import lay
from faults.campaign import Campaign, LayerResult
from faults.oracle import Finding, Oracle
from faults.stepper import GO, Call, Verdict
from faults.victim import Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "errno"
# With how many workers each of them runs.
SHAPES = {"rewrite": 1, "drop": 1, "full": 1, "crashed": 1, "swapped": 1, "mixed": 4, "packed": 1}
ONCE = ("EIO", "ENOSPC", "EROFS", "EACCES", "EPERM", "EMFILE", "EDQUOT")
FOR_GOOD = ("EIO+", "ENOSPC+", "EROFS+")
CHANGES = {"openat", "writev", "fsync", "linkat", "renameat", "renameat2", "unlinkat", "ftruncate"}
CHANGES |= {"fchown", "fchmod", "utimensat", "pwrite64"}
CUT_SHORT = {"read", "preadv", "preadv2", "write", "writev", "pread64", "pwrite64"}
QUICK, MOST = 60, 700  # points, of each shape


def run(campaign: Campaign) -> LayerResult:
    """Fails every call with EIO, cuts short what can be, and tries a choice of the other ways."""
    reason = stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    points: list[str] = []
    for shape, jobs in SHAPES.items():
        every = list(_points(campaign, shape, jobs))
        points += dict.fromkeys(
            [*campaign.chosen(every, MOST), *(each for each in every if each.endswith((",EIO", ",SHORT")))]
        )
    if campaign.quick:
        points = campaign.chosen(points, QUICK)
    return campaign.explore(NAME, points, lambda point: _check(campaign, point))


def _points(campaign: Campaign, shape: str, jobs: int) -> Iterator[str]:
    calls = Victim(lay(campaign.folder(NAME), shape), campaign.variant, jobs).calls()
    for number, name in enumerate(calls, start=1):
        ways = [*ONCE, "EINTR"]
        if name in CHANGES:
            ways += FOR_GOOD
        if name in CUT_SHORT:
            ways.append("SHORT")
        yield from (f"{shape},{jobs},{number},{way}" for way in ways)


def _check(campaign: Campaign, point: str) -> list[Finding] | None:
    shape, jobs, number, way = point.split(",")
    archive = lay(campaign.folder(NAME), shape)
    oracle = Oracle(archive)
    victim = Victim(archive, campaign.variant, int(jobs))
    before = oracle.expired()
    fault = _Fault(int(number), way)
    ended = victim.stepped(fault)
    if not fault.failed:
        return None
    found = victim.aftermath(oracle, ended, before)
    if fault.failed == "fsync" and way != "EINTR" and ended.status == 0:
        found.append(Finding("misreported", "exit 0"))
    return [finding._replace(detail=f"{finding.detail}, after {fault.failed} had failed") for finding in found]


class _Fault:
    """A hook that fails one call, or all from one on that would change something; `failed` is the first one's name."""

    def __init__(self, number: int, way: str) -> None:
        self.number = number
        self.once = not way.endswith("+")
        self.among = CUT_SHORT if way == "SHORT" else None if self.once else CHANGES
        error = 0 if way == "SHORT" else getattr(errno, way.removesuffix("+"))
        self.verdict = Verdict("fail", error) if error else Verdict("shorten", 3)
        self.failed = ""

    def __call__(self, call: Call) -> Verdict:
        wanted = call.number == self.number if self.once else call.number >= self.number
        if not wanted or (self.among is not None and call.name not in self.among):
            return GO
        self.failed = self.failed or call.name
        return self.verdict
