"""Collect facts about a log besides its records; `report.warnings` puts them into words."""

import os
from collections import Counter
from collections.abc import Sequence

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.config.mxcp.registry import is_registry, rotations
from asynclog.config.settings import Settings
from asynclog.policy.rules import Policy
from asynclog.records.fields import MXCP_FIELDS
from asynclog.report.warnings.warning_facts import Facts, Reasons, Registry, WithoutOffset, has_no_record
from asynclog.runner.steps.open_log import Log
from asynclog.scan.reading.read_segment import ReadFailure
from asynclog.statistics import SegmentState, SegmentStats

# Unreadable lines to examine for the commonest reason, and their bytes: a MiB takes about two seconds.
_MOST_LINES = 2000
_MOST_BYTES = 1 << 20

# Bytes to search for timestamps without an offset: of one segment, and of all.
_MOST_OF_A_SEGMENT = 1 << 20
_MOST_OF_ALL = 16 << 20


def facts_of_none(settings: Settings, policy: Policy | None) -> Facts:
    """Return what is known of a log whose folder does not exist yet. `policy` is None if there is none yet."""
    return Facts(
        folder=settings.folder,
        base=settings.base,
        is_there=False,
        policy=policy,
        schemas=settings.schemas,
        registry=_registry(settings),
        rotated=rotations(settings.schemas) if policy is not None and is_registry(settings.schemas) else (),
        ignored_keys=settings.ignored_keys,
        contests=settings.contests,
    )


def facts_of(log: Log, policy: Policy | None, states: Sequence[SegmentState], stop: StopRequest) -> Facts:
    """Return what is known of a log with these states; read what is needed for it, unless there is a stop.

    Of a policy that it shares with others nothing: its rules need not match anything in each of them.
    """
    policy = None if log.settings.shares_policy else policy
    skip_reasons = {
        each.name: each.skip_reason for each in log.segments.values() if each.skip_reason and each.unjudged is None
    }
    facts = msgspec.structs.replace(
        facts_of_none(log.settings, policy),
        now=log.cutoffs.now,
        is_there=True,
        names=log.naming,
        states=states,
        neighbours=_neighbours(log),
        strays=log.strays,
        skip_reasons=skip_reasons,
    )
    if stop:
        return facts
    if not states:
        from asynclog.config.paths.path_problems import logs_in  # noqa: PLC0415 - few logs have no segment

        facts = msgspec.structs.replace(facts, logs=logs_in(log.store.list().names))
    if has_no_record(states):
        way_on = "" if policy is None else _way_on(log)
        facts = msgspec.structs.replace(facts, reasons=_reasons(log, states, stop), way_on=way_on)
    return msgspec.structs.replace(facts, without_offset=_without_offset(log, states, stop))


def _reasons(log: Log, states: Sequence[SegmentState], stop: StopRequest) -> Reasons:
    """Count the reasons why lines are unreadable in a log without a single record."""
    from asynclog.scan.unreadable_lines import first_unreadable  # noqa: PLC0415 - few logs have no record

    counts: Counter[str] = Counter()
    for state in states:
        if isinstance(state, SegmentStats) and state.unreadable and not stop:
            most = min(_affordable(state), _MOST_LINES - counts.total())
            segment = log.segments[state.segment]
            lines = first_unreadable(log.scanner.context, log.scanner.rate_limit, most, segment) if most else []
            if isinstance(lines, list):
                counts.update(line.kind for line in lines)
    return Reasons(counts.total(), counts)


def _way_on(log: Log) -> str:
    """Say what to do about a log without a single record; empty in a configuration of MXCP's, which can't say it."""
    from asynclog.report.recognised import way_on  # noqa: PLC0415 - few logs have no record
    from asynclog.runner.recognise import recognise_segments  # noqa: PLC0415

    settings, scanner = log.settings, log.scanner
    if settings.is_mxcps:
        return ""
    segments = list(log.segments.values())
    found = recognise_segments(scanner.context.store, scanner.rate_limit, settings.base, segments)
    can_be_proposed = settings.fields == MXCP_FIELDS and settings.profile is None
    return way_on(found, os.path.join(settings.folder, settings.base) if can_be_proposed else "")


def _without_offset(log: Log, states: Sequence[SegmentState], stop: StopRequest) -> WithoutOffset:
    """Count the lines whose timestamp has no offset in the beginnings of the segments."""
    lines, left, complete = 0, _MOST_OF_ALL, True
    for state in states:
        if isinstance(state, SegmentStats) and state.unreadable:
            size = state.size
            end = 0 if stop else min(size, left, _MOST_OF_A_SEGMENT)
            found = _without_offset_before(end, log, state.segment) if end else 0
            complete = complete and end == size and not isinstance(found, ReadFailure)
            lines += 0 if isinstance(found, ReadFailure) else found
            left -= end
    return WithoutOffset(lines, complete)


def _without_offset_before(end: int, log: Log, name: str) -> int | ReadFailure:
    from asynclog.scan.unreadable_lines import without_offset  # noqa: PLC0415 - few logs have unreadable lines

    return without_offset(log.scanner.context, log.scanner.rate_limit, end, log.segments[name])


def _affordable(stats: SegmentStats) -> int:
    """Return how many of its unreadable lines may be examined, by their average length."""
    return _MOST_BYTES * stats.unreadable // max(1, stats.size)


def _neighbours(log: Log) -> list[str]:
    """Return the neighbours that no other profile claims."""
    others = [claim.names for claim in log.settings.claims[1:]]
    return sorted(name for name in log.neighbours if not any(other.match(name) for other in others))


def _registry(settings: Settings) -> Registry | None:
    if not is_registry(settings.schemas):
        return None
    return "there" if os.path.lexists(settings.schemas) else "awaited"
