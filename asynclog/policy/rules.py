"""A policy and its rules: which of them governs a record, and how long that keeps it."""

import msgspec

from asynclog.formatting import pluralize
from asynclog.schemas import SchemaKey
from asynclog.statistics import SchemaStats
from asynclog.timestamps import DAY

WILDCARD = "*"  # the name of the rule for everything that has none of its own

# The scope of a rule: one schema key, all versions of a name, or, by WILDCARD, everything else.
Scope = SchemaKey | str


class Rule(msgspec.Struct, frozen=True):
    """A retention rule: the records of a schema are kept for `retention_days` days, for ever if that is None.

    A rule that is not `active` governs nothing. `where` is the file and line that gave it.
    """

    retention_days: int | None
    active: bool = True
    where: str = ""


class PolicyFile(msgspec.Struct, frozen=True):
    """The file that a policy was read from, by its path, and the SHA-256 of its bytes as they were read."""

    path: str
    sha256: str


class Policy(msgspec.Struct, frozen=True):
    """All rules: for one schema key, for all versions of a name, and for everything else (`*`).

    `source` is None for a policy that is in no file.
    """

    exact: dict[SchemaKey, Rule] = {}
    by_name: dict[str, Rule] = {}
    star: Rule | None = None
    source: PolicyFile | None = None


def all_rules(policy: Policy) -> dict[Scope, Rule]:
    """Return every rule, switched off or not, under what it is for."""
    rules: list[tuple[Scope, Rule]] = [*policy.exact.items(), *policy.by_name.items()]
    if policy.star is not None:
        rules.append((WILDCARD, policy.star))
    return dict(rules)


def match_rule(policy: Policy, key: SchemaKey) -> tuple[Scope, Rule] | None:
    """Return the rule for exactly this key, else for its name, else for WILDCARD, switched off or not; else None."""
    rule = policy.exact.get(key)
    if rule is not None:
        return key, rule
    rule = policy.by_name.get(key.name)
    if rule is not None:
        return key.name, rule
    return None if policy.star is None else (WILDCARD, policy.star)


def rule_for(policy: Policy, key: SchemaKey) -> Rule | None:
    """Return the rule that governs this key's records; None if none does.

    A rule that is switched off hides the wider ones: its records are kept as if there were no policy.
    """
    found = match_rule(policy, key)
    return found[1] if found and found[1].active else None


def retention_for(policy: Policy, key: SchemaKey) -> int | None:
    """Return how long the records of `key` are kept, in ns; None if that is for ever."""
    rule = rule_for(policy, key)
    return None if rule is None or rule.retention_days is None else rule.retention_days * DAY


def overdue_since(policy: Policy, count: SchemaStats) -> int | None:
    """Return when the first of the expired records expired; None if none has."""
    retention = retention_for(policy, count.schema) if count.expired else None
    return None if retention is None or count.oldest is None else count.oldest + retention


def describe_rule(policy: Policy, key: SchemaKey) -> str:
    """Return the rule of a schema key in words, with the place that gave it."""
    rule = rule_for(policy, key)
    if rule is None:
        return "none: its records are kept"
    days = "kept for ever" if rule.retention_days is None else f"kept for {pluralize(rule.retention_days, 'day')}"
    return f"{days} ({rule.where})"
