"""A plan that somebody has reviewed, and what of it may be carried out later. Pure.

It is not trusted, because its file may have been edited. So no action is taken on its word: what a cleanup would do at
its time is decided anew, from the log as it is, and the approved plan can only remove actions from that.
"""

import hashlib
import json
from collections.abc import Mapping

import msgspec

from asynclog.actions import Action, Plan
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.policy.patterns import Pattern
from asynclog.policy.rules import Policy, Rule, Scope, all_rules
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.timestamps import DAY, format_instant

_WORK = ("drop", "rewrite")


class ApprovedAction(msgspec.Struct, frozen=True):
    """The approved action on one segment: the records to delete per schema key, and its size afterwards.

    `by_budget` is whether it is a drop because the log is over its budget.
    """

    kind: str
    fingerprint: Fingerprint
    records_to_delete: dict[SchemaKey, int]
    bytes_after: int
    by_budget: bool = False


class ApprovedPlan(msgspec.Struct, frozen=True):
    """An approved plan: its log and policy, the time that it is for (`now`), when it was made, and its actions.

    `source` is its file, with this `checksum`, `valid_for` how many ns after it was made it may be carried out.
    `configuration` is a digest of what the configuration said; empty in a plan of an earlier version.
    """

    source: str
    log: str
    policy: str
    now: int
    created: int
    valid_for: int
    segments: Mapping[str, ApprovedAction]
    checksum: str = ""
    configuration: str = ""


def digest(policy: Policy, fields: Fields = MXCP_FIELDS, budget: Budget = NO_BUDGET) -> str:
    """Return a digest of the rules of a policy, whatever file they are in, of mapped fields, and of a budget."""
    rules = [[*_scope(scope), _period(rule), rule.active] for scope, rule in all_rules(policy).items()]
    text = json.dumps(sorted(rules, key=json.dumps), ensure_ascii=True)
    if fields != MXCP_FIELDS:
        text += json.dumps(msgspec.to_builtins(fields))
    if budget.is_set:
        text += json.dumps(msgspec.to_builtins(budget))
    return _hash(text)


def digest_of_conditions(conditions: tuple[object, ...]) -> str:
    """Return a digest of what else a configuration says that decides what is deleted."""
    return _hash(json.dumps(msgspec.to_builtins(conditions)))


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _scope(scope: Scope) -> tuple[str, int | None] | tuple[str, int | None, str]:
    if isinstance(scope, Pattern):  # in a registry the same text is a name
        return scope.name, scope.version, "pattern"
    return scope if isinstance(scope, SchemaKey) else (scope, None)


def _period(rule: Rule) -> int | str | None:
    """Return whole days as a number, as ever, so that plans made before there were others stay valid."""
    if rule.retention is None or not rule.retention % DAY:
        return rule.retention_days
    return f"{rule.retention_s} s"


def mismatch(  # noqa: PLR0913 - all that a plan is made of
    reviewed: ApprovedPlan,
    log: str,
    policy: Policy,
    fields: Fields,
    *,
    budget: Budget,
    conditions: tuple[object, ...],
    present: int,
) -> str:
    """Return, in words, why this plan does not fit this log, policy, configuration and time; empty if it does."""
    if reviewed.log != log:
        return f"{reviewed.source}: this plan is for another log, {reviewed.log}, and not for {log}"
    if reviewed.policy != digest(policy, fields, budget):
        has_budget = budget.is_set or any(action.by_budget for action in reviewed.segments.values())
        what = _what_has_changed(fields, has_budget=has_budget)
        return f"{reviewed.source}: {what} that this plan was made under: make a new plan"
    if reviewed.configuration and reviewed.configuration != digest_of_conditions(conditions):
        return (
            f"{reviewed.source}: the configuration is not the one that this plan was made under (its segments, guard "
            "or rewrite are others): make a new plan"
        )
    if present - reviewed.created > reviewed.valid_for:
        made = format_instant(reviewed.created)
        return f"{reviewed.source}: this plan was made at {made}, longer ago than --max-age allows: make a new plan"
    if reviewed.now > present:
        return f"{reviewed.source}: this plan is for {format_instant(reviewed.now)}, which is in the future"
    return ""


def _what_has_changed(fields: Fields, *, has_budget: bool) -> str:
    if has_budget:
        return "the policy, the fields or the budget are not those"
    return "the policy is not the one" if fields == MXCP_FIELDS else "the policy or the fields are not those"


def restrict(plan: Plan, reviewed: ApprovedPlan) -> Plan:
    """Return this plan with only the actions that the approved one contains identically; skip the others."""
    actions = [_restricted(action, reviewed.segments.get(action.segment)) for action in plan.actions]
    left = reviewed.segments.keys() - {action.segment for action in actions}
    for name in sorted(left):
        agreed = reviewed.segments[name]
        if agreed.kind in _WORK:
            actions.append(Action(name, "skip", "it has vanished since the plan was made", agreed.fingerprint))
    return msgspec.structs.replace(plan, actions=tuple(actions))


def _restricted(action: Action, agreed: ApprovedAction | None) -> Action:
    if action.kind == "skip" or (action.kind == "keep" and (agreed is None or agreed.kind not in _WORK)):
        return action
    reason = _against(action, agreed)
    return msgspec.structs.replace(action, kind="skip", reason=reason) if reason else action


def _against(action: Action, agreed: ApprovedAction | None) -> str:
    """Return, in words, how an action deviates from the approved one, even if it only keeps; empty if it does not."""
    if agreed is None:
        return "the plan does not name it"
    if agreed.fingerprint != action.fingerprint:
        return "it has changed since the plan was made"
    if agreed.kind not in _WORK:
        return "the plan leaves it as it is"
    if agreed.by_budget and not action.by_budget:
        return "the log is within its budget without that, or something keeps it now"
    told = (agreed.kind, agreed.records_to_delete, agreed.bytes_after, agreed.by_budget)
    same = told == (action.kind, action.records_to_delete, action.bytes_after, action.by_budget)
    return "" if same else "its action differs from the plan's"
