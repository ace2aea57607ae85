"""A plan that somebody has looked at, and what may be carried out of it later. Pure.

It is not to be trusted, for its file may have been edited. So nothing is done because it says so: what a cleanup would
do at its time is decided anew, from the log as it is, and the reviewed plan only takes away from that.
"""

import hashlib
import json
from collections.abc import Mapping

import msgspec

from asynclog.actions import Action, Plan
from asynclog.policy.rules import Policy, all_rules
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.timestamps import format_instant

_WORK = ("drop", "rewrite")


class ApprovedAction(msgspec.Struct, frozen=True):
    """The approved action on one segment: the records that go per schema key, and its size then."""

    kind: str
    fingerprint: Fingerprint
    expired: dict[SchemaKey, int]
    bytes_after: int


class ApprovedPlan(msgspec.Struct, frozen=True):
    """A reviewed plan: for which log and policy, for which time (`now`), when it was made, and what it says.

    `source` is the file that it stands in, `valid_for` how many ns after it was made it may be carried out.
    """

    source: str
    log: str
    policy: str
    now: int
    created: int
    valid_for: int
    segments: Mapping[str, ApprovedAction]


def digest(policy: Policy) -> str:
    """Return what identifies the rules of a policy, wherever they are written."""
    rules = [
        [*(scope if isinstance(scope, SchemaKey) else (scope, None)), rule.retention_days, rule.active]
        for scope, rule in all_rules(policy).items()
    ]
    text = json.dumps(sorted(rules, key=json.dumps), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mismatch(reviewed: ApprovedPlan, log: str, policy: Policy, present: int) -> str:
    """Return why this plan is not one for this log, policy and time, in words; empty if it is."""
    if reviewed.log != log:
        return f"{reviewed.source}: this plan is for another log, {reviewed.log}, and not for {log}"
    if reviewed.policy != digest(policy):
        return f"{reviewed.source}: the policy is not the one that this plan was made under: make a new plan"
    if present - reviewed.created > reviewed.valid_for:
        made = format_instant(reviewed.created)
        return f"{reviewed.source}: this plan was made at {made}, longer ago than --max-age allows: make a new plan"
    if reviewed.now > present:
        return f"{reviewed.source}: this plan is for {format_instant(reviewed.now)}, which has not come yet"
    return ""


def restrict(plan: Plan, reviewed: ApprovedPlan) -> Plan:
    """Keep the actions of this plan, made at the same time under the same policy, that the approved one has, too."""
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
    """Return what speaks against an action, in words: also against keeping, if the approved plan says otherwise."""
    if agreed is None:
        return "the plan does not name it"
    if agreed.fingerprint != action.fingerprint:
        return "it has changed since the plan was made"
    if agreed.kind not in _WORK:
        return "the plan leaves it as it is"
    told = (agreed.kind, agreed.expired, agreed.bytes_after)
    return "" if told == (action.kind, action.expired, action.bytes_after) else "what goes is not what the plan says"
