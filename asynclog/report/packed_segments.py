"""The compressed segments of a log that were read, and how much they unpack to. Pure."""

from collections.abc import Iterable

import msgspec

from asynclog.statistics import SegmentState, SegmentStats


class Packed(msgspec.Struct, frozen=True):
    """The compressed segments that were judged: their size before a run, and that of their lines."""

    segments: int = 0
    bytes: int = 0
    unpacked_bytes: int = 0


def sum_packed(states: Iterable[SegmentState | None]) -> Packed:
    """Return the sum over those of these segments that are compressed and were read."""
    packed = [each for each in states if isinstance(each, SegmentStats) and each.unpacked is not None]
    size, unpacked = sum(stats.fingerprint.size for stats in packed), sum(stats.size for stats in packed)
    return Packed(len(packed), size, unpacked)
