"""Somebody else acts while a job stands still at one of its calls: a writer, a rotation, a reader, another job.

A point is `WHO,SHAPE,FIRST,SECOND,END`: WHO takes the first step before call FIRST of the job, the second one before
call SECOND. With END `7` the job is killed at its call 7, with `7EIO` that call fails, with `0` nothing else happens
to it. Every tenth FIRST runs with the waits of a real job. WHO is one of `crowd`.
"""

from __future__ import annotations

import errno
from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

from faults import stepper
from faults.archive import lay
from faults.bystanders import SecondJob
from faults.campaign import Campaign, LayerResult
from faults.crowd import BYSTANDERS, HARMLESS, MOST
from faults.meddlers import Daemon, Nonblocking
from faults.oracle import Finding, Oracle
from faults.stepper import GO, KILL, Call, Verdict
from faults.victim import Victim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from faults.bystanders import Bystander
    from faults.victim import Ended

T = TypeVar("T")

NAME = "interleave"
# A first step that is left out, and counted as that: a limit of what a lease can tell.
TOO_LATE = "a writer's open() of an old file between the last look at its lease and its end"
LATE = {"latecomer", "latetruncate"}
PACKERS = {"append", "logrotate", "reader", "nonblocking"}  # what these do is done to packed segments, too
FAILS = "EIO"
BEHIND = 32  # calls of a job that found another file in a segment's place, from the swap to where all is in order again
TAKES = ("ftruncate", "renameat2")  # these empty a segment, or take its name


class Pick(Protocol):
    """Choose some of these items."""

    def __call__(self, items: Iterable[T], /) -> list[T]: ...


def run(campaign: Campaign) -> LayerResult:
    """Explores all appends and rotations from when the segment has been read on, and a choice of everything else."""
    reason = stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    points: list[str] = []
    for kind, most in MOST.items():
        if campaign.quick:
            points += _points(campaign, kind, _one_by(Random(f"{campaign.seed} {kind}")))  # noqa: S311 - as `chosen`
        elif campaign.wants(kind.partition(",")[0]):
            points += campaign.chosen(list(_points(campaign, kind)), most)
    Nonblocking.refused = 0
    result = campaign.explore(NAME, points, lambda point: _check(campaign, point))
    result.skipped[TOO_LATE] += _calls(campaign, "crashed").count("unlinkat")
    result.notes.append(f"open() of writers who don't wait failed with EAGAIN {Nonblocking.refused:,} times")
    return result


def _one_by(random: Random) -> Pick:
    def pick(items: Iterable[T]) -> list[T]:
        items = list(items)
        return [random.choice(items)] if items else []

    return pick


def _points(campaign: Campaign, kind: str, pick: Pick = list) -> Iterator[str]:
    """Yield the points of this kind, or those that are picked on the way, at each fork of it."""
    who, _, when = kind.partition(", ")
    for shape in pick(("swapped",) if when == "recovery" else _shapes(who)):
        calls = _calls(campaign, shape)
        leased = _leased(campaign, shape)
        for first in pick(_firsts(who, when, calls, leased)):
            for second in pick(_later(who, when, first, len(calls), _commit(calls, leased))):
                yield from (f"{who},{shape},{first},{second},{end}" for end in pick(_ends(when, first, len(calls))))


def _firsts(who: str, when: str, calls: tuple[str, ...], leased: list[int]) -> list[int]:
    """Return the calls before which a bystander comes."""
    if when.startswith("exchange"):  # after the last look at the lease before it
        return [number for number in leased if calls[number - 1] in TAKES]
    return leased if when.startswith("leased") else list(_turns(who, when, calls))


def _later(who: str, when: str, first: int, calls: int, lease: int) -> range:
    if who in {"job", "planter"}:
        return range(first, first + 1)
    end = first + BEHIND if when == "swap" else lease + 1 if when in {"before", "between"} else calls + 2
    return range(first, end)


def _commit(calls: tuple[str, ...], leased: list[int]) -> int:
    """Return the call before which a job has just taken the lease for its first commit, not one only to look."""
    number = next((number for number in leased if calls[number - 1] in TAKES), len(calls))
    while number - 1 in leased:
        number -= 1
    return number


