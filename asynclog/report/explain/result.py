"""The result of `explain`: why each segment is as it is, and when it goes. Its types, and their making."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from asynclog.actions import Action
from asynclog.escaping import escape_surrogates
from asynclog.forecast.expiry import fully_expired_at, lifetime
from asynclog.formatting import pluralize
from asynclog.policy.rules import Policy, match_rule, rule_for
from asynclog.report.envelope import FORMAT
from asynclog.report.provenance import PolicySource
from asynclog.report.unjudged_segments import Unjudged
from asynclog.report.warnings import Neighbours
from asynclog.schemas import SchemaKey
from asynclog.segments import WhyUnjudged
from asynclog.statistics import SchemaStats, SegmentStats
from asynclog.timestamps import LAST, format_instant


class UnreadableLine(msgspec.Struct, frozen=True):
    """The offset of an unreadable line in its segment, in bytes, and what is wrong with it.

    `line` is its number in the segment, from 1.
    """

    offset: int
    why: str
    line: int


class UnreadableReason(msgspec.Struct, frozen=True):
    """A reason, the number of lines that are unreadable for it, and the first few of them."""

    why: str
    lines: int
    examples: list[UnreadableLine]


class Part(msgspec.Struct, frozen=True):
    """The records of one schema in a segment.

    `rule` is the rule's scope, `where` its file and line; both None without one. `governed` is False then, and if the
    rule is switched off. `overdue_since` is when the first of the `expired` ones expired, None without any; the last of
    all is kept until `kept_until`, None for ever.
    """

    records: int
    bytes: int
    oldest: str | None
    newest: str | None
    governed: bool
    retention_days: int | None
    retention_s: int | None
    rule: str | None
    where: str | None
    expired: int
    overdue_since: str | None
    kept_until: str | None
    future: int
    implausible: int


class Explained(msgspec.Struct, frozen=True):
    """One segment. `gone_after` is when all of it will have expired, None if some of it never does: `kept_for_ever` has
    that. `schemas` is empty if it was not read. `lines` are the first unreadable ones, `reasons` those of all, the
    commonest first. `unjudged` says in a word why the segment's content is not known. `unpacked_bytes` is the size of
    the lines of a compressed one.
    """

    segment: str
    action: str
    reason: str
    bytes: int
    overdue_since: str | None
    gone_after: str | None
    kept_for_ever: list[str] = []
    schemas: dict[str, Part] = {}
    unreadable: int = 0
    blank: int = 0
    lines: list[UnreadableLine] = []
    reasons: list[UnreadableReason] = []
    unjudged: WhyUnjudged | None = None
    unpacked_bytes: int | None = None


class ExplainResult(msgspec.Struct, frozen=True):
    """`result` of the JSON document; the segments are in their order."""

    status: Literal["success", "skipped", "partial"]
    message: str
    format: Literal[1] = FORMAT
    profile: str | None = None
    now: str | None = None
    log: str | None = None
    policy: PolicySource | None = None
    host: str = ""
    user: str = ""
    version: str = ""
    reader: str = ""
    segments: list[Explained] = []
    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    unjudged: Unjudged = Unjudged()
    errors: list[str] = []


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
