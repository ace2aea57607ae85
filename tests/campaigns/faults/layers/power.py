"""The power fails while a job is at work on a real ext4 or xfs; then the machine starts again.

A point is `FS,SHAPE,JOBS,CALL,FLAG`: the disk stops before the job's file-system call number CALL (0: once it has
ended). What the journal still had in memory is written then with FLAG 1, and lost with FLAG 2; bytes that nobody
synced are lost anyway. Calls behind one that only looks are left out: they would find the same disk.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from faults.archive import SHAPES, lay
from faults.mounts import Mount, explore_each
from faults.oracle import Finding, Oracle, judged
from faults.stepper import GO, KILL, Call, Verdict
from faults.victim import Victim

if TYPE_CHECKING:
    from faults.campaign import Campaign, LayerResult

NAME = "power"
KINDS = ("ext4", "xfs")
JOBS = (1, 4)
FLAGS = (1, 2)
MOST = 540  # points on each file system; all of them are some 1,200
LOOKS = {"read", "preadv2", "lseek", "fstat", "newfstatat", "close", "getdents64", "ioctl", "fcntl", "flistxattr"}
LOOKS |= {"pread64", "readlink", "fgetxattr", "flock"}


def run(campaign: Campaign) -> LayerResult:
    """Cuts the power at a choice of these points, on each file system that can be had."""
    return explore_each(campaign, NAME, KINDS, partial(_points, campaign), partial(_check, campaign))


def _points(campaign: Campaign, mount: Mount) -> list[str]:
    points = []
    for shape, jobs in product(SHAPES, JOBS):
        calls = Victim(lay(mount.path / "log", shape), campaign.variant, jobs).calls()
        numbers = [number for number in range(2, len(calls) + 1) if calls[number - 2] not in LOOKS]
        points += [f"{mount.kind},{shape},{jobs},{number},{flag}" for number in (*numbers, 0) for flag in FLAGS]
    return campaign.chosen(points, MOST)


def _check(campaign: Campaign, mount: Mount, point: str) -> list[Finding] | None:
    _, shape, jobs, number, flag = point.split(",")
    archive = lay(mount.path / "log", shape)
    mount.sync()
    oracle = Oracle(archive)
    before = oracle.expired()
    victim = Victim(archive, campaign.variant, int(jobs))

    def cut(call: Call) -> Verdict:
        if call.number != int(number):
            return GO
        mount.cut_power(int(flag))
        return KILL

    ended = victim.stepped(cut)
    if number != "0" and ended.status >= 0:
        return None
    if number == "0":
        mount.cut_power(int(flag))
    mount.remount()
    durable = oracle.at_the_end() if ended.status == 0 else ()
    return [*durable, *judged(oracle, ended, before, victim.run)]
