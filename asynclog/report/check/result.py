"""The result of `check`: which rule governs what is on disk. Only its types; `build` makes it."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT
from asynclog.report.holdings import SegmentsRead
from asynclog.report.neighbours import Neighbours
from asynclog.report.provenance import PolicyRule
from asynclog.report.unjudged_segments import Unjudged


class Coverage(msgspec.Struct, frozen=True):
    """One schema that was found: how much of it there is, and the rule for it.

    `rule` is the rule's scope (`name:version`, `name`, a pattern or `*`), `where` its file and line; both None without
    one. `governed` is False then, and if the rule is switched off. `retention_s` of None is for ever.
    """

    records: int
    bytes: int
    governed: bool
    retention_days: int | None
    retention_s: int | None
    rule: str | None
    where: str | None


class UnusedRule(msgspec.Struct, frozen=True):
    """A rule that governs nothing that was found."""

    rule: str
    active: bool
    retention_days: int | None
    retention_s: int | None
    where: str


class FieldsRead(msgspec.Struct, frozen=True):
    """The mapped fields of a log's lines. Without a `timestamp` the time is the file's mtime.

    Without a `schema` it is the `constant` one. If the `format` is `file`, each file is one record of that.
    """

    timestamp: list[str]
    schema: list[str]
    constant: str | None
    version: str | None
    form: list[str]
    zone: str | None
    format: Literal["lines", "file"] = "lines"


class BudgetRead(msgspec.Struct, frozen=True):
    """The budget of a log: its most bytes, and the least free space in percent; None is no limit."""

    max_bytes: int | None
    min_free: float | None


class CheckResult(msgspec.Struct, frozen=True):
    """`result` of the JSON document. `ungoverned` are keys of `schemas`; `unread` has the reason for each segment."""

    status: Literal["success", "skipped", "partial"]
    message: str
    format: Literal[1] = FORMAT
    configuration: str | None = None
    profile: str | None = None
    log: str | None = None
    policy: str | None = None
    policy_sha256: str | None = None
    policy_rules: list[PolicyRule] = []
    fields: FieldsRead | None = None
    budget: BudgetRead | None = None
    host: str = ""
    user: str = ""
    version: str = ""
    reader: str = ""
    schemas: dict[str, Coverage] = {}
    ungoverned: list[str] = []
    unused_rules: list[UnusedRule] = []
    unreadable: int = 0
    segments: SegmentsRead = SegmentsRead()
    unread: dict[str, str] = {}
    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    unjudged: Unjudged = Unjudged()
    errors: list[str] = []
