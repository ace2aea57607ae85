"""Who comes beside a job, and at how many points of each kind.

After the name, `leased` is while the job holds a lease, `before` from its beginning until it has one for a commit,
`late` from when a segment is read on, `between` from then until that lease, `swap` when names are exchanged,
`recovery` beside a job that finds what killed ones have left, `kill` where the job is killed later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults import bystanders, holders, meddlers

if TYPE_CHECKING:
    from faults.bystanders import Bystander

BYSTANDERS: dict[str, type[Bystander]] = {
    "append": bystanders.Appender,
    "rotation": bystanders.Rotation,
    "logrotate": bystanders.Logrotate,
    "twice": bystanders.Twice,
    "follower": bystanders.Follower,
    "copytruncate": bystanders.Copytruncate,
    "reader": bystanders.Reader,
    "latecomer": bystanders.Latecomer,
    "planter": bystanders.Planter,
    "truncate": meddlers.Truncater,
    "refill": meddlers.Refiller,
    "latetruncate": meddlers.LateTruncater,
    "overwrite": meddlers.Overwriter,
    "repack": meddlers.Repacker,
    "copywait": meddlers.WaitingCopytruncate,
    "nonblocking": meddlers.Nonblocking,
    "daemon": meddlers.Daemon,
    "mapping": holders.Mapping,
    "leaseholder": holders.Leaseholder,
    "folderlock": holders.FolderLock,
}
MOST = {
    "append, late": 3_000,
    "append, early": 200,
    "append, kill": 400,
    "append, leased, kill": 300,
    "append, recovery": 150,
    "latecomer": 300,
    "rotation": 200,
    "logrotate, late": 1_200,
    "logrotate, early": 200,
    "logrotate, kill": 500,
    "logrotate, swap": 300,
    "logrotate, recovery": 150,
    "twice, swap": 200,
    "follower, late": 500,
    "follower, swap": 300,
    "copytruncate": 300,
    "reader": 200,
    "planter": 100,
    "job": 200,
    "truncate": 100,
    "truncate, leased": 500,
    "truncate, leased, kill": 300,
    "refill": 100,
    "refill, leased": 300,
    "refill, leased, kill": 200,
    "refill, exchange, kill": 400,
    "latetruncate": 200,
    "overwrite": 100,
    "overwrite, between": 200,
    "overwrite, leased": 500,
    "overwrite, leased, kill": 300,
    "overwrite, exchange, kill": 400,
    "repack": 100,
    "repack, between": 300,
    "repack, leased": 200,
    "copywait": 100,
    "copywait, leased": 500,
    "copywait, leased, kill": 300,
    "nonblocking, leased": 200,
    "daemon, leased": 300,
    "daemon, leased, kill": 200,
    "mapping": 200,
    "mapping, before": 500,
    "mapping, between": 300,
    "mapping, kill": 200,
    "leaseholder": 200,
    "folderlock": 100,
}
# These may not make a job fail, whatever they do and whenever they come, but where the disk is full.
HARMLESS = {"truncate", "refill", "latetruncate", "overwrite", "copywait", "nonblocking", "daemon", "mapping", "repack"}
HARMLESS |= {"leaseholder", "folderlock"}
# Those for whom a lease counts, whom a job stopped for long has to expect.
PATIENT = ("append", "truncate", "refill", "overwrite", "copywait")
