"""Segments judged under several policies and at several times, in one reading of each."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from asynclog.errors import TooManyKeysError
from asynclog.executors.pool import Crew
from asynclog.executors.rate_limit import Pace
from asynclog.scan.chunks import Piece, Refused, View, cut_up, opened, piece_size
from asynclog.scan.classifiers import make_reader
from asynclog.scan.counter import Tally
from asynclog.scan.line_blocks import whole_lines
from asynclog.scan.scanner import WORTH_PROCESSES, Scanner
from asynclog.types import Census, Fingerprint, Segment, Unread


class Task(msgspec.Struct, frozen=True):
    """A piece, and the views of it that are asked for."""

    piece: Piece
    views: tuple[View, ...]


async def judge(
    scanners: Sequence[Scanner], wanted: Mapping[Segment, Sequence[int]], crew: Crew
) -> tuple[list[dict[str, Census]], list[Unread]]:
    """For each scanner, which differ in policy and time only, the censuses of the segments that are wanted of it.

    `wanted` has the scanners' numbers for each segment; those that could not be read come besides.
    """
    first = scanners[0]
    total = sum(segment.fingerprint.size for segment in wanted)
    apart = first.kind == "python" and crew.jobs > 1 and total >= WORTH_PROCESSES
    views = [View(first.path if apart else first.folder, each.kind, each.policy, each.now) for each in scanners]
    size = piece_size(total, crew.jobs)
    tasks = [
        Task(piece, tuple(views[number] for number in numbers))
        for segment, numbers in wanted.items()
        for piece in cut_up(segment, size, mark=False)
    ]
    missing = Counter(task.piece.segment for task in tasks)
    read: defaultdict[Segment, list[list[Tally]]] = defaultdict(list)
    refused: dict[Segment, Refused] = {}
    work = partial(judge_piece, first.pace.shared_by(crew.jobs) if apart else first.pace)
    async with crew.results(work, tasks, apart=apart) as results:
        async for task, result in results:
            if isinstance(result, Refused):
                refused[task.piece.segment] = result
            else:
                read[task.piece.segment].append(result)
    censuses: list[dict[str, Census]] = [{} for _ in scanners]
    for segment in wanted.keys() - refused.keys():
        if len(read[segment]) < missing[segment]:
            refused[segment] = Refused("the job was stopped before it was read", "not_reached")
            continue
        try:
            found = [_census(segment, tallies) for tallies in zip(*read[segment], strict=True)]
        except TooManyKeysError as error:
            refused[segment] = Refused(f"it can't be read: {error.strerror}", "damaged", failed=True)
            continue
        for number, census in zip(wanted[segment], found, strict=True):
            censuses[number][segment.name] = census
    return censuses, [
        Unread(segment.name, segment.fingerprint, why.reason, why.unjudged, why.failed)
        for segment, why in refused.items()
    ]


def judge_piece(pace: Pace, task: Task) -> list[Tally] | Refused:
    """Counts the lines of one piece for each of the views."""
    return opened(task.views[0].folder, task.piece, partial(_judge, pace, task))


def _judge(pace: Pace, task: Task, descriptor: int, fingerprint: Fingerprint) -> list[Tally]:
    piece = task.piece
    end = min(piece.end, fingerprint.size)
    readers = [make_reader(view.kind, view.policy, view.now) for view in task.views]
    for offset, block in whole_lines(descriptor, piece.start, end, fingerprint.size):
        for reader in readers:
            reader.read(offset, block, None)
        pace.spend(len(block))
        if readers[0].has_fragment:
            break
    return [reader.tally() for reader in readers]


def _census(segment: Segment, tallies: Sequence[Tally]) -> Census:
    whole, *others = tallies
    for other in others:
        whole.add(other)
    return whole.census(segment.name, segment.fingerprint)
