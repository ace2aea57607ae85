"""Warnings about `--retention NAME=DAYS`: sentences that say what to do. Pure."""

from collections.abc import Iterable, Iterator

from asynclog.formatting import list_some
from asynclog.policy.mistyped_schema import is_named
from asynclog.policy.retention_overrides import scope_of
from asynclog.policy.rules import WILDCARD, Policy, match_rule
from asynclog.schemas import SchemaKey


def idle_override_warnings(policy: Policy, words: Iterable[str], schemas: Iterable[SchemaKey]) -> Iterator[str]:
    """Yield the words of `--retention`, which are in this policy, that govern no schema: all have narrower rules."""
    schemas = list(schemas)
    for word in words:
        scope = scope_of(word)
        meant = [match_rule(policy, key) for key in schemas if scope == WILDCARD or is_named(key, str(scope))]
        narrower = dict(each for each in meant if each)
        if narrower and scope not in narrower:
            yield (
                f"--retention {word} changes nothing: what it matches has narrower rules, which stay: "
                f"{list_some([f'{each} ({rule.where})' for each, rule in narrower.items()])}: name those, as in "
                f"--retention {next(iter(narrower))}={word.rpartition('=')[2]}"
            )
