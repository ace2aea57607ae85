"""Facts about a log and its configuration, for warnings: without a sentence. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from asynclog.policy.rules import Policy
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats
from asynclog.storage.claims import Contest
from asynclog.storage.naming import SegmentNaming

Registry = Literal["there", "awaited"]


class Reasons(msgspec.Struct, frozen=True):
    """Why the first `lines` unreadable lines of a log are: how many for each reason."""

    lines: int
    counts: Mapping[str, int]


class WithoutOffset(msgspec.Struct, frozen=True):
    """The number of lines that would be records if their timestamp had an offset; at least that if not `complete`."""

    lines: int = 0
    complete: bool = True


class Facts(msgspec.Struct, frozen=True):
    """The facts known of a log. `policy` is None if there is none yet, `schemas` is its file.

    `skip_reasons` are the reasons why segments that can be read are never changed, by their names. `registry` is None
    where that is no registry; `rotated` are files beside it that look like earlier ones. `strays` are hidden files
    of killed jobs that no job sees to, with their bytes. `cut` is a segment whose
    record would stay and names one that goes; empty if there is none, or nothing goes. `hindrances` are a dry run's: in
    sentences, what would keep a run from doing what is planned.
    """

    folder: str
    base: str
    is_there: bool = True
    names: SegmentNaming | None = None
    states: Sequence[SegmentState] = ()
    skip_reasons: Mapping[str, str] = {}
    neighbours: Sequence[str] = ()
    strays: Mapping[str, int] = {}
    policy: Policy | None = None
    schemas: str = ""
    registry: Registry | None = None
    rotated: Sequence[str] = ()
    unread_keys: Sequence[str] = ()
    contests: Sequence[Contest] = ()
    reasons: Reasons | None = None
    without_offset: WithoutOffset = WithoutOffset()
    cut: str = ""
    hindrances: Sequence[str] = ()


def has_no_record(states: Iterable[SegmentState]) -> bool:
    """Return whether these segments have lines, and not one of them is a record."""
    all_stats = [state for state in states if isinstance(state, SegmentStats)]
    return any(stats.unreadable for stats in all_stats) and not any(stats.schemas for stats in all_stats)


def is_partly_known(facts: Facts) -> bool:
    """Return whether there are segments that nobody has read, although they could be."""
    return any(isinstance(each, Segment) and each.is_readable for each in facts.states)
