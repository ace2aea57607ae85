"""A plan that somebody has reviewed, and what of it may be carried out later. Pure.

It is not trusted, because its file may have been edited. So no action is taken on its word: what a cleanup would do at
its time is decided anew, from the log as it is, and the approved plan can only remove actions from that.
"""

import hashlib
import json
from collections.abc import Mapping

import msgspec

from asynclog.actions import Action, Plan
from asynclog.policy.patterns import Pattern
from asynclog.policy.rules import Policy, Rule, Scope, all_rules
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.timestamps import DAY, format_instant

_WORK = ("drop", "rewrite")


class ApprovedAction(msgspec.Struct, frozen=True):
    """The approved action on one segment: the records to delete per schema key, and its size afterwards."""

    kind: str
    fingerprint: Fingerprint
    expired: dict[SchemaKey, int]
    bytes_after: int


class ApprovedPlan(msgspec.Struct, frozen=True):
    """An approved plan: its log and policy, the time that it is for (`now`), when it was made, and its actions.

    `source` is its file, `valid_for` how many ns after it was made it may be carried out.
    """

    source: str
    log: str
    policy: str
    now: int
    created: int
    valid_for: int
    segments: Mapping[str, ApprovedAction]


def digest(policy: Policy, fields: Fields = MXCP_FIELDS) -> str:
    """Return a digest of the rules of a policy, whatever file they are in, and of the fields if they are mapped."""
    rules = [[*_scope(scope), _period(rule), rule.active] for scope, rule in all_rules(policy).items()]
    text = json.dumps(sorted(rules, key=json.dumps), ensure_ascii=True)
    if fields != MXCP_FIELDS:
        text += json.dumps(msgspec.to_builtins(fields))
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


def mismatch(reviewed: ApprovedPlan, log: str, policy: Policy, fields: Fields, present: int) -> str:
    """Return, in words, why this plan does not fit this log, policy, fields and time; empty if it does."""
    if reviewed.log != log:
        return f"{reviewed.source}: this plan is for another log, {reviewed.log}, and not for {log}"
    if reviewed.policy != digest(policy, fields):
        what = "the policy is not the one" if fields == MXCP_FIELDS else "the policy or the fields are not those"
        return f"{reviewed.source}: {what} that this plan was made under: make a new plan"
    if present - reviewed.created > reviewed.valid_for:
        made = format_instant(reviewed.created)
        return f"{reviewed.source}: this plan was made at {made}, longer ago than --max-age allows: make a new plan"
    if reviewed.now > present:
        return f"{reviewed.source}: this plan is for {format_instant(reviewed.now)}, which is in the future"
    return ""


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
    told = (agreed.kind, agreed.expired, agreed.bytes_after)
    return "" if told == (action.kind, action.expired, action.bytes_after) else "its action differs from the plan's"
