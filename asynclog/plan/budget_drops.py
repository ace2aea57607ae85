"""A budget beside the age: which segments go whole, before they expire, as long as a log is over it. Pure.

Only those go whose every record a rule with a period governs, the one with the oldest newest record first. The newest
segments, and what is unreadable, unjudged, undated or kept for ever, stay, however far the log is over its budget.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

import msgspec

from asynclog.actions import Action, Plan
from asynclog.formatting import pluralize
from asynclog.plan.approval import ApprovedPlan, restrict
from asynclog.plan.budget import Budget
from asynclog.policy.rules import Policy, retention_for
from asynclog.segments import Segment, Space
from asynclog.statistics import SegmentStats, latest
from asynclog.storage.hidden_names import LONGEST_SEGMENT
from asynclog.storage.naming import SegmentNaming, length
from asynclog.storage.segment_store import newest_segments
from asynclog.timestamps import FUTURE_TOLERANCE


class BudgetTerms(msgspec.Struct, frozen=True):
    """The terms that decide about a log's budget besides its plan.

    `skip_reasons` say, by segment, why it may not be changed; `newest_file` is the one that stays where files are
    records. No record goes that is not older than `youngest` (ns since 1970); None if its age does not matter.
    """

    budget: Budget
    policy: Policy
    naming: SegmentNaming
    skip_reasons: Mapping[str, str] = {}
    newest_file: str = ""
    youngest: int | None = None


def within_budget(plan: Plan, terms: BudgetTerms, approved: ApprovedPlan | None = None) -> Plan:
    """Return the plan with the drops that the budget demands after all other actions, in the room of `plan.space`.

    With an approved plan only segments that it drops for the budget may go, and only as long as the log is over it;
    what the approved plan does not allow is not expected to free anything.
    """
    reasons = reasons_to_stay(plan, terms)
    candidates = [action for action in plan.actions if reasons.get(action.segment) == ""]
    others: Sequence[Action] = plan.actions
    if approved:
        agreed = {(name, action.fingerprint) for name, action in approved.segments.items() if action.by_budget}
        candidates = [action for action in candidates if (action.segment, action.fingerprint) in agreed]
        others = restrict(plan, approved).actions[: len(plan.actions)]  # without those that have vanished
    going = _as_long_as_over(others, candidates, terms.budget, plan.space)
    return msgspec.structs.replace(
        plan, actions=tuple(_dropped(action) if action.segment in going else action for action in plan.actions)
    )


def bytes_over(plan: Plan, budget: Budget, freed: int) -> int:
    """Return by how many bytes the log is over its budget once it has lost `freed` bytes."""
    size = sum(action.fingerprint.size for action in plan.actions)
    return budget.excess(size - freed, _with_more(plan.space, freed))


def freed_by_device(plan: Plan) -> dict[int, int]:
    """Return how many bytes a plan frees on each device; none if a guard refuses it."""
    freed: dict[int, int] = {}
    for action in () if plan.refusal else plan.actions:
        device = action.fingerprint.device
        freed[device] = freed.get(device, 0) + action.fingerprint.size - action.bytes_after
    return freed


def newest_record(action: Action) -> int:
    """Return the instant of a segment's newest record, by which segments go for the budget; 0 without any."""
    return latest(count.newest for count in action.stats.schemas) or 0 if action.stats else 0


def reasons_to_stay(plan: Plan, terms: BudgetTerms) -> dict[str, str]:
    """Return why segments that are not to go may not go for the budget either, by name; empty for those that may."""
    # Segments that go for the budget were older than the newest, and would be so again.
    staying = [action for action in plan.actions if action.kind != "drop" or action.by_budget]
    newest = {terms.newest_file, *_newest(staying, terms.naming, plan.now + FUTURE_TOLERANCE)}
    return {action.segment: _reason_to_stay(action, terms, newest) for action in staying if not action.by_budget}


def _newest(actions: Iterable[Action], naming: SegmentNaming, future: int) -> Collection[str]:
    """Return the segments that writers may use: the base file, and the newest of those that have bytes.

    One whose time of change is later than `future` is no other's successor: that clock was wrong.
    """
    filled = [Segment(action.segment, action.fingerprint) for action in actions if action.fingerprint.size]
    plausible = [segment for segment in filled if segment.fingerprint.mtime_ns <= future]
    newest = (newest_segments(each, naming) for each in (filled, plausible) if each)
    return {naming.base, *chain.from_iterable(newest)}


def _reason_to_stay(action: Action, terms: BudgetTerms, newest: Collection[str]) -> str:
    if action.segment in newest:
        return "it is the newest, or the one that is written to"
    if action.unjudged:
        return "it could not be judged"
    if action.stats is None or not action.fingerprint.size:
        return "it is empty"
    if action.segment in terms.skip_reasons:
        return terms.skip_reasons[action.segment]
    if length(action.segment) > LONGEST_SEGMENT:
        return "its name is too long"
    return _of_lines(action.stats, terms) or _of_age(action, terms)


def _of_lines(stats: SegmentStats, terms: BudgetTerms) -> str:
    """Return what of a segment's lines keeps it; empty if nothing does."""
    if stats.unreadable:
        return "it has unreadable lines"
    if not stats.records:
        return "it has no record"
    if any(count.future or count.implausible for count in stats.schemas):
        return "it has records of a wrong clock"
    if any(retention_for(terms.policy, count.schema) is None for count in stats.schemas):
        return "it has records that are kept for ever or that no rule governs"
    return ""


def _of_age(action: Action, terms: BudgetTerms) -> str:
    if terms.youngest is not None and newest_record(action) >= terms.youngest:
        return "it has records younger than guard.min_retention_days"
    return ""


def _as_long_as_over(
    actions: Sequence[Action], candidates: Iterable[Action], budget: Budget, space: Space | None
) -> set[str]:
    """Return which of the candidates go, after all these actions."""
    left = {action.segment: action.bytes_after for action in actions}
    size, free = sum(left.values()), sum(action.fingerprint.size - action.bytes_after for action in actions)
    going: set[str] = set()
    for action in sorted(candidates, key=newest_record):
        if not budget.excess(size, _with_more(space, free)):
            break
        going.add(action.segment)
        size, free = size - left[action.segment], free + left[action.segment]
    return going


def _with_more(space: Space | None, freed: int) -> Space | None:
    return space and space._replace(free=space.free + freed)


def _dropped(action: Action) -> Action:
    gone = msgspec.structs.replace(action, kind="drop", by_budget=True)
    young = sum(gone.unexpired.values())
    has = "has" if young == 1 else "have"
    reason = f"the log is over its budget: it goes whole, with {pluralize(young, 'record')} that {has} not expired"
    return msgspec.structs.replace(gone, reason=reason)
