"""One segment, one owner: which profile of a configuration claims which file, and what two of them claim."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.naming import SegmentNaming, hidden_behind

_LOCK = re.compile(r"\.(.+)\.al-lock", re.DOTALL)


class Claim(msgspec.Struct, frozen=True):
    """The files that one profile takes for segments of its log, whose base path is `log`: as in `SegmentNaming`.

    If it is `of_many`, that is a pattern of folders, each with a log of this name.
    """

    profile: str
    log: str
    enabled: bool
    patterns: tuple[str, ...] = ()
    more_names: tuple[str, ...] = ()
    of_many: bool = False

    @property
    def base(self) -> str:
        return self.log.rpartition("/")[2]

    @property
    def names(self) -> SegmentNaming:
        return SegmentNaming(self.base, self.patterns, more_names=self.more_names)


class Contest(msgspec.Struct, frozen=True):
    """A file that two profiles claim: the log of both (`is_log`), one that is there, or one that may yet come."""

    file: str
    first: Claim
    second: Claim
    is_log: bool = False
    is_there: bool = True


def contests(entries: Sequence[str], claims: Iterable[Claim]) -> Iterator[Contest]:
    """Yield a contest for each two enabled claims that meet in a folder with these entries.

    Also told are the names that a log is sure to get: its base file, and that of a late segment.
    """
    entries = [*entries, *_leftovers(entries)]
    for first, second in combinations([claim for claim in claims if claim.enabled], 2):
        if first.base == second.base:
            yield Contest(first.log, first, second, is_log=True)
            continue
        to_come = [name for claim in (first, second) for name in (claim.base, claim.names.late_name("0" * 8, 0))]
        one, other = first.names, second.names
        file = next((name for name in [*entries, *to_come] if one.match(name) and other.match(name)), None)
        if file is not None:
            folder = first.log.removesuffix(first.base)
            yield Contest(folder + file, first, second, is_there=file in entries)


def _leftovers(entries: Iterable[str]) -> Iterator[str]:
    """Yield the segments whose hidden names a killed job has left."""
    for name in entries:
        hidden = (OldLink.parse(name) or StagedFile.parse(name)) if name.startswith(".") else None
        if hidden:
            yield hidden.segment


def strays(hidden: Mapping[str, int], entries: Iterable[str], claims: Sequence[Claim]) -> dict[str, int]:
    """Return those of these files, with their bytes, that are no other log's affair; the first claim is this log's own.

    Another log is one that an enabled profile has, or one that has a lock file among the folder's entries.
    """
    own, *rest = claims
    others = [claim.names for claim in rest if claim.enabled]
    locked = (match[1] for match in map(_LOCK.fullmatch, entries) if match)
    others += [SegmentNaming(base) for base in locked if base != own.base]
    return {name: size for name, size in hidden.items() if _is_ours(name, own.names, others)}


def _is_ours(name: str, own: SegmentNaming, others: Iterable[SegmentNaming]) -> bool:
    segment = hidden_behind(name) or ""
    return own.match(segment) or not any(other.match(segment) for other in others)


def in_words(contest: Contest) -> str:
    """Return what is wrong, and what to do about it."""
    one, other = contest.first.profile, contest.second.profile
    if contest.is_log:
        return (
            f"{contest.file} is the log of two profiles, {one} and {other}, and a segment can have one owner only: "
            "leave it to one of them, or set audit.enabled: false in the other"
        )
    file = contest.file if contest.is_there else f"a file such as {contest.file}"
    wide = contest.first if contest.first.patterns else contest.second
    return (
        f"{file} is claimed by two profiles, {_described(contest.first)} and {_described(contest.second)}, and a "
        f"segment can have one owner only: narrow the names that {wide.profile} claims (audit.segments), or give one "
        "of the two logs a folder of its own"
    )


def _described(claim: Claim) -> str:
    named = ", ".join(f'"{pattern}"' for pattern in claim.patterns)
    return f"{claim.profile} (segments {named})" if named else f"{claim.profile} (the log {claim.base})"
