"""Tell where a report comes from: the log, the policy, and who ran what, so that it can stand alone. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from asynclog.escaping import escape_control, escape_surrogates
from asynclog.formatting import format_period, pluralize
from asynclog.policy.rules import Policy, all_rules

_SHOWN = 12  # digits of a SHA-256, enough for people to tell files apart
_MOST_RULES = 20  # shown in a text


class PolicyRule(msgspec.Struct, frozen=True):
    """One rule: its scope (`name:version`, `name`, a pattern or `*`), and its period; None for ever."""

    rule: str
    retention_days: int | None
    retention_s: int | None
    active: bool


class PolicySource(msgspec.Struct, frozen=True):
    """The policy of a run: its file, the SHA-256 of the bytes that were read, and all its rules."""

    path: str
    sha256: str
    rules: list[PolicyRule] = []


class Provenance(msgspec.Struct, frozen=True):
    """The origin of a report. `log` and `policy` are None if unknown or missing."""

    log: str | None = None
    policy: PolicySource | None = None
    host: str = ""
    user: str = ""
    version: str = ""
    reader: str = ""


def policy_source(policy: Policy) -> PolicySource | None:
    """Return what a report says about a policy; None if it is not from a file."""
    if policy.source is None:
        return None
    rules = [
        PolicyRule(str(scope), rule.retention_days, rule.retention_s, rule.active)
        for scope, rule in all_rules(policy).items()
    ]
    return PolicySource(escape_surrogates(policy.source.path), policy.source.sha256, rules)


def who(provenance: Provenance) -> dict[str, Any]:
    """Return the keys that say who ran what, for a document that has log and policy in its own form."""
    return {
        "host": provenance.host,
        "user": provenance.user,
        "version": provenance.version,
        "reader": provenance.reader,
    }


def rules_in_words(rules: Sequence[PolicyRule]) -> str:
    """Return `api_operations:1 90 days, debug_* 36 hours, legal for ever (switched off)`, the first ones of many."""
    more = len(rules) - _MOST_RULES
    shown = ", ".join(f"{each.rule} {rule_period(each)}" for each in rules[:_MOST_RULES])
    return f"{shown} and {more:,} more" if more > 0 else shown


def rule_period(rule: PolicyRule) -> str:
    """Return `90 days`, `36 hours`, `for ever`; with `(switched off)` if it is."""
    period = "for ever" if rule.retention_s is None else format_period(rule.retention_s)
    return period if rule.active else f"{period} (switched off)"


class Told(Protocol):
    """A result that has the keys of a Provenance."""

    @property
    def log(self) -> str | None: ...
    @property
    def policy(self) -> PolicySource | None: ...
    @property
    def host(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def reader(self) -> str: ...


def in_brief(told: Told) -> Iterator[str]:
    """Yield lines for people: for log and policy, for the policy's rules, and for who ran what."""
    parts = [f"Log: {told.log}"] if told.log else []
    if told.policy:
        rules, digest = pluralize(len(told.policy.rules), "rule"), told.policy.sha256[:_SHOWN]
        parts.append(f"policy: {told.policy.path} ({rules}, sha256 {digest}…)")
    if parts:
        yield escape_control("; ".join(parts))
    if told.policy and told.policy.rules:
        yield escape_control(f"Rules: {rules_in_words(told.policy.rules)}")
    if told.host:
        yield escape_control(f"Run by {told.user} on {told.host}: asynclog {told.version}, {told.reader} reader")