def _ends(when: str, first: int, calls: int) -> Iterator[str]:
    match when:
        case "kill" | "leased, kill" | "exchange, kill":
            yield from map(str, range(first, calls + 1))
        case "swap":
            yield "0"
            yield from map(str, range(first, first + BEHIND))
            yield from (f"{number}{FAILS}" for number in range(first, first + BEHIND))
        case _:
            yield "0"


def _shapes(who: str) -> tuple[str, ...]:
    if who in LATE:
        return ("crashed",)
    if who == "repack":
        return ("repacked", "packeddrop")
    if who == "job":
        return ("rewrite", "drop", "repacked", "packeddrop")
    return ("rewrite", "drop", "full", *(("repacked", "packeddrop") if who in PACKERS else ()))


def _turns(who: str, when: str, calls: tuple[str, ...]) -> Iterator[int]:
    """Yield the calls before which the first step makes sense."""
    numbers = range(1, len(calls) + 1)
    read = _read(calls)
    if when in {"late", "kill", "between"}:
        numbers = numbers[read:]
    elif when == "early":
        numbers = numbers[:read]
    elif who == "planter":  # after the last listing the report says nothing new
        numbers = numbers[: -1 - calls[::-1].index("getdents64")]
    for number in numbers:
        name = calls[number - 1]
        if (when != "swap" or name == "renameat2") and (who not in LATE or name != "unlinkat"):
            yield number


def _read(calls: tuple[str, ...]) -> int:
    """Where the segment has been read: the first such call looks into the cache."""
    reads = [index for index, name in enumerate(calls) if name == "preadv2"]
    if len(reads) < 2:
        raise AssertionError(f"a job that nobody disturbed has read nothing: {calls}")
    return reads[1]


@cache
def _calls(campaign: Campaign, shape: str) -> tuple[str, ...]:
    return Victim(lay(campaign.folder(NAME), shape), campaign.variant).calls()


@cache
def _leased(campaign: Campaign, shape: str) -> list[int]:
    return Victim(lay(campaign.folder(NAME), shape), campaign.variant).leased()


def _check(campaign: Campaign, point: str) -> list[Finding] | None:
    who, shape, first, second, end = point.split(",")
    archive = lay(campaign.folder(NAME), shape)
    oracle = Oracle(archive, ordered=who not in BYSTANDERS or BYSTANDERS[who].ordered)
    victim = Victim(archive, campaign.variant, hasty=int(first) % 10 != 0)
    victim.prepare()
    before = oracle.expired()
    bystander: Bystander
    if who == "job":
        bystander = SecondJob(victim, oracle, int(first))
    else:
        bystander = BYSTANDERS[who](archive, int(first), int(second))

    number = int(end.removesuffix(FAILS))
    verdict = Verdict("fail", errno.EIO) if end.endswith(FAILS) else KILL
    archive.ledger.copied_twice = bool(number)

    def hook(call: Call) -> Verdict:
        bystander.at(call.number)
        return verdict if call.number == number else GO

    ended = victim.stepped(hook)
    if len(ended.calls) < max(int(first), number):
        bystander.end()
        return None
    found = bystander.end()
    if isinstance(bystander, SecondJob):
        before -= bystander.gone
        found += _of_two_jobs(ended.calls, int(first), bystander.ended)
    if who in HARMLESS and shape != "full" and not number and ended.status:
        found.append(Finding("misreported", f"beside such a writer a job ended with {ended.status}"))
    if isinstance(bystander, Daemon):
        found += [*oracle.at_any_time(), *oracle.honest(ended, before), *bystander.stay(oracle, victim.again)]
        before, ended = oracle.expired(), victim.again()
    return [*found, *victim.aftermath(oracle, ended, before)]


def _of_two_jobs(calls: tuple[str, ...], first: int, second: Ended) -> Iterator[Finding]:
    """While the first job has the log, from its flock to the close behind its last ftruncate, the other ends with 4."""
    if "flock" not in calls:  # a job that takes no lock has to show what comes of that
        return
    taken, given_back = calls.index("flock") + 1, len(calls) - calls[::-1].index("ftruncate") + 1
    if second.status != (4 if taken < first <= given_back else 0):
        yield Finding("misreported", f"a second job beside this one ended with {second.status}")
