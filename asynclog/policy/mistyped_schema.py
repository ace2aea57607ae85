"""Refuse an audit schema that a command line names and neither the log nor the policy has: it is a mistake."""

from collections.abc import Iterable

from asynclog.errors import ConfigurationError
from asynclog.formatting import list_some
from asynclog.policy.patterns import Pattern, matches, name_matches
from asynclog.policy.rules import WILDCARD, Policy, Scope, pattern_rules
from asynclog.schemas import SchemaKey
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats


def refuse_unknown(said: str, scope: Scope, policy: Policy, states: Iterable[SegmentState]) -> None:
    """Raise ConfigurationError, with the nearest names, for a schema that neither log nor policy has.

    `*` never; nor what a segment may have that could be read and was not.
    """
    states = list(states)
    if any(isinstance(each, Segment) and each.is_readable for each in states):
        return
    keys = {count.schema for each in states if isinstance(each, SegmentStats) for count in each.schemas} | {
        *policy.exact
    }
    if scope == WILDCARD or _is_known(scope, keys, policy):
        return
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    names = sorted(
        {key.name for key in keys} | {str(key) for key in keys} | {*policy.by_name} | {*map(str, pattern_rules(policy))}
    )
    folded = {name.casefold(): name for name in names}
    near = [folded[each] for each in get_close_matches(str(scope).casefold(), folded)]
    known = sorted({*(key.name for key in keys), *policy.by_name, *map(str, pattern_rules(policy))})
    nearest = "the nearest name is" if len(near) == 1 else "the nearest names are"
    there = f"{nearest} {', '.join(near)}" if near else f"there are {list_some(known) or 'none'}"
    raise ConfigurationError(f"{said}: neither the log nor the policy has this audit schema: {there}")


def _is_known(scope: Scope, keys: Iterable[SchemaKey], policy: Policy) -> bool:
    """Return whether log or policy has it. A rule for all versions has no version of its own."""
    if isinstance(scope, SchemaKey):
        return scope in keys
    if isinstance(scope, Pattern):
        return _is_rule(str(scope), policy) or any(matches(scope, key) for key in keys)
    return scope in policy.by_name or _is_rule(scope, policy) or any(is_named(key, scope) for key in keys)


def _is_rule(pattern: str, policy: Policy) -> bool:
    return any(pattern in {each.name, str(each)} for each in pattern_rules(policy))


def is_named(key: SchemaKey, name: str) -> bool:
    """Return whether NAME or NAME:VERSION, or a pattern for either, is for this schema key."""
    return name_matches(name, key.name) or name_matches(name, str(key))
