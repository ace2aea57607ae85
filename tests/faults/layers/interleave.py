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
    "logrotate": 400,
    "reader": 200,
    "planter": 100,
    "job": 200,
}
# Who comes to an old file between the last look at its lease and its end is too late: the waits are there for them.
TOO_LATE = {
    ("latecomer", "newfstatat"),
    ("latecomer", "unlinkat"),
    # The window that docs/reliability.md states as a limit: between the last look at a name and what happens to it.
    ("logrotate", "renameat"),
    ("logrotate", "unlinkat"),
}
QUICK = 12  # points of each kind


def run(campaign: Campaign) -> LayerResult:
    """Explores a choice of schedules of each kind; of appends from when the segment has been read on, all of them."""
    reason = stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    points = [
        point
        for kind, most in MOST.items()
        for point in campaign.chosen(list(_points(campaign, kind)), QUICK if campaign.quick else most)
    ]
    return campaign.explore(NAME, points, lambda point: _check(campaign, point))


def _points(campaign: Campaign, kind: str) -> Iterator[str]:
    for shape in ("crashed",) if kind == "latecomer" else ("rewrite", "drop"):
        calls = _calls(campaign, shape)
        for first in _turns(kind, calls):
            for second in range(first, len(calls) + 2):
                if kind == "append, kill":
                    yield from (f"append,{shape},{first},{second},{kill}" for kill in range(first, len(calls) + 1))
                elif second == first or kind not in {"job", "planter"}:
                    yield f"{kind.removesuffix(', early')},{shape},{first},{second},0"


def _turns(kind: str, calls: tuple[str, ...]) -> Iterator[int]:
    """The calls before which the first step makes sense, or, for appends, those of its part."""
    numbers = range(1, len(calls) + 1)
    match kind:
        case "append":
            numbers = numbers[calls.index("preadv2") :]
        case "append, early":
            numbers = numbers[: calls.index("preadv2")]
        case "planter":  # after the last listing the report says nothing new
            numbers = numbers[: -1 - calls[::-1].index("getdents64")]
    return (number for number in numbers if (kind, calls[number - 1]) not in TOO_LATE)


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
