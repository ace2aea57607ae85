"""The scan: an async iterator over censuses, each yielded as soon as its segment has been read."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from asynclog.model import Census, Policy, Segment, Unread
from asynclog.scan.pieces import Piece, Refused, cut_up, read_piece
from asynclog.scan.tally import Tally
from asynclog.workers import Crew


@asynccontextmanager
async def censuses(
    folder: int, segments: Iterable[Segment], policy: Policy, now: int, crew: Crew
) -> AsyncIterator[AsyncIterator[Census | Unread]]:
    """Reads the segments in the folder with this descriptor, several at once; for `async with`.

    The census of a segment holds for the fingerprint that the segment was listed with. The huge ones come last: no
    small one waits for them, and their pieces keep all workers busy to the end.
    """
    pieces = [piece for cut in sorted(map(cut_up, segments), key=len) for piece in cut]
    async with crew.results(partial(read_piece, folder, policy, now), pieces) as results:
        yield _joined(results, Counter(piece.segment.name for piece in pieces))


async def _joined(
    results: AsyncIterator[tuple[Piece, Tally | Refused]], missing: Counter[str]
) -> AsyncIterator[Census | Unread]:
    """Puts the pieces of each segment together again."""
    found: dict[str, Tally | Refused] = {}
    async for piece, result in results:
        name = piece.segment.name
        found[name] = _merged(found.get(name), result)
        missing[name] -= 1
        if not missing[name]:
            yield _verdict(piece.segment, found.pop(name))


def _merged(so_far: Tally | Refused | None, result: Tally | Refused) -> Tally | Refused:
    if isinstance(so_far, Tally) and isinstance(result, Tally):
        so_far.add(result)
    elif so_far is None or isinstance(result, Refused):
        return result
    return so_far


def _verdict(segment: Segment, result: Tally | Refused) -> Census | Unread:
    if isinstance(result, Refused):
        return Unread(segment.name, segment.fingerprint, result.reason, result.failed)
    return result.census(segment.name, segment.fingerprint)
