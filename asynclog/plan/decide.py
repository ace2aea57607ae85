"""The decision: one action per segment, each with its reason."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from asynclog.actions import Action, Plan
from asynclog.formatting import pluralize
from asynclog.plan.rewrite_threshold import ALWAYS, Percent, deferral_reason
from asynclog.plan.stats_at_cutoffs import expired_before
from asynclog.plan.whole_file_stats import newest_file
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, overdue_since, rule_for
from asynclog.schemas import SchemaKey
from asynclog.segments import Segment, UnreadSegment
from asynclog.statistics import SchemaStats, SegmentState, SegmentStats, earliest
from asynclog.storage.hidden_names import LONGEST_SEGMENT
from asynclog.storage.naming import SegmentNaming, length
from asynclog.timestamps import DAY

# If the job has run every night, nothing is left that expired longer ago than this, in ns.
LONG = 3 * DAY

# Why a segment without a single record stays: the file may be something else.
NO_RECORD = "none of its lines is a record"
EMPTY = "it is empty"
NEWEST = "it is the newest file, and that always stays"


class Conditions(msgspec.Struct, frozen=True):
    """The conditions, besides its lines, that decide about a segment, by its name.

    `empties` are the empty segments to drop (see `removable`), `skip_reasons` why others may not be changed. `newest`
    is the file that stays where files are records, empty where lines are.
    """

    empties: frozenset[str] = frozenset()
    skip_reasons: Mapping[str, str] = {}
    newest: str = ""


NO_CONDITIONS = Conditions()


def conditions_of(segments: Collection[Segment], names: SegmentNaming, now: int, clock: int) -> Conditions:
    """Return the conditions of a log's segments, which are given in order; see `removable` for the times."""
    return Conditions(removable(segments, names, now, clock), _skip_reasons(segments))


def conditions_of_files(segments: Sequence[Segment]) -> Conditions:
    """Return the conditions of these files, which are given in order: an empty one is a record like any other."""
    return Conditions(skip_reasons=_skip_reasons(segments), newest=newest_file(segments))


def _skip_reasons(segments: Iterable[Segment]) -> dict[str, str]:
    return {segment.name: segment.skip_reason for segment in segments if segment.skip_reason}


def plausible_counts(actions: Iterable[Action]) -> dict[SchemaKey, int]:
    """Count the records per schema key that are neither future nor implausible."""
    found: dict[SchemaKey, int] = {}
    for action in actions:
        for count in action.stats.schemas if action.stats else ():
            found[count.schema] = found.get(count.schema, 0) + count.plausible
    return found


def make_plan(actions: Iterable[Action], cutoffs: Cutoffs) -> Plan:
    """Return the plan of these actions, which are given in their segments' order."""
    actions = tuple(actions)
    return Plan(now=cutoffs.now, actions=actions, no_policy=_without_policy(actions, cutoffs.policy))


def decide(
    state: SegmentState, cutoffs: Cutoffs, threshold: Percent = ALWAYS, conditions: Conditions = NO_CONDITIONS
) -> Action:
    """Return the action on one segment, which was scanned under these cutoffs. The only place that decides.

    A partly expired segment is rewritten once `threshold` percent of it have expired; never if that is None.
    A segment that may not be changed keeps everything: its expired records are overdue.
    """
    match state:
        case Segment(name, fingerprint, ""):
            return Action(name, "drop" if name in conditions.empties else "keep", EMPTY, fingerprint)
        case Segment(name, fingerprint, reason, unjudged):
            return Action(name, "skip", reason, fingerprint, unjudged=unjudged)
        case UnreadSegment(name, fingerprint, reason, unjudged, failed):
            return Action(name, "skip", reason, fingerprint, failed=failed, unjudged=unjudged)
        case SegmentStats(name, fingerprint, fragment=int(line)):
            return Action(name, "skip", not_json_lines(line), fingerprint, state, unjudged="not_json_lines")
        case SegmentStats(name, fingerprint) if state.has_no_record:
            return Action(name, "skip", NO_RECORD, fingerprint, _in_brief(state, cutoffs), unjudged="no_record")
        case SegmentStats(name, fingerprint) if name == conditions.newest:
            return Action(name, "keep", NEWEST, fingerprint, _in_brief(state, cutoffs))
        case SegmentStats(name, fingerprint):
            kind, reason = _weigh(state, cutoffs.policy, threshold, conditions.skip_reasons.get(name, ""))
            if kind == "keep":
                return Action(name, kind, reason, fingerprint, _in_brief(state, cutoffs))
            since = earliest(overdue_since(cutoffs.policy, count) for count in state.schemas)
            stale = _long_expired(state, cutoffs)
            return Action(
                name, kind, reason, fingerprint, _in_brief(state, cutoffs), overdue_since=since, long_expired=stale
            )


