"""The result of `history`, and the line that each run leaves. Pure."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from asynclog.report.cleanup.result import PlanRef
from asynclog.report.envelope import FORMAT


class HistoryRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run: `status` is that of its report, `error` if it has none; `error` is the sentence that it ended with."""

    began: str
    duration_s: float
    command: Literal["cleanup", "apply"]
    dry_run: bool
    run_id: str
    log: str
    profile: str | None
    host: str
    user: str
    version: str
    status: str
    records: int = 0
    bytes: int = 0
    oldest: str | None = None
    newest: str | None = None
    plan: PlanRef | None = None
    exit_code: int
    error: str | None = None


class HistoryResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `runs` are in the order in which they ended."""

    status: Literal["success"]
    message: str
    format: Literal[1] = FORMAT
    log: str
    runs: list[HistoryRun]


def run_to_line(run: HistoryRun) -> bytes:
    """Return a run as the line that `runs_from_lines` reads back."""
    return msgspec.json.encode(run)


def runs_from_lines(lines: Iterable[bytes]) -> list[HistoryRun]:
    """Return the runs of these lines, without those that are damaged."""
    decode = msgspec.json.Decoder(HistoryRun).decode
    runs = []
    for line in lines:
        try:
            runs.append(decode(line))
        except (msgspec.DecodeError, RecursionError):
            continue
    return runs
