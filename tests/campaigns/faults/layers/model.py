"""Every folder that a power cut may leave on a file system that promises as little as it may: see `crashes`.

A job is recorded, each of these folders is laid out for real, and the real job has to cope with it. A point is
`SHAPE,JOBS,CRASH`, or `SHAPE,JOBS,CRASH,CRASH` where the job that recovers is cut off, too; `?SEED` is any crash. Those
of one job with one worker, which are the same every time, are all checked; of the others a choice.
"""

from __future__ import annotations

import os
import signal
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

from packing import packed

from faults.archive import Archive, Line, lay
from faults.crashes import Crash, State, after, any_crash, crashes
from faults.mounts import in_memory
from faults.oracle import Finding, Oracle, judged
from faults.recorder import BUILT, Appended, Looks, Operation, Recorder
from faults.victim import Ended, Victim
from faults.watched import Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.campaign import Campaign, LayerResult

NAME = "model"
SHAPES = ("rewrite", "drop", "full", "crashed", "swapped", "mixed", "packed", "packeddrop")
TWICE = 1  # second crashes for each first one
SEVERAL = 160  # crashes of four workers
QUICK = 40  # points where it has to be quick
TAILS = 8  # more than there are leases in a run
CUT_OFF = Ended(-signal.SIGKILL, b"", "")


def run(campaign: Campaign) -> LayerResult:
    """Check all crashes of one job, and a sample of all others; of all of them a sample if it has to be quick."""
    with in_memory(NAME) as folder:
        return _explored(campaign, folder)


def _explored(campaign: Campaign, folder: Path) -> LayerResult:
    points = _points(campaign, folder)
    chosen = campaign.chosen(list(points), QUICK) if campaign.quick else points
    return campaign.explore(NAME, chosen, lambda point: _check(campaign, folder, point))


def _points(campaign: Campaign, folder: Path) -> Iterator[str]:
    once = []
    for shape in SHAPES:
        for crash in _different(campaign, lay(folder / "log", shape)):
            once.append(f"{shape},1,{crash}")
            yield once[-1]
    yield from (f"{point},?{campaign.seed}.{number}" for point in once for number in range(TWICE))
    yield from (f"mixed,4,?{campaign.seed}.{number}" for number in range(SEVERAL))


def _different(campaign: Campaign, archive: Archive) -> Iterator[Crash]:
    """Yield the crashes of a job on this archive that leave different folders."""
    before = _state(archive.folder)
    operations, _ = _recorded(campaign, archive, 1)
    seen = set()
    for crash in crashes(operations):
        looks = tuple(frozenset(part.items()) for part in after(crash, before, operations))
        if looks not in seen:
            seen.add(looks)
            yield crash


def _check(campaign: Campaign, folder: Path, point: str) -> list[Finding] | None:
    shape, jobs, *cuts = point.split(",")
    archive = lay(folder / "log", shape)
    dress = {name: file.dress for name, file in Oracle(archive).before.visible.items()}
    for cut in cuts:
        before = _state(archive.folder)
        operations, tails = _recorded(campaign, archive, int(jobs))
        chosen = Random(point)  # noqa: S311 - the same one every time
        crash = any_crash(operations, chosen) if cut.startswith("?") else Crash.parse(cut)
        for operation in operations[: crash.done]:
            if isinstance(operation, Appended):
                archive.ledger.add(tails[operation.data])
        try:
            state = after(crash, before, operations)
        except ValueError:  # a point of another run
            return None
        _lay_out(archive.folder, state)
    oracle = Oracle(archive)
    for name, file in oracle.before.visible.items():
        oracle.before.visible[name] = file._replace(dress=dress.get(name, file.dress))
    return judged(oracle, CUT_OFF, oracle.expired(), Victim(archive, campaign.variant, int(jobs)).run)


def _recorded(campaign: Campaign, archive: Archive, jobs: int) -> tuple[list[Operation], dict[bytes, Line]]:
    """Return what a job does to the archive, and the lines that writers have ready to append to what it replaces."""
    lines = [make() for make in islice(cycle((archive.fresh, archive.old)), TAILS)]
    tails = {line.data: line for line in lines}
    by_bytes = {packed(suffix, data): line for data, line in tails.items() for suffix in ("", ".gz", ".zst")}
    with Notebook() as notebook:
        variant = campaign.variant.on(Recorder, notebook=notebook, tails=iter(tails))
        ended = Victim(archive, variant, jobs).run()
        if ended.status not in {0, 3}:
            raise RuntimeError(f"nothing can be recorded: {ended}")
        return Recorder.read(notebook), by_bytes


def _state(folder: Path) -> State:
    """Return the folder as it is."""
    state = State({}, {}, {})
    for name in os.listdir(folder):
        with open(folder / name, "rb") as file:
            state.names[name] = inode = str(os.fstat(file.fileno()).st_ino)
            state.data[inode], state.looks[inode] = file.read(), Looks.of(file.fileno())
    return state


def _lay_out(folder: Path, state: State) -> None:
    """Make the folder be like that."""
    for name in os.listdir(folder):
        os.unlink(folder / name)
    inodes = {}
    for file, data in state.data.items():
        with open(folder / file, "wb", buffering=0) as target:
            target.write(data)
            state.looks[file].put_on(target.fileno())
            inodes[file] = str(os.fstat(target.fileno()).st_ino)
    for name, file in state.names.items():
        os.link(folder / file, folder / BUILT.sub(lambda match: inodes.get(match[1], match[1]), name))
    for file in state.data:
        os.unlink(folder / file)
