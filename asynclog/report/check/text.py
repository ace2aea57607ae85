"""The result of `check` as text: the rule of each schema, and then what needs attention."""

from collections.abc import Iterator

from asynclog.escaping import escape_control
from asynclog.formatting import fold, format_size, kept_for, pluralize
from asynclog.records.fields import MappedFields, WholeFile, in_words
from asynclog.report.budget import budget_in_words
from asynclog.report.check.result import CheckResult, Coverage, FieldsRead
from asynclog.report.envelope import CommandResult
from asynclog.report.provenance import PolicySource, Provenance, in_brief
from asynclog.report.unjudged_segments import unjudged_in_words
from asynclog.tables import columns


def as_text(report: CommandResult[CheckResult], width: int | None = None) -> str:
    """Return the result as lines, without a newline at the end; tables fit into this width."""
    return "\n".join(_lines(report.result, width)).rstrip("\n")


def _lines(result: CheckResult, width: int | None) -> Iterator[str]:
    yield escape_control(result.message)
    if result.configuration:
        yield escape_control(f"Configuration: {result.configuration}, profile {result.profile}")
    yield from in_brief(_provenance(result))
    if result.fields:
        yield escape_control(f"Fields: {in_words(_mapped(result.fields))}")
    if result.budget:
        limits = budget_in_words(result.budget.max_bytes, result.budget.min_free)
        yield f"Budget: {limits}: over it, whole segments go before they have expired"
    yield from _table(result, width)
    for warning in result.warnings:
        yield f"Warning: {escape_control(warning)}"
    for rule in result.unused_rules:
        yield escape_control(f"Matches nothing: the rule for {rule.rule} ({rule.where})")
    for unread in fold(result.unread.items()):
        yield escape_control(f"Not read: {unread}")
    yield from unjudged_in_words(result.unjudged)
    if result.unreadable:
        yield f"Kept unread: {pluralize(result.unreadable, 'unreadable line')}"


def _mapped(fields: FieldsRead) -> MappedFields | WholeFile:
    if fields.format == "file":
        return WholeFile(fields.constant or "")
    return MappedFields(
        tuple(fields.timestamp),
        tuple(fields.schema),
        fields.version,
        tuple(fields.form),
        fields.zone,
        fields.constant or "",
    )


def _provenance(result: CheckResult) -> Provenance:
    policy = None
    if result.policy and result.policy_sha256:
        policy = PolicySource(result.policy, result.policy_sha256, result.policy_rules)
    return Provenance(result.log, policy, result.host, result.user, result.version, result.reader)


def _table(result: CheckResult, width: int | None) -> Iterator[str]:
    if not result.schemas:
        return
    rows = [["schema", "records", "size", "rule"]]
    for name, coverage in result.schemas.items():
        rows.append([name, f"{coverage.records:,}", format_size(coverage.bytes), _rule(coverage)])
    yield ""
    yield from columns(rows, right={1, 2}, width=width)
    yield ""


def _rule(coverage: Coverage) -> str:
    if coverage.rule is None:
        return "none: kept"
    return f"{kept_for(coverage.retention_s) if coverage.governed else 'switched off: kept'} ({coverage.where})"
