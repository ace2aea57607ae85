"""`--retention NAME=DAYS` on a command line: a policy as it would be with other rules. Reads no file."""

import re
from collections.abc import Iterable

import msgspec

from asynclog.errors import ConfigurationError
from asynclog.policy.rules import WILDCARD, Policy, Rule, Scope
from asynclog.schemas import SchemaKey

_VERSIONED = re.compile(r"(.+):([0-9]{1,100})", re.DOTALL)
_DAYS = re.compile(r"[0-9]{1,100}")
_HOW = "write NAME=DAYS, NAME:VERSION=DAYS or *=DAYS, with whole days (24 hours each), such as 90, or none"


def with_retention(policy: Policy, words: Iterable[str]) -> Policy:
    """Return the policy with the rules that these words give, in place of the ones for the same schemas.

    `name=` replaces the rules of all versions of a name, `name:version=` that of one, `*=` the one for everything
    else; the narrower wins, in whatever order they stand. A word is split at its last `=`, and its name at the last
    `:` if digits follow. Raise ConfigurationError.
    """
    given: dict[Scope, Rule] = {}
    for word in words:
        scope, rule = _parsed(word)
        if scope in given:
            raise ConfigurationError(f"--retention {word!r}: {scope} is given twice")
        given[scope] = rule
    wide = {scope: rule for scope, rule in given.items() if isinstance(scope, str) and scope != WILDCARD}
    exact = {scope: rule for scope, rule in given.items() if isinstance(scope, SchemaKey)}
    kept = {key: rule for key, rule in policy.exact.items() if key.name not in wide}
    return msgspec.structs.replace(
        policy, exact=kept | exact, by_name=policy.by_name | wide, star=given.get(WILDCARD, policy.star)
    )


def scope_of(word: str) -> Scope:
    """Return what the rule in this word is for. Raise ConfigurationError."""
    return _parsed(word)[0]


def _parsed(word: str) -> tuple[Scope, Rule]:
    scope, equals, days = word.rpartition("=")
    if not equals or not scope or not (days == "none" or _DAYS.fullmatch(days)):
        raise ConfigurationError(f"--retention {word!r}: {_HOW}")
    rule = Rule(None if days == "none" else int(days), where=f"--retention {word}")
    versioned = _VERSIONED.fullmatch(scope)
    if versioned is None:
        return scope, rule
    if versioned[1] == WILDCARD:
        raise ConfigurationError(f"--retention {word!r}: the rule for * has no version, it is for all others")
    return SchemaKey(versioned[1], int(versioned[2])), rule
