"""Make the result of `explain`: why each segment is as it is, and when it goes."""

from collections.abc import Iterable, Iterator

from asynclog.actions import Action
from asynclog.escaping import escape_surrogates
from asynclog.forecast.expiry import fully_expired_at, lifetime
from asynclog.formatting import pluralize
from asynclog.policy.rules import Policy, match_rule, rule_for
from asynclog.report.explain.result import Explained, Part
from asynclog.schemas import SchemaKey
from asynclog.statistics import SchemaStats, SegmentStats
from asynclog.timestamps import LAST, format_instant


def explained(action: Action, stats: SegmentStats | None, policy: Policy, schemas: Iterable[SchemaKey]) -> Explained:
    """Return the explanation of this action, without unreadable lines, and with only these of its schemas."""
    shown = set(schemas)
    return Explained(
        segment=escape_surrogates(action.segment),
        action=action.kind,
        reason=action.reason,
        bytes=action.fingerprint.size,
        unpacked_bytes=stats.unpacked if stats else None,
        overdue_since=_text(action.overdue_since),
        gone_after=_text(fully_expired_at(stats, policy)) if stats else None,
        kept_for_ever=list(_kept_for_ever(stats, policy)) if stats else [],
        schemas={str(count.schema): _part(count, policy) for count in stats.schemas if count.schema in shown}
        if stats
        else {},
        unreadable=stats.unreadable if stats else 0,
        blank=stats.blank if stats else 0,
        unjudged=action.unjudged,
    )


def _kept_for_ever(stats: SegmentStats, policy: Policy) -> Iterator[str]:
    """Yield, in words, what of the segment is kept for ever."""
    if stats.unreadable:
        yield pluralize(stats.unreadable, "unreadable line")
    for count in stats.schemas:
        rule = rule_for(policy, count.schema)
        if rule is None:
            yield f"{pluralize(count.records, 'record')} of {count.schema} that no rule governs"
        elif rule.retention is None:
            yield f"{pluralize(count.records, 'record')} of {count.schema} that a rule keeps for ever"
        elif count.implausible:
            yield f"{pluralize(count.implausible, 'record')} of {count.schema} from before 2000"


def _part(count: SchemaStats, policy: Policy) -> Part:
    scope, rule = match_rule(policy, count.schema) or (None, None)
    life = lifetime(count, policy)
    return Part(
        records=count.records,
        bytes=count.bytes,
        oldest=_text(count.oldest),
        newest=_text(count.newest),
        governed=rule is not None and rule.active,
        retention_days=rule.retention_days if rule else None,
        retention_s=rule.retention_s if rule else None,
        rule=str(scope) if rule else None,
        where=escape_surrogates(rule.where) if rule else None,
        expired=count.expired,
        overdue_since=_text(life.since),
        kept_until=_text(life.until),
        future=count.future,
        implausible=count.implausible,
    )


def _text(instant: int | None) -> str | None:
    """Return the instant as text; None also if it is after the year 9999."""
    return None if instant is None or instant > LAST else format_instant(instant)
