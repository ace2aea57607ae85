"""Somebody else acts while a job stands still at one of its calls: a writer, a rotation, a reader, another job.

A point is `WHO,SHAPE,FIRST,SECOND,KILL`: WHO takes the first step before call FIRST of the job, the second one before
call SECOND; the job is killed at its call KILL (0: it is not). Every tenth FIRST runs with the waits of a real job.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from faults import stepper
from faults.archive import lay
from faults.bystanders import Appender, Bystander, Latecomer, Logrotate, Planter, Reader, Rotation, SecondJob
from faults.campaign import Campaign, LayerResult
from faults.oracle import Finding, Oracle
from faults.stepper import GO, KILL, Call, Verdict
from faults.victim import Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.victim import Ended

NAME = "interleave"
BYSTANDERS: dict[str, type[Bystander]] = {
    "append": Appender,
    "rotation": Rotation,
    "logrotate": Logrotate,
    "reader": Reader,
    "latecomer": Latecomer,
    "planter": Planter,
}
MOST = {
    "append": 10_000,
    "append, early": 1_000,
    "append, kill": 1_000,
    "latecomer": 400,
    "rotation": 200,
    "logrotate": 10_000,
    "logrotate, early": 200,
    "reader": 200,
    "planter": 100,
    "job": 200,
}
# First steps that are left out, and counted as that: limits of what a lease and a name can tell.
_UNSEEN = "a rename of the segment between the last look at its name and its replacement"
_TOO_LATE = "a writer's open() of an old file between the last look at its lease and its end"
LIMITS = {
    ("logrotate", "renameat"): _UNSEEN,
    ("logrotate", "unlinkat"): _UNSEEN,
    ("latecomer", "newfstatat"): _TOO_LATE,
    ("latecomer", "unlinkat"): _TOO_LATE,
}
QUICK = 8  # points of each kind


def run(campaign: Campaign) -> LayerResult:
    """Explores all appends and rotations from when the segment has been read on, and a choice of everything else."""
    reason = stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    points = [
        point
        for kind, most in MOST.items()
        for point in campaign.chosen(list(_points(campaign, kind)), QUICK if campaign.quick else most)
    ]
    result = campaign.explore(NAME, points, lambda point: _check(campaign, point))
    for (kind, name), reason in LIMITS.items():
        result.skipped[reason] += sum(_calls(campaign, shape).count(name) for shape in _shapes(kind))
    return result


def _points(campaign: Campaign, kind: str) -> Iterator[str]:
    for shape in _shapes(kind):
        calls = _calls(campaign, shape)
        for first in _turns(kind, calls):
            for second in range(first, len(calls) + 2):
                if kind == "append, kill":
                    yield from (f"append,{shape},{first},{second},{kill}" for kill in range(first, len(calls) + 1))
                elif second == first or kind not in {"job", "planter"}:
                    yield f"{kind.removesuffix(', early')},{shape},{first},{second},0"


def _shapes(kind: str) -> tuple[str, ...]:
    return ("crashed",) if kind == "latecomer" else ("rewrite", "drop")


def _turns(kind: str, calls: tuple[str, ...]) -> Iterator[int]:
    """The calls before which the first step makes sense, or those from, or until, the reading of the segment."""
    numbers = range(1, len(calls) + 1)
    match kind:
        case "append" | "logrotate":
            numbers = numbers[calls.index("preadv2") :]
        case "append, early" | "logrotate, early":
            numbers = numbers[: calls.index("preadv2")]
        case "planter":  # after the last listing the report says nothing new
            numbers = numbers[: -1 - calls[::-1].index("getdents64")]
    return (number for number in numbers if (kind, calls[number - 1]) not in LIMITS)


def _calls(campaign: Campaign, shape: str) -> tuple[str, ...]:
    return Victim(lay(campaign.folder(NAME), shape), campaign.variant).calls()


def _check(campaign: Campaign, point: str) -> list[Finding] | None:
    kind, shape, first, second, kill = point.split(",")
    archive = lay(campaign.folder(NAME), shape)
    oracle = Oracle(archive)
    victim = Victim(archive, campaign.variant, hasty=int(first) % 10 != 0)
    before = oracle.expired()
    bystander: Bystander
    if kind == "job":
        bystander = SecondJob(victim, oracle, int(first))
    else:
        bystander = BYSTANDERS[kind](archive, int(first), int(second))

    def hook(call: Call) -> Verdict:
        bystander.at(call.number)
        return KILL if call.number == int(kill) else GO

    ended = victim.stepped(hook)
    if len(ended.calls) < max(int(first), int(kill)):
        bystander.end()
        return None
    found = bystander.end()
    if isinstance(bystander, SecondJob):
        before -= bystander.gone
        found += _of_two_jobs(ended.calls, int(first), bystander.ended)
    return [*found, *victim.aftermath(oracle, ended, before)]


def _of_two_jobs(calls: tuple[str, ...], first: int, second: Ended) -> Iterator[Finding]:
    """While the first job holds the folder, from its flock to its last closing of something, the other ends with 4."""
    before, after = calls[: first - 1], calls[first - 1 :]
    allowed = {4} if "flock" in before else {0}
    if not set(after) - {"close", "write"}:
        allowed = {0, 4}
    if second.status not in allowed:
        yield Finding("misreported", f"a second job beside this one ended with {second.status}")
