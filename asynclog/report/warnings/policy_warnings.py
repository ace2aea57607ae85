"""Warnings about the rules of a policy: sentences that say what to do. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from asynclog.formatting import format_period, list_some, plural, pluralize
from asynclog.policy.patterns import name_matches
from asynclog.policy.rules import WILDCARD, Policy, Rule, Scope, all_rules, match_rule, pattern_rules
from asynclog.report.warnings.warning_facts import Facts
from asynclog.schemas import SchemaKey


def rule_warnings(facts: Facts, policy: Policy) -> Iterator[str]:
    """Yield warnings about missing rules, and about rules that delete everything at once."""
    rules = all_rules(policy)
    if facts.is_there and not rules and facts.registry == "awaited":
        yield (
            f"nothing recorded yet: {facts.schemas} does not exist, so there is no rule, and all records are kept "
            "until MXCP writes its audit schemas there"
        )
    elif facts.is_there and not rules:
        what = "the registry is empty" if facts.registry else "it has no rule"
        yield f"{facts.schemas}: {what}, and all records are kept: see asynclog check"
    yield from _rotated_registry(facts, policy)
    for scope, rule in rules.items():
        if rule.active and rule.retention == 0:
            yield (
                f"{rule.where}: retention_days 0 deletes every record of {_scope(scope)} at once, whatever its age: "
                "write null to keep them for ever"
            )


def _rotated_registry(facts: Facts, policy: Policy) -> Iterator[str]:
    """Yield warnings about files that were the registry before a rotation: those that are read, and the others."""
    read = {path.rpartition("/")[2] for path in policy.source.rotated} if policy.source else set()
    if read:
        why = "does not exist" if facts.registry == "awaited" else "has no rule"
        yield (
            f"{facts.schemas} {why}, so the rules are read from what seems to be left of it after a rotation: "
            f"{list_some([name for name in facts.rotated if name in read])}: put those lines back into the registry, "
            "and exclude it from the rotation"
        )
    unread = [name for name in facts.rotated if name not in read]
    if unread:
        they = "it" if len(unread) == 1 else "they"
        yield (
            f"{list_some(unread)} beside {facts.schemas}: {they} may have "
            "been the registry before a rotation, and the rules there are not read: put those lines back before "
            "those of the registry, and exclude the registry from the rotation"
        )


def unused_rule_warnings(policy: Policy, schemas: Iterable[SchemaKey]) -> Iterator[str]:
    """Yield rules that match nothing while a wider one deletes: a mistyped name may cost records.

    Yield as well those with a period that delete nothing, because each schema has a narrower rule that keeps it, and
    those whose names are written with the version.
    """
    schemas = list(schemas)
    found = [match_rule(policy, key) for key in schemas]
    yield from _all_kept_for_ever(policy, found)
    used = {each[0] for each in found if each}
    yield from _named_with_version(policy, schemas, used)
    by_wider: dict[str, list[str]] = {}
    for scope, rule in all_rules(policy).items():
        wider = _deleting_rule(policy, scope, used) if scope not in used else None
        if wider is not None:
            by_wider.setdefault(wider, []).append(f"{_scope(scope)} ({rule.where})")
    for wider, idle in by_wider.items():
        yield (
            f"{pluralize(len(idle), 'rule')} {'matches' if len(idle) == 1 else 'match'} nothing here, while {wider}: "
            f"{list_some(idle)}: if a name is mistyped, correct it before the next cleanup; see asynclog check"
        )


def _all_kept_for_ever(policy: Policy, found: Sequence[tuple[Scope, Rule] | None]) -> Iterator[str]:
    """Yield the rules that would delete if the rules found for all schemas of a log did not keep them for ever."""
    own = dict.fromkeys(each[0] for each in found if each and each[1].active and each[1].retention is None)
    if not all(each and each[0] in own for each in found):
        return
    wider = {scope: rule for each in own for scope, rule in _wider_rules(policy, each) if scope not in own}
    idle = [f"{scope} ({rule.where})" for scope, rule in wider.items() if rule.active and rule.retention is not None]
    if idle:
        one = len(found) == 1
        yield (
            f"{'The only schema here is' if one else f'All {len(found):,} schemas here are'} kept for ever by "
            f"{'its own rule' if one else 'their own rules'} (retention_days: null): the "
            f"{plural(len(idle), 'rule')} for {list_some(idle)} {'governs' if len(idle) == 1 else 'govern'} none of "
            f"{'its records' if one else 'them'}. To let {'it' if one else 'them'} expire, remove "
            f"{'its own rule' if one else 'their own rules'}, or write a period there"
        )


def _named_with_version(policy: Policy, schemas: Iterable[SchemaKey], used: set[Scope]) -> Iterator[str]:
    """Yield rules that match nothing, and whose name is a schema of this log with its version, as tables have it."""
    by_text = {str(key): key for key in schemas}
    for scope, rule in all_rules(policy).items():
        key = by_text.get(scope if isinstance(scope, str) else scope.name)
        if key is not None and scope not in used:
            yield (
                f"{rule.where}: the rule for {_scope(scope)} matches nothing here, because :{key.version} is the "
                f"version in {key}: write schema_name: {key.name}, version: {key.version}"
            )


def _deleting_rule(policy: Policy, scope: Scope, used: set[Scope]) -> str | None:
    """Return, in words, the wider rule that deletes records of this log; None without one."""
    for each, rule in _wider_rules(policy, scope):
        if each in used and rule.active and rule.retention_s is not None:
            return f"the rule for {each} deletes after {format_period(rule.retention_s)}"
    return None


def _wider_rules(policy: Policy, scope: Scope) -> Iterator[tuple[Scope, Rule]]:
    """Yield the rules, perhaps this one too, that its records would be under without it, the narrower first."""
    if scope == WILDCARD:
        return
    name = scope if isinstance(scope, str) else scope.name
    version = None if isinstance(scope, str) else scope.version
    if isinstance(scope, SchemaKey) and name in policy.by_name:
        yield name, policy.by_name[name]
    for pattern, rule in pattern_rules(policy).items():
        is_for_version = pattern.version is None or version in {None, pattern.version}
        if is_for_version and name_matches(pattern.name, name):
            yield pattern, rule
    if policy.star is not None:
        yield WILDCARD, policy.star


def _scope(scope: Scope) -> str:
    return "every schema without a rule of its own" if scope == WILDCARD else str(scope)
