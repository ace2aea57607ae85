"""Which rule governs a record, and when its records expire."""

from asynclog.instant import DAY
from asynclog.model import Policy, Rule, SchemaKey


def rule_for(policy: Policy, key: SchemaKey) -> Rule | None:
    """The rule of exactly this key, else of its name, else of `*`; None where nothing governs it.

    A rule that is switched off hides the wider ones: its records are kept as if there were no policy.
    """
    rule = policy.exact.get(key) or policy.by_name.get(key.name) or policy.star
    return rule if rule is not None and rule.active else None


def cutoff_for(policy: Policy, key: SchemaKey, now: int) -> int | None:
    """Records of `key` with an instant before this one have expired; None where they never do."""
    rule = rule_for(policy, key)
    if rule is None or rule.retention_days is None:
        return None
    return now - rule.retention_days * DAY


def describe_rule(policy: Policy, key: SchemaKey) -> str:
    """The rule of a schema key in words, with the place that gave it."""
    rule = rule_for(policy, key)
    if rule is None:
        return "none: its records are kept"
    days = "kept for ever" if rule.retention_days is None else f"kept for {rule.retention_days} days"
    return f"{days} ({rule.where})"
