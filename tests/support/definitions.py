"""The judge's definitions, as a policy file has them and as the program has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judge import period

from asynclog.policy.rules import Policy, Rule, make_policy, scope_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judge import Definition


def written(rule: Definition) -> dict[str, Any]:
    """Return a definition as an entry of a policy file: no `version` for all versions, and only one of the periods."""
    entry = rule._asdict()
    left_out = {"retention" if rule.retention is None else "retention_days"}
    left_out |= {"version"} if rule.version is None else set()
    return {key: value for key, value in entry.items() if key not in left_out}


def policy_of(definitions: Iterable[Definition]) -> Policy:
    """Return the policy of these definitions as the program has it."""
    return make_policy(
        {
            scope_for(each.schema_name, each.version): Rule(retention=period(each), active=each.active)
            for each in definitions
        }
    )
