"""Facts about a log and its configuration, from which warnings are made. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from asynclog.policy.rules import Policy
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.profile_claims import Contest

Registry = Literal["there", "awaited"]


class Reasons(msgspec.Struct, frozen=True):
    """The reasons of the first `lines` unreadable lines of a log: how many for each."""

    lines: int
    counts: Mapping[str, int]


class WithoutOffset(msgspec.Struct, frozen=True):
    """The number of lines that would be records if their timestamp had an offset; at least that if not `complete`."""

    lines: int = 0
    complete: bool = True


class Facts(msgspec.Struct, frozen=True):
    """The facts known about a log at `now` (ns since 1970).

    `policy` is None if there is none yet, `schemas` is its file.

    `skip_reasons` say, by name, why segments that can be read are never changed. `registry` is None if `schemas` is not
    a registry; `rotated` are files beside it that look like earlier ones. `strays` are hidden files of killed jobs that
    no job handles, with their sizes. `cut` is a segment with a record that stays and refers to one that is deleted;
    empty if there is none. `way_on` says what to do if no line is a record, empty if that is not known. `hindrances`
    are a dry run's: sentences about what would prevent the planned actions. `logs` are those that the folder seems to
    have, if it has no segment of this one.
    """

    folder: str
    base: str
    now: int = 0
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
    ignored_keys: Sequence[str] = ()
    contests: Sequence[Contest] = ()
    reasons: Reasons | None = None
    way_on: str = ""
    without_offset: WithoutOffset = WithoutOffset()
    cut: str = ""
    hindrances: Sequence[str] = ()
    logs: Sequence[str] = ()


def has_no_record(states: Iterable[SegmentState]) -> bool:
    """Return whether these segments have lines, but not a single record."""
    all_stats = [state for state in states if isinstance(state, SegmentStats)]
    return any(stats.unreadable for stats in all_stats) and not any(stats.schemas for stats in all_stats)


def is_partly_known(facts: Facts) -> bool:
    """Return whether there are readable segments that have not been read."""
    return any(isinstance(each, Segment) and each.is_readable for each in facts.states)
