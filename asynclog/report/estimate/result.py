"""The result of `estimate`: what a policy frees, and would free with other days. Only its types; `build` makes it."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT
from asynclog.report.neighbours import Neighbours
from asynclog.report.packed_segments import Packed
from asynclog.report.provenance import PolicySource
from asynclog.report.unjudged_segments import Unjudged


class Freed(msgspec.Struct, frozen=True):
    """All that has expired `in_days` days from now, at the instant `at`.

    In the totals the bytes are those that the log shrinks by, including the blank lines of dropped segments. A figure
    of None is not known exactly: with --no-scan, it lies between its `low` and `high`.
    """

    in_days: int
    at: str
    records: int | None
    bytes: int | None
    records_low: int | msgspec.UnsetType = msgspec.UNSET
    records_high: int | msgspec.UnsetType = msgspec.UNSET
    bytes_low: int | msgspec.UnsetType = msgspec.UNSET
    bytes_high: int | msgspec.UnsetType = msgspec.UNSET


class ForecastRow(msgspec.Struct, frozen=True):
    """One schema, or all, under one policy.

    `oldest` and `newest` leave out records whose clock was wrong. `retention_s` is None if nothing expires, and for
    all schemas together; `retention_days` is the same, rounded up. The daily figures are those of the last 30 whole
    days, or of fewer if there are no older records. `steady_bytes` is what stays in the log in the end at that
    rate; None if it grows without limit.
    """

    records: int | None
    bytes: int | None
    oldest: str | None
    newest: str | None
    retention_days: int | None
    retention_s: int | None
    daily_records: float | None
    daily_bytes: float | None
    steady_bytes: int | None
    frees: list[Freed]
    records_low: int | msgspec.UnsetType = msgspec.UNSET
    records_high: int | msgspec.UnsetType = msgspec.UNSET
    bytes_low: int | msgspec.UnsetType = msgspec.UNSET
    bytes_high: int | msgspec.UnsetType = msgspec.UNSET
    daily_records_low: float | msgspec.UnsetType = msgspec.UNSET
    daily_records_high: float | msgspec.UnsetType = msgspec.UNSET
    daily_bytes_low: float | msgspec.UnsetType = msgspec.UNSET
    daily_bytes_high: float | msgspec.UnsetType = msgspec.UNSET
    steady_bytes_low: int | msgspec.UnsetType | None = msgspec.UNSET
    steady_bytes_high: int | msgspec.UnsetType | None = msgspec.UNSET


class BytesRead(msgspec.Struct, frozen=True):
    """The bytes read for this result, and `of` how many in the log; more if a segment was read again."""

    bytes: int = 0
    of: int = 0


class BudgetFrees(msgspec.Struct, frozen=True):
    """The log's budget (None: no limit; `min_free` in percent), and what a cleanup now would delete for it.

    `records` are those that have not expired, `bytes` what the log shrinks by beyond the age's share; the log stays
    `bytes_over` its budget. All None if that is not known: with --no-scan.
    """

    max_bytes: int | None
    min_free: float | None
    records: int | None = None
    bytes: int | None = None
    bytes_over: int | None = None


class Unknown(msgspec.Struct, frozen=True):
    """Segments that no scan has seen yet, and their bytes: with --no-scan they may hold anything."""

    segments: int = 0
    bytes: int = 0


class Sample(msgspec.Struct, frozen=True):
    """The random sample that the figures come from: `blocks` with `bytes` of the lines in `segments`.

    It stands for `of` bytes in `of_segments`; all others were known exactly, or are `unread`. Each figure lies between
    its bounds in `confidence` of all samples. The same `seed` draws the same blocks of the same segments.
    """

    seed: int
    confidence: float
    segments: int
    blocks: int
    bytes: int
    of_segments: int
    of: int


class EstimateResult(msgspec.Struct, frozen=True):
    """`result` of the JSON document. `unread` has the reason for each segment that is in no figure."""

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
    schemas: dict[str, ForecastRow] = {}
    what_if: dict[str, ForecastRow] | None = None
    totals: ForecastRow | None = None
    what_if_totals: ForecastRow | None = None
    budget: BudgetFrees | None = None
    read: BytesRead = BytesRead()
    packed: Packed = Packed()
    unknown: Unknown = Unknown()
    sample: Sample | None = None
    unread: dict[str, str] = {}
    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    unjudged: Unjudged = Unjudged()
    errors: list[str] = []