def state_of(action: Action) -> SegmentState:
    """Return what was known about a segment when this action was decided."""
    if action.stats:
        return action.stats
    if action.unjudged:
        return UnreadSegment(action.segment, action.fingerprint, action.reason, action.unjudged, action.failed)
    return Segment(action.segment, action.fingerprint, action.reason if action.kind == "skip" else "")


def not_json_lines(fragment: int) -> str:
    """Return why a segment is left alone if this line of it, counted from 1, is a piece of a document."""
    return f"it is not JSON Lines: line {fragment:,} is a piece of a document that spans lines"


def _weigh(
    stats: SegmentStats, policy: Policy, threshold: Percent, skip_reason: str
) -> tuple[Literal["keep", "drop", "rewrite", "skip"], str]:
    expired = stats.expired
    long = length(stats.segment)
    if not expired:
        return "keep", "nothing in it has expired" if stats.schemas else "it has only blank lines"
    if skip_reason:
        return "skip", skip_reason
    if long > LONGEST_SEGMENT:
        return "skip", f"its name of {long} bytes is too long: the most is {LONGEST_SEGMENT}"
    if stats.is_wholly_expired:
        return "drop", "its only record has expired" if expired == 1 else f"all {expired:,} records have expired"
    wait = deferral_reason(stats, policy, threshold)
    verb = "has" if expired == 1 else "have"
    return (
        ("skip", wait) if wait else ("rewrite", f"{expired:,} of {pluralize(stats.records, 'record')} {verb} expired")
    )


def _long_expired(stats: SegmentStats, cutoffs: Cutoffs) -> dict[SchemaKey, int]:
    """Count the records per schema key that expired more than LONG ago; only keys that have any."""
    found = {}
    for count in stats.schemas:
        cutoff = cutoffs.before(count.schema) if count.expired else None
        records = 0 if cutoff is None else expired_before(count, cutoff - LONG)
        if records:
            found[count.schema] = records
    return found


def _in_brief(stats: SegmentStats, cutoffs: Cutoffs) -> SegmentStats:
    """Return the statistics without what is needed only to judge again: a plan holds all segments at once."""
    counts = [
        msgspec.structs.replace(count, oldest_kept=None, days=None, newest_expired=_newest_expired(count, cutoffs))
        for count in stats.schemas
    ]
    return msgspec.structs.replace(stats, schemas=tuple(counts))


def _newest_expired(count: SchemaStats, cutoffs: Cutoffs) -> int | None:
    """Return the latest record that has expired, by its day if others have not: a catalog knows no more of it."""
    latest, cutoff = count.newest_expired, cutoffs.before(count.schema) if count.expired else None
    if latest is None or latest == count.newest or cutoff is None:
        return latest
    return count.oldest if count.expired == 1 else min((latest // DAY + 1) * DAY, cutoff) - 1


def _without_policy(actions: Iterable[Action], policy: Policy) -> dict[SchemaKey, int]:
    """Count the records that no rule governs, per schema key, except future and implausible ones."""
    found = plausible_counts(actions)
    return {key: found[key] for key in sorted(found) if found[key] and rule_for(policy, key) is None}


def removable(segments: Collection[Segment], names: SegmentNaming, now: int, clock: int) -> frozenset[str]:
    """Return which of the log's segments, given in order, have been empty for a day and will not be written to next.

    Writers may use the base file, and the newest segment: the last one by name that is not late. A day must have passed
    both by `now` and by the real `clock`, whatever `--now` says.
    """
    newest = [segment.name for segment in segments if not names.late_token(segment.name)][-1:]
    return frozenset(
        segment.name
        for segment in segments
        if not segment.fingerprint.size
        and segment.fingerprint.mtime_ns <= min(now, clock) - DAY
        and segment.name not in {names.base, *newest}
        and length(segment.name) <= LONGEST_SEGMENT
    )
