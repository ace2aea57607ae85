"""Make the result of `check`: which rule governs what is on disk."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from asynclog.escaping import escape_surrogates
from asynclog.formatting import list_some, pluralize
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.policy.rules import WILDCARD, Policy, Rule, Scope, all_rules, match_rule
from asynclog.records.fields import MXCP_FIELDS, Fields, FlatFields, WholeFile
from asynclog.report.check.result import BudgetRead, CheckResult, Coverage, FieldsRead, UnusedRule
from asynclog.report.holdings import Holding, Holdings
from asynclog.report.provenance import Provenance, who
from asynclog.report.warnings.notices import Notices


class Subject(msgspec.Struct, frozen=True):
    """The subject of a check; `configuration` is None if the command line named everything."""

    configuration: str | None
    profile: str | None
    log: str
    policy: str
    provenance: Provenance
    fields: Fields = MXCP_FIELDS
    budget: Budget = NO_BUDGET


def make_coverage(
    holdings: Holdings, policy: Policy, subject: Subject, warnings: Iterable[str], notices: Notices
) -> CheckResult:
    """Return the result of checking these rules against this log; `warnings` are about the policy itself."""
    scopes = {key: match_rule(policy, key) for key in holdings.by_schema}
    schemas = {str(key): _coverage(holdings.by_schema[key], scopes[key]) for key in holdings.by_schema}
    used = {found[0] for found in scopes.values() if found}
    rules = all_rules(policy)
    ungoverned = [name for name, coverage in schemas.items() if not coverage.governed]
    unused = [_unused(scope, rule) for scope, rule in rules.items() if scope not in used]
    return CheckResult(
        status="partial" if holdings.failures else "success",
        message=(
            f"Valid: {pluralize(len(rules), 'rule')}, "
            f"{pluralize(len(schemas), 'schema')} in {pluralize(holdings.segments.total, 'segment')}"
        ),
        configuration=subject.configuration and escape_surrogates(subject.configuration),
        profile=subject.profile,
        log=escape_surrogates(subject.log),
        policy=escape_surrogates(subject.policy),
        policy_sha256=policy.source.sha256 if policy.source else None,
        policy_rules=subject.provenance.policy.rules if subject.provenance.policy else [],
        fields=_fields(subject.fields),
        budget=_budget(subject.budget),
        **who(subject.provenance),
        schemas=schemas,
        ungoverned=ungoverned,
        unused_rules=unused,
        unreadable=holdings.unreadable,
        segments=holdings.segments,
        unread=holdings.unread,
        warnings=[
            *notices.warnings,
            *map(escape_surrogates, warnings),
            *_coverage_warnings(ungoverned, [rule.rule for rule in unused if rule.rule != WILDCARD or not schemas]),
        ],
        neighbours=notices.neighbours,
        unjudged=notices.unjudged,
        errors=holdings.failures,
    )


def _coverage_warnings(ungoverned: Sequence[str], unused: Sequence[str]) -> Iterator[str]:
    """Yield warnings about schemas without a rule, and about rules that match nothing.

    The rule for everything else is not among them if there is nothing else: it is meant for what may come.
    """
    if ungoverned:
        yield f"Schemas without a rule, whose records are kept: {len(ungoverned):,}: {list_some(ungoverned)}"
    if unused:
        yield f"Rules that match nothing here: {len(unused):,}: {list_some(unused)}"


def _fields(fields: Fields) -> FieldsRead | None:
    """Return what is said of fields; None for MXCP's."""
    if isinstance(fields, FlatFields):
        return None
    if isinstance(fields, WholeFile):
        return FieldsRead([], [], fields.constant, None, [], None, "file")
    forms = list(fields.forms) if fields.timestamp else []
    constant = None if fields.schema else fields.constant
    return FieldsRead(list(fields.timestamp), list(fields.schema), constant, fields.version, forms, fields.zone)


def _budget(budget: Budget) -> BudgetRead | None:
    return BudgetRead(budget.max_bytes, budget.min_free) if budget.is_set else None


def _coverage(holding: Holding, found: tuple[Scope, Rule] | None) -> Coverage:
    if found is None:
        return Coverage(
            holding.records,
            holding.bytes,
            governed=False,
            retention_days=None,
            retention_s=None,
            rule=None,
            where=None,
        )
    scope, rule = found
    return Coverage(
        records=holding.records,
        bytes=holding.bytes,
        governed=rule.active,
        retention_days=rule.retention_days,
        retention_s=rule.retention_s,
        rule=str(scope),
        where=escape_surrogates(rule.where),
    )


def _unused(scope: Scope, rule: Rule) -> UnusedRule:
    return UnusedRule(str(scope), rule.active, rule.retention_days, rule.retention_s, escape_surrogates(rule.where))
