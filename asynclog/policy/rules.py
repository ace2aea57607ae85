"""A policy and its rules: which of them governs a record, and how long that keeps it."""

from collections.abc import Mapping

import msgspec

from asynclog.formatting import kept_for
from asynclog.policy.patterns import Pattern, fixed_part, has_wildcard, name_matches
from asynclog.schemas import SchemaKey
from asynclog.statistics import SchemaStats
from asynclog.timestamps import DAY, HOUR, SECOND

WILDCARD = "*"  # the name of the rule for everything that has none of its own

# The scope of a rule: one schema key, all versions of a name, a pattern, or, by WILDCARD, everything else.
Scope = SchemaKey | Pattern | str


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A retention rule: the records of a schema are kept for `retention` ns, for ever if that is None.

    A rule that is not `active` governs nothing. `where` is the file and line that gave it.
    """

    retention: int | None
    active: bool = True
    where: str = ""

    @property
    def retention_days(self) -> int | None:
        """The period in days of 24 hours, rounded up."""
        return None if self.retention is None else -(-self.retention // DAY)

    @property
    def retention_s(self) -> int | None:
        """The period in seconds, exactly: no unit of a policy is shorter."""
        return None if self.retention is None else self.retention // SECOND

    @property
    def as_key(self) -> str:
        """The period as a policy has it: `retention_days 90`, or `retention 36h` if it is not whole days."""
        if self.retention is None or not self.retention % DAY:
            return f"retention_days {'null' if self.retention is None else self.retention_days}"
        return f"retention {self.retention // HOUR}h"


class PolicyFile(msgspec.Struct, frozen=True):
    """The file that a policy was read from, by its path, and the SHA-256 of its bytes as they were read.

    If a registry was rotated, `rotated` are the paths of the files that were read, of which this is the newest; the
    SHA-256 of several is that of theirs.
    """

    path: str
    sha256: str
    rotated: tuple[str, ...] = ()


class PatternRules(msgspec.Struct, frozen=True):
    """The rules for one pattern: `by_version` has those for one version of the names, and under None for all others."""

    name: str
    by_version: dict[int | None, Rule]


class Policy(msgspec.Struct, frozen=True):
    """All rules: for one schema key, for all versions of a name, for patterns, and for everything else (`*`).

    `patterns` has the rules of each by the length of its fixed part, the longest first, and by the fixed part: to find
    those for a name does not take longer if there are many. `source` is None for a policy that is in no file.
    """

    exact: dict[SchemaKey, Rule] = {}
    by_name: dict[str, Rule] = {}
    star: Rule | None = None
    source: PolicyFile | None = None
    patterns: dict[int, dict[str, PatternRules]] = {}


def scope_for(name: str, version: int | None) -> Scope:
    """Return what a rule is for that a person wrote for this name, and this version, or all. `*` has no version."""
    if name == WILDCARD:
        return WILDCARD
    if has_wildcard(name):
        return Pattern(name, version)
    return name if version is None else SchemaKey(name, version)


def make_policy(rules: Mapping[Scope, Rule], source: PolicyFile | None = None) -> Policy:
    """Return the policy with these rules. No two patterns may have the same fixed part."""
    patterns = {scope: rule for scope, rule in rules.items() if isinstance(scope, Pattern)}
    names = {scope: rule for scope, rule in rules.items() if isinstance(scope, str)}
    star = names.pop(WILDCARD, None)
    exact = {scope: rule for scope, rule in rules.items() if isinstance(scope, SchemaKey)}
    return Policy(exact, names, star, source, _by_fixed_part(patterns))


def _by_fixed_part(rules: Mapping[Pattern, Rule]) -> dict[int, dict[str, PatternRules]]:
    found: dict[int, dict[str, PatternRules]] = {}
    for pattern, rule in sorted(rules.items(), key=lambda item: len(fixed_part(item[0].name)), reverse=True):
        fixed = fixed_part(pattern.name)
        same = found.setdefault(len(fixed), {}).setdefault(fixed, PatternRules(pattern.name, {}))
        same.by_version[pattern.version] = rule
    return found


def all_rules(policy: Policy) -> dict[Scope, Rule]:
    """Return every rule, switched off or not, under what it is for."""
    rules: list[tuple[Scope, Rule]] = [
        *policy.exact.items(),
        *policy.by_name.items(),
        *pattern_rules(policy).items(),
    ]
    if policy.star is not None:
        rules.append((WILDCARD, policy.star))
    return dict(rules)


def pattern_rules(policy: Policy) -> dict[Pattern, Rule]:
    """Return the rules for patterns, the narrower first."""
    return {
        Pattern(each.name, version): rule
        for by_part in policy.patterns.values()
        for each in by_part.values()
        for version, rule in each.by_version.items()
    }


def match_rule(policy: Policy, key: SchemaKey) -> tuple[Scope, Rule] | None:
    """Return the rule for this key, switched off or not, with its scope; None without one.

    The rule for exactly this key, else for its name, else for the first pattern that matches, else for WILDCARD.
    """
    rule = policy.exact.get(key)
    if rule is not None:
        return key, rule
    rule = policy.by_name.get(key.name)
    if rule is not None:
        return key.name, rule
    return _match_pattern(policy, key) or (None if policy.star is None else (WILDCARD, policy.star))


def _match_pattern(policy: Policy, key: SchemaKey) -> tuple[Pattern, Rule] | None:
    for length, by_part in policy.patterns.items():
        rules = by_part.get(key.name[:length])
        if rules is not None and name_matches(rules.name, key.name):
            for version in (key.version, None):
                if version in rules.by_version:
                    return Pattern(rules.name, version), rules.by_version[version]
    return None


def rule_for(policy: Policy, key: SchemaKey) -> Rule | None:
    """Return the rule that governs this key's records; None if none does.

    A rule that is switched off hides the wider ones: its records are kept as if there were no policy.
    """
    found = match_rule(policy, key)
    return found[1] if found and found[1].active else None


def retention_for(policy: Policy, key: SchemaKey) -> int | None:
    """Return how long the records of `key` are kept, in ns; None if that is for ever."""
    rule = rule_for(policy, key)
    return None if rule is None else rule.retention


def overdue_since(policy: Policy, count: SchemaStats) -> int | None:
    """Return when the first of the expired records expired; None if none has."""
    retention = retention_for(policy, count.schema) if count.expired else None
    return None if retention is None or count.oldest is None else count.oldest + retention


def describe_rule(policy: Policy, key: SchemaKey) -> str:
    """Return the rule of a schema key in words, with the place that gave it."""
    rule = rule_for(policy, key)
    if rule is None:
        return "none: its records are kept"
    return f"{kept_for(rule.retention_s)} ({rule.where})"
