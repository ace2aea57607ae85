"""The result of a job: `--json` prints it key for key. Only its types; `build` makes it."""

from typing import Any, Literal, Self

import msgspec

from asynclog.report.envelope import FORMAT, document
from asynclog.report.neighbours import Neighbours
from asynclog.report.packed_segments import Packed
from asynclog.report.provenance import PolicySource
from asynclog.report.unjudged_segments import Unjudged
from asynclog.segments import WhyUnjudged

# The reasons for segments that a stopped job did not reach: the text report mentions them once, not one by one.
NOT_READ = "the job was stopped before it was read"
NOT_BEGUN = "the job was stopped first"


class Records(msgspec.Struct, frozen=True):
    """scanned = deleted + overdue + kept; unreadable lines don't count."""

    scanned: int = 0
    deleted: int = 0
    kept: int = 0


class Kept(msgspec.Struct, frozen=True):
    """Why lines stayed, apart from records that have not expired: each counts under one reason."""

    unreadable: int = 0
    future: int = 0
    implausible: int = 0
    no_policy: dict[str, int] = {}


class Overdue(msgspec.Struct, frozen=True):
    """Expired records that had to stay, per schema key, and the instant of the oldest of them."""

    records: dict[str, int] = {}
    oldest: str | None = None


class Bytes(msgspec.Struct, frozen=True):
    """`scanned` is how much was read, `freed` how much the log has shrunk."""

    scanned: int = 0
    freed: int = 0


class BudgetLeft(msgspec.Struct, frozen=True):
    """The log's budget, None for no limit, `min_free` in percent; and how many bytes it is over that afterwards."""

    max_bytes: int | None
    min_free: float | None
    bytes_over: int


class CatalogStats(msgspec.Struct, frozen=True):
    """Counts of segments: known to the catalog, known in their beginning, and read; and whether it was damaged."""

    hits: int = 0
    partial: int = 0
    misses: int = 0
    rebuilt: bool = False


class Segments(msgspec.Struct, frozen=True):
    """The segments by outcome; in a dry run, by what it would be.

    `emptied` are those of `dropped` that were empty.
    """

    total: int = 0
    dropped: int = 0
    rewritten: int = 0
    kept: int = 0
    skipped: int = 0
    failed: int = 0
    emptied: int = 0


class ActionRow(msgspec.Struct, frozen=True, gc=False):
    """One segment. `outcome` is None for a drop or rewrite in a dry run; `outcome_reason` says why it was not done,
    `unjudged` in a word why the segment's content is not known. `unpacked_bytes` is the size of the lines of a
    compressed one.
    """

    segment: str
    action: str
    reason: str
    deleted_per_schema: dict[str, int]
    bytes_before: int
    bytes_after: int
    outcome: str | None
    outcome_reason: str | None = None
    unjudged: WhyUnjudged | None = None
    unpacked_bytes: int | None = None


class DeletedSchema(msgspec.Struct, frozen=True):
    """The part of one schema that went: records, size, the oldest and the newest; and the rule that governs it."""

    records: int
    bytes: int
    oldest: str | None
    newest: str | None
    rule: str | None
    retention_days: int | None
    retention_s: int | None


class PlanRef(msgspec.Struct, frozen=True):
    """The plan that was applied: its file and its checksum."""

    path: str
    checksum: str


class CleanupResult(msgspec.Struct, frozen=True):
    """`result` of the JSON document. In a dry run all figures are what a real run would give.

    `profiles` is for `--all-profiles`, `logs` for a path of many: then the other figures are the totals. One that could
    not begin has the status `error`, and its message says why.
    """

    status: Literal["success", "dry_run", "skipped", "partial", "error"]
    message: str
    deleted_per_schema: dict[str, int] = {}
    deleted_schemas: dict[str, DeletedSchema] = {}
    deleted_oldest: str | None = None
    deleted_newest: str | None = None
    format: Literal[1] = FORMAT
    run_id: str = ""
    profile: str | None = None
    now: str | None = None
    log: str | None = None
    policy: PolicySource | None = None
    host: str = ""
    user: str = ""
    version: str = ""
    reader: str = ""
    plan: PlanRef | None = None
    stopped: str | None = None
    refusal: str | None = None
    records: Records = Records()
    deleted_by_budget: dict[str, int] = {}
    budget: BudgetLeft | None = None
    kept: Kept = Kept()
    overdue: Overdue = Overdue()
    unjudged: Unjudged = Unjudged()
    bytes: Bytes = Bytes()
    packed: Packed = Packed()
    catalog: CatalogStats | None = None
    segments: Segments = Segments()
    actions: list[ActionRow] = []
    late_segments: list[str] = []
    recovery_pending: list[str] = []
    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    errors: list[str] = []
    lease_max_ms: float = 0.0
    duration_s: float = 0.0
    profiles: "dict[str, CleanupResult] | None" = None
    logs: "dict[str, CleanupResult] | None" = None


class SchemaTotals(msgspec.Struct, frozen=True):
    """One schema: deleted + overdue + kept is what was read of it; `by_budget` of the deleted had not expired.

    Of the overdue records, `oldest` is the earliest timestamp, and `since` when the first of them expired (ns since
    1970); both None without any. `deleted_oldest` and `deleted_newest` are the times of what went.
    """

    deleted: int = 0
    deleted_bytes: int = 0
    kept: int = 0
    kept_bytes: int = 0
    overdue: int = 0
    overdue_bytes: int = 0
    oldest: int | None = None
    since: int | None = None
    by_budget: int = 0
    deleted_oldest: int | None = None
    deleted_newest: int | None = None


class Report(msgspec.Struct, frozen=True):
    """The report of a job. `exit_code` is the process's; `error` is a sentence, None if all went well.

    Not in the document: the `schemas` that were found, `log_bytes`, the size of all segments at the job's end (None if
    there was nothing to clean up), `pending_bytes`, that of the files that are held back, whether this job
    `judged_nothing`, because there was no segment, or it could judge none, and, if a guard `refused` it, what it would
    have done.
    """

    result: CleanupResult
    exit_code: int = 0
    error: str | None = None
    schemas: dict[str, SchemaTotals] = {}
    log_bytes: int | None = None
    pending_bytes: int = 0
    judged_nothing: bool = False
    refused: "Report | None" = None

    def marred(self, sentence: str) -> Self:
        """Return this report with an error after the run: the exit code is 3, unless it has failed already."""
        result = msgspec.structs.replace(self.result, status="partial", errors=[*self.result.errors, sentence])
        error = f"{self.error}; {sentence}" if self.error else sentence
        return msgspec.structs.replace(self, result=result, exit_code=self.exit_code or 3, error=error)

    def document(self) -> dict[str, Any]:
        """Return the whole JSON document, as plain data."""
        return document(self.result, self.error)
