"""Writers on one side of another mount, jobs on the other: neither's leases are seen there.

A point is `WHAT,SIDE`: on which side the jobs are, `above` on the mount or `below` it; the writers are on the other.
WHAT is `soak`, writers against jobs back to back, or `held`: a writer opens an old segment, is quiet while a job
runs, and writes then: the next job has to find that. With `job` nobody writes: while one job changes names, another
on the other side may not begin.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from faults import bindfs, stepper
from faults.archive import Archive, lay
from faults.campaign import Campaign, LayerResult
from faults.layers.soak import Figures, job
from faults.oracle import Finding, Oracle
from faults.stepper import GO, Call, Verdict
from faults.victim import Ended, Victim
from faults.watched import Hesitant
from faults.writers import Quiet, Rotator, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "other_mount"
POINTS = ("soak,above", "soak,below", "held,above", "held,below", "job,above", "job,below")
JOBS, LINES = 200, 5_000  # at the least
FEW = 4  # jobs, where it has to be quick
PAUSE = 0.1  # seconds between two jobs
SELDOM = 0.3  # seconds between two batches
ENOUGH = 400  # segments: while there are more, no others are begun, or a slow machine never comes to an end
QUIET = 2  # jobs that nobody disturbs
CONSENT = ("--weak-leases",)
MEANT = "--allow-delete-all"


class Seldom(Quiet):
    """Writes no more than jobs can keep up with: in the weaker mode all of it stays for an hour, each time anew."""

    def turn(self) -> None:
        if not self.stopped.wait(SELDOM):
            super().turn()


class Moderate(Rotator):
    """Begins no more segments than the jobs can keep up with: in the weaker mode each one stays for an hour."""

    def turn(self) -> None:
        if len(os.listdir(self.archive.folder)) < ENOUGH:
            with contextlib.suppress(FileNotFoundError):  # bindfs opens in two steps, and a job came between them
                super().turn()


def run(campaign: Campaign) -> LayerResult:
    """Lets them work."""
    reason = bindfs.unavailable() or stepper.unavailable()
    if reason:
        return LayerResult(NAME, skipped=Counter({reason: 1}))
    notes: list[str] = []
    result = campaign.explore(NAME, POINTS, partial(_check, campaign, notes))
    result.notes += notes
    return result


def _check(campaign: Campaign, notes: list[str], point: str) -> list[Finding]:
    what, side = point.split(",")
    archive = lay(campaign.folder(NAME) / "log")
    above = Archive(campaign.folder(NAME) / "mount")
    above.ledger, above.policy = archive.ledger, archive.policy
    with bindfs.bound(archive.folder, above.folder):
        oracle = Oracle(archive, ordered=False, weak=side == "above")
        hesitant = campaign.variant.on(Hesitant)
        # What expired is years old, and all of it is meant to go.
        victim = Victim(above, hesitant, hasty=False, options=(*CONSENT, MEANT))
        other = Victim(archive, hesitant, hasty=False, options=(MEANT,))
        writers = archive
        if side == "below":
            victim, other, writers = other, victim, above
        if what == "held":
            return _held(victim, writers, oracle)
        if what == "job":
            return _beside(victim, other, oracle)
        figures = Figures()
        found = _soaked(victim, writers, oracle, figures, FEW if campaign.quick else JOBS)
        notes += [f"jobs {side}: {note}" for note in figures.notes() if "never" not in note]
        return found


def _soaked(victim: Victim, archive: Archive, oracle: Oracle, figures: Figures, jobs: int) -> list[Finding]:
    found: list[Finding] = []
    writers = Writer(archive, 1), Seldom(archive, 2), Seldom(archive, 3), Moderate(archive, 4)
    with writers[0], writers[1], writers[2], writers[3]:
        while figures.jobs < jobs and not found:
            found += job(victim, figures)
            time.sleep(PAUSE)  # so long a writer may have a file open that has just been replaced
    for _ in range(QUIET):
        found += job(victim, figures)
    found += [*oracle.at_any_time(), *_hidden(oracle)] if oracle.weak else oracle.at_the_end()
    gone = archive.ledger.expired() - oracle.expired()
    if figures.deleted != gone:
        found.append(Finding("misreported", f"{gone} are gone, {figures.deleted} are told"))
    figures.lines = len(archive.ledger.lines)
    figures.waits = [wait for writer in writers for wait in writer.waits]
    if jobs == JOBS and figures.lines < LINES:
        found.append(Finding("unfinished", f"only {figures.lines} lines were written"))
    return found


def _hidden(oracle: Oracle) -> Iterator[Finding]:
    """Yield lines that nobody can see although a job has run since they were written."""
    reading = oracle.read()
    for data in reading.beneath - reading.lines().keys():
        line = oracle.ledger.lines.get(data)
        if line is not None and line.fate == "stays":
            yield Finding("unfinished", f"still hidden: {data[:100]!r}")


def _held(victim: Victim, archive: Archive, oracle: Oracle) -> list[Finding]:
    found: list[Finding] = []
    strangers = oracle.archive.strangers
    names = [name for name, file in oracle.before.visible.items() if file.data.endswith(b"\n")]
    with _opened(archive, [name for name in names if name not in strangers]) as descriptors:
        found += _run(victim, oracle)
        for descriptor in descriptors:
            line = oracle.archive.fresh()
            os.write(descriptor, line.data)
            archive.ledger.add(line)
        found += oracle.at_any_time()
    found += _run(victim, oracle)
    return [*found, *oracle.at_any_time(), *_hidden(oracle)]


def _beside(victim: Victim, other: Victim, oracle: Oracle) -> list[Finding]:
    seconds: list[Ended] = []

    def hook(call: Call) -> Verdict:
        if call.name == "renameat2" and not seconds:
            seconds.append(other.run())
        return GO

    before = oracle.expired()
    ended = victim.stepped(hook)
    found = [*oracle.at_any_time(), *oracle.honest(ended, before)]
    if [second.status for second in seconds] != [4]:
        found.append(Finding("misreported", f"beside this job another ended with {seconds[:1]}"))
    return found


@contextmanager
def _opened(archive: Archive, names: list[str]) -> Iterator[list[int]]:
    descriptors = [os.open(archive.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC) for name in names]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _run(victim: Victim, oracle: Oracle) -> list[Finding]:
    before = oracle.expired()
    ended = victim.run()
    found = list(oracle.honest(ended, before))
    if ended.status:
        found.append(Finding("misreported", f"beside a writer a job ended with {ended.status}: {ended.errors[-300:]}"))
    return found
