"""What there is to notice about a log beside its records: looked up here, put into words by `report.warnings`."""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from asynclog.config.contested import refuse
from asynclog.config.settings import Settings
from asynclog.report.warnings import Facts, Reasons, Registry, WithoutOffset, has_no_record
from asynclog.scan.chunks import ReadFailure
from asynclog.scan.unreadable_lines import Unreadable
from asynclog.storage.claims import contests
from asynclog.types import Policy, Segment, SegmentState, SegmentStats

# Unreadable lines that are looked at for the commonest reason, and their bytes: a MiB takes some two seconds.
_MOST_LINES = 2000
_MOST_BYTES = 1 << 20

# Bytes that are looked at for timestamps without an offset: of one segment, and of all.
_MOST_OF_A_SEGMENT = 1 << 20
_MOST_OF_ALL = 16 << 20

# The first unreadable lines of a segment: its name, and how many at the most.
FirstUnreadable = Callable[[str, int], list[Unreadable] | ReadFailure]
# How many lines that start in so many first bytes of a segment are no records for want of an offset.
CountWithoutOffset = Callable[[str, int], int | ReadFailure]


def refuse_contests(settings: Settings, entries: Sequence[str]) -> None:
    """Raises ConfigurationError where two profiles claim one of these files; in MXCP's own file that is a warning.

    The settings were refused then, too: but the folder's lock may have been waited for since, and other logs rotated.
    """
    if len(settings.claims) > 1 and not settings.is_mxcps:
        refuse(contests(entries, settings.claims))


def facts_of_none(settings: Settings, policy: Policy | None) -> Facts:
    """What is known of a log whose folder does not exist yet. Without a policy there is none to be yet."""
    return Facts(
        folder=settings.folder,
        base=settings.base,
        is_there=False,
        policy=policy,
        schemas=settings.schemas,
        registry=_registry(settings),
        rotated=_rotated(settings.schemas) if policy is not None else (),
        unread_keys=settings.unread_keys,
        contests=settings.contests,
    )


def facts_of(
    settings: Settings,
    policy: Policy | None,
    folder: int,
    entries: Iterable[str],
    findings: Sequence[SegmentState],
) -> Facts:
    """What is known of a log with these entries in the folder with this descriptor."""
    return msgspec.structs.replace(
        facts_of_none(settings, policy),
        is_there=True,
        names=settings.names,
        findings=findings,
        neighbours=sorted(_neighbours(settings, folder, entries)),
    )


def with_obstacles(facts: Facts, segments: Iterable[Segment]) -> Facts:
    """The same with what is in the way of changing these segments, as far as they can be read."""
    obstacles = {each.name: each.obstacle for each in segments if each.obstacle and each.unjudged is None}
    return msgspec.structs.replace(facts, obstacles=obstacles)


def with_reasons(facts: Facts, first_unreadable: FirstUnreadable) -> Facts:
    """The same with the commonest reasons why lines are unreadable, if not one of them is a record."""
    if not has_no_record(facts.findings):
        return facts
    counts: Counter[str] = Counter()
    for finding in facts.findings:
        most = _affordable(finding) if isinstance(finding, SegmentStats) and finding.unreadable else 0
        most = min(most, _MOST_LINES - counts.total())
        lines = first_unreadable(finding.segment, most) if most and isinstance(finding, SegmentStats) else []
        if isinstance(lines, list):
            counts.update(line.kind for line in lines)
    return msgspec.structs.replace(facts, reasons=Reasons(counts.total(), counts))


def with_offsets(facts: Facts, count: CountWithoutOffset) -> Facts:
    """The same with the lines whose timestamp has no offset, as far as the beginnings of the segments show them."""
    lines, left, complete = 0, _MOST_OF_ALL, True
    for finding in facts.findings:
        if isinstance(finding, SegmentStats) and finding.unreadable:
            size = finding.fingerprint.size
            end = min(size, left, _MOST_OF_A_SEGMENT)
            found = count(finding.segment, end) if end else 0
            complete = complete and end == size and not isinstance(found, ReadFailure)
            lines += 0 if isinstance(found, ReadFailure) else found
            left -= end
    return msgspec.structs.replace(facts, without_offset=WithoutOffset(lines, complete))


def _affordable(census: SegmentStats) -> int:
    """How many of its unreadable lines may be looked at, by their average length."""
    return _MOST_BYTES * census.unreadable // max(1, census.fingerprint.size)


def _neighbours(settings: Settings, folder: int, entries: Iterable[str]) -> Iterator[str]:
    names = settings.names
    others = [claim.names for claim in settings.claims[1:]]
    for name in entries:
        if names.is_neighbour(name) and not any(other.match(name) for other in others):
            try:
                mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            except OSError:  # gone meanwhile
                continue
            if not stat.S_ISDIR(mode):
                yield name


def _registry(settings: Settings) -> Registry | None:
    if not settings.schemas.endswith(".jsonl"):
        return None
    return "there" if os.path.lexists(settings.schemas) else "awaited"


def _rotated(schemas: str) -> list[str]:
    """Files beside a registry whose names look as if they had been it before a rotation."""
    folder, base = os.path.split(schemas)
    stem, suffix = os.path.splitext(base)
    if suffix != ".jsonl":
        return []
    name = re.compile(rf"{re.escape(base)}[.-][0-9].*|{re.escape(stem)}[.-][0-9].*{re.escape(suffix)}.*", re.DOTALL)
    try:
        return sorted(filter(name.fullmatch, os.listdir(folder)))
    except OSError:
        return []
