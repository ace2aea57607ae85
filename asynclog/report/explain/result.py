"""The result of `explain`: why each segment is as it is, and when it goes. Only its types; `build` makes it."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT
from asynclog.report.neighbours import Neighbours
from asynclog.report.provenance import PolicySource
from asynclog.report.unjudged_segments import Unjudged
from asynclog.segments import WhyUnjudged


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
