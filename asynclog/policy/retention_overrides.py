"""`--retention NAME=DAYS` on a command line: a policy as it would be with other rules. Reads no file."""

import re
from collections.abc import Iterable

from asynclog.errors import ConfigurationError
from asynclog.policy.patterns import RIVALRY, Pattern, first_rivals
from asynclog.policy.periods import parse_period
from asynclog.policy.rules import WILDCARD, Policy, Rule, Scope, all_rules, make_policy, scope_for
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY

_VERSIONED = re.compile(r"(.+):([0-9]{1,100})", re.DOTALL)
_DAYS = re.compile(r"[0-9]{1,100}")
_HOW = (
    "write NAME=DAYS, NAME:VERSION=DAYS or *=DAYS, with whole days (24 hours each), such as 90, or hours, days or "
    "weeks with their unit, such as 36h, 90d or 6w, or none"
)


def with_retention(policy: Policy, words: Iterable[str]) -> Policy:
    """Return the policy with the rules that these words give, in place of the ones for the same schemas.

    `name=` replaces the rules of all versions of a name or pattern, `name:version=` that of one, `*=` the one for
    everything else; the narrower wins, in whatever order they stand. A word is split at its last `=`, and its name at
    the last `:` if digits follow. Raise ConfigurationError.
    """
    given: dict[Scope, Rule] = {}
    for word in words:
        scope, rule = _parsed(word)
        if scope in given:
            raise ConfigurationError(f"--retention {word!r}: {scope} is given twice")
        given[scope] = rule
    kept = {scope: rule for scope, rule in all_rules(policy).items() if _all_versions(scope) not in given}
    rules = kept | given
    rivals = first_rivals(scope for scope in rules if isinstance(scope, Pattern))
    if rivals is not None:
        raise ConfigurationError(f"--retention: {rivals[0]} and {rivals[1]} {RIVALRY}")
    return make_policy(rules, policy.source)


def scope_of(word: str) -> Scope:
    """Return what the rule in this word is for. Raise ConfigurationError."""
    return _parsed(word)[0]


def _parsed(word: str) -> tuple[Scope, Rule]:
    scope, equals, period = word.rpartition("=")
    if not equals or not scope or not (period == "none" or _DAYS.fullmatch(period) or parse_period(period)):
        raise ConfigurationError(f"--retention {word!r}: {_HOW}")
    retention = None if period == "none" else parse_period(period) or int(period) * DAY
    rule = Rule(retention=retention, where=f"--retention {word}")
    versioned = _VERSIONED.fullmatch(scope)
    if versioned is None:
        return scope_for(scope, None), rule
    if versioned[1] == WILDCARD:
        raise ConfigurationError(f"--retention {word!r}: the rule for * has no version, it is for all others")
    return scope_for(versioned[1], int(versioned[2])), rule


def _all_versions(scope: Scope) -> Scope:
    """Return the scope of all versions of the same name or pattern."""
    if isinstance(scope, Pattern):
        return Pattern(scope.name)
    if isinstance(scope, SchemaKey) and scope.name != WILDCARD:  # a registry may have a rule for a schema of that name
        return scope.name
    return scope
