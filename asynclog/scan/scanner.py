"""The scan: an async iterator over censuses, each yielded as soon as its segment has been read."""

from array import array
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from asynclog.model import Census, Policy, Segment, Unread
from asynclog.pace import Pace
from asynclog.scan.evidence import BUDGET, Evidence
from asynclog.scan.pieces import Piece, Reading, Refused, View, cut_up, read_piece
from asynclog.scan.readers import Kind
from asynclog.scan.tally import Tally
from asynclog.workers import Crew

NOWHERE: Mapping[str, int] = {}

WORTH_PROCESSES = 16 << 20  # bytes; below, starting processes takes longer than reading


class Scanner(msgspec.Struct, frozen=True):
    """How to read a log: its folder, by descriptor and by path, the policy, the present, the reader, and how fast."""

    folder: int
    path: str
    policy: Policy
    now: int
    kind: Kind
    pace: Pace = Pace()

    @asynccontextmanager
    async def censuses(
        self, segments: Iterable[Segment], crew: Crew, evidence: Evidence, starts: Mapping[str, int] = NOWHERE
    ) -> AsyncIterator[AsyncIterator[Census | Unread]]:
        """Reads these segments, several at once; for `async with`. Of one that `starts` names, only what lies beyond.

        The census of a segment holds for the fingerprint that the segment was listed with. The huge ones come last: no
        small one waits for them, and their pieces keep all workers busy to the end. The Python reader works in other
        processes where that pays, the kernel in threads.
        """
        cuts = [cut_up(segment, starts.get(segment.name, 0)) for segment in segments]
        pieces = [piece for cut in sorted(cuts, key=len) for piece in cut]
        total = sum(piece.end - piece.start for piece in pieces)
        apart = self.kind == "python" and crew.jobs > 1 and total >= WORTH_PROCESSES
        view = View(self.path if apart else self.folder, self.kind, self.policy, self.now)
        work = partial(read_piece, view, self.pace.shared_by(crew.jobs) if apart else self.pace)
        async with crew.results(work, pieces, apart=apart) as results:
            yield _joined(results, evidence, starts)


async def _joined(
    results: AsyncIterator[tuple[Piece, Reading | Refused]], evidence: Evidence, starts: Mapping[str, int]
) -> AsyncIterator[Census | Unread]:
    """Puts the pieces of each segment together again."""
    under_way: dict[str, _Progress] = {}
    async for piece, result in results:
        name = piece.segment.name
        progress = under_way.get(name)
        if progress is None:
            progress = under_way[name] = _Progress(piece.segment, starts.get(name, 0))
        progress.add(piece, result)
        if not progress.missing:
            yield under_way.pop(name).finding(evidence)


class _Progress:
    """What is known of one segment so far."""

    def __init__(self, segment: Segment, start: int) -> None:
        self.missing = len(cut_up(segment, start))
        self._segment = segment
        self._tally: Tally | None = None
        self._refused: Refused | None = None
        self._gone: dict[int, array[int]] | None = None if start else {}

    def add(self, piece: Piece, result: Reading | Refused) -> None:
        self.missing -= 1
        if isinstance(result, Refused):
            self._refused = result
            return
        self._keep(piece.start, result.gone)
        if self._tally is None:
            self._tally = result.tally
        else:
            self._tally.add(result.tally)

    def _keep(self, start: int, gone: "array[int] | None") -> None:
        """Remembers a piece's ranges, until all of them together are too many."""
        if self._gone is None:
            return
        if gone is None or sum(map(len, self._gone.values()), len(gone)) * gone.itemsize > BUDGET:
            self._gone = None
        else:
            self._gone[start] = gone

    def finding(self, evidence: Evidence) -> Census | Unread:
        name, fingerprint = self._segment.name, self._segment.fingerprint
        if self._refused or self._tally is None:
            refused = self._refused or Refused("nothing of it was read")
            return Unread(name, fingerprint, refused.reason, refused.failed)
        if self._gone is not None:
            ranges = array("q")
            for start in sorted(self._gone):
                ranges.extend(self._gone[start])
            evidence.remember(name, ranges)
        return self._tally.census(name, fingerprint)
