"""A run as Prometheus metrics: their names, help, labels and values, and their text, by Prometheus' own library.

Names and help don't depend on the run: files of several logs may lie in one folder, and are read as one. Importing the
library takes a fifth of the time of a small job: import this module only if metrics are wanted.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

import msgspec
import prometheus_client
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from asynclog.escaping import escape_surrogates
from asynclog.report.cleanup.result import Report
from asynclog.report.unjudged_segments import age_of
from asynclog.timestamps import SECOND

LAST_SUCCESS = "asynclog_last_success_timestamp_seconds"

_FATES = ("dropped", "rewritten", "kept", "skipped", "failed")
# Name, field of SchemaTotals, divisor, help.
_PER_SCHEMA = (
    ("deleted_records", "deleted", 1, "Records that the last run deleted; a dry run: would delete."),
    ("deleted_bytes", "deleted_bytes", 1, "Bytes of the records that the last run deleted; a dry run: would delete."),
    ("deleted_by_budget_records", "by_budget", 1, "Those of the deleted records that went for the log's budget."),
    ("kept_records", "kept", 1, "Records that stay because they have not expired or no rule governs them."),
    ("kept_bytes", "kept_bytes", 1, "Bytes of the records that stay because they have not expired or have no rule."),
    ("overdue_records", "overdue", 1, "Records that have expired and are still there; a dry run: would be."),
    ("overdue_bytes", "overdue_bytes", 1, "Bytes of the records that have expired and are still there."),
    ("overdue_oldest_timestamp_seconds", "oldest", SECOND, "Timestamp of the oldest overdue record."),
    ("overdue_since_timestamp_seconds", "since", SECOND, "When the first of the overdue records expired."),
)

Labels = dict[str, str]
Status = Literal["success", "dry_run", "skipped", "partial", "error"]


class Metric(NamedTuple):
    """One gauge: its name, what it means, and its value for each set of labels."""

    name: str
    help: str
    samples: list[tuple[Labels, float]]


class Run(msgspec.Struct, frozen=True):
    """The facts of a run, whether it has a report or not. Seconds since 1970, seconds, bytes.

    `labels` identify the log. `free` and `size` are its file system's; None if unknown.
    """

    labels: Labels
    ended: float
    duration: float
    exit_code: int
    status: Status
    dry_run: bool
    last_success: float = 0
    free: int | None = None
    size: int | None = None


def log_labels(profile: str | None, log: str) -> Labels:
    """Return the labels of every metric of a log; bytes that are not UTF-8 are escaped as in the document."""
    return {"profile": escape_surrogates(profile or ""), "log": escape_surrogates(log)}


def metrics(run: Run, report: Report | None) -> list[Metric]:
    """Return all metrics whose values are known."""
    found = [*_of_run(run), *(_of_schemas(run.labels, report) if report else ())]
    if report and report.log_bytes is not None:
        found += _of_segments(run.labels, report, report.log_bytes)
    return [metric for metric in found if metric.samples]


def _of_run(run: Run) -> Iterator[Metric]:
    yield _one("last_run_timestamp_seconds", "When the last run ended.", run.labels, run.ended)
    yield _one("last_run_duration_seconds", "How long the last run took.", run.labels, run.duration)
    yield _one("last_run_exit_code", "The exit code of the last run; 0 if all went well.", run.labels, run.exit_code)
    statuses: list[tuple[Labels, float]] = [
        ({**run.labels, "status": status}, status == run.status) for status in get_args(Status)
    ]
    yield Metric("asynclog_last_run_status", "1 for the outcome of the last run; error: it has no result.", statuses)
    yield _one("dry_run", "1 if the last run was a dry run, which deletes nothing.", run.labels, run.dry_run)
    help_text = "When a real run last ended with exit code 0 and had judged a segment; 0 if none is known."
    yield Metric(LAST_SUCCESS, help_text, [(run.labels, run.last_success)])
    yield _one("filesystem_free_bytes", "Free space in the log's file system.", run.labels, run.free)
    yield _one("filesystem_size_bytes", "Size of the log's file system.", run.labels, run.size)


def _of_schemas(labels: Labels, report: Report) -> Iterator[Metric]:
    schemas = {key: {**labels, "schema": escape_surrogates(key)} for key in report.schemas}
    for name, field, unit, help_text in _PER_SCHEMA:
        values = ((key, getattr(figures, field)) for key, figures in report.schemas.items())
        samples = [(schemas[key], value / unit) for key, value in values if value is not None]
        yield Metric(f"asynclog_{name}", help_text, samples)


def _of_segments(labels: Labels, report: Report, log_bytes: int) -> Iterator[Metric]:
    result = report.result
    yield _one("log_size_bytes", "Size of the log's segments when the last run ended.", labels, log_bytes)
    over = result.budget.bytes_over if result.budget else None
    yield _one("over_budget_bytes", "Bytes by which the log is over its budget; absent without one.", labels, over)
    yield _one("unreadable_lines", "Unreadable lines, which are kept.", labels, result.kept.unreadable)
    unjudged, age = result.unjudged, age_of(result.unjudged.oldest, result.now)
    yield _one("unjudged_segments", "Segments that could not be judged.", labels, unjudged.segments)
    yield _one("unjudged_bytes", "Size of the segments that could not be judged.", labels, unjudged.bytes)
    yield _one("unjudged_oldest_seconds", "Age of the oldest segment that could not be judged.", labels, age)
    fates = [({**labels, "fate": fate}, getattr(result.segments, fate)) for fate in _FATES]
    yield Metric("asynclog_segments", "Segments by outcome; a dry run: by what it would be.", fates)
    help_text = "Size of hidden files that a killed job left, or a writer holds open: they may have expired records."
    yield _one("recovery_pending_bytes", help_text, labels, report.pending_bytes)
    help_text = "The longest time that a writer may have waited for a segment."
    yield _one("lease_held_max_seconds", help_text, labels, result.lease_max_ms / 1000)


def _one(name: str, help_text: str, labels: Labels, value: float | None) -> Metric:
    return Metric(f"asynclog_{name}", help_text, [] if value is None else [(labels, value)])


def exposition(found: Iterable[Metric]) -> bytes:
    """Return these metrics in the text exposition format."""
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(found))
    return prometheus_client.generate_latest(registry)


def last_success(text: str) -> tuple[Labels, float] | None:
    """Return the labels of such a text, and when a run last was a success; None if it does not say."""
    # Read only these lines: the labels of others may be as long as schema names.
    lines = [line for line in text.split("\n") if line.startswith(LAST_SUCCESS)]
    try:
        families = list(text_string_to_metric_families("\n".join(lines)))
    except ValueError:
        return None
    samples = [sample for family in families for sample in family.samples]
    return (samples[0].labels, samples[0].value) if samples else None


class _Gauges(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Family]:
        for name, help_text, samples in self._found:
            family = Family(name, help_text, "gauge")
            for labels, value in samples:
                family.add_sample(name, labels, value)
            yield family
