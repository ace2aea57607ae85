"""Retention for JSONL audit logs: exact, safe beside live writers, per audit schema.

    report = await asynclog.cleanup(path="audit/logs.jsonl", schemas="schemas.yaml", dry_run=True)
    plan = await asynclog.plan_cleanup(path="audit/logs.jsonl", schemas="schemas.yaml")
    async for record in asynclog.read_records("audit/logs.jsonl"): ...

This is the whole public interface; everything else may change. What does the work is imported when it is first called:
the command line has to start quickly, and it goes through here.
"""

import sys

# For `python -m` Python puts the working folder first, as if it were a library: whoever may write there could have any
# of our imports be theirs. "-m" is the program's name while the package of the module that was named is imported.
if getattr(sys, "argv", None) and sys.argv[0] == "-m" and not sys.flags.safe_path:
    del sys.path[0]

# isort: split
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial

from asynclog.actions import Action, Plan
from asynclog.cancellation import StopRequest
from asynclog.errors import AsynclogError, ConfigurationError, LockedError, RefusedError
from asynclog.report.cleanup.result import Report
from asynclog.schemas import SchemaKey
from asynclog.segments import Record
from asynclog.statistics import SegmentStats

__all__ = [
    "Action",
    "AsynclogError",
    "ConfigurationError",
    "LockedError",
    "Plan",
    "Record",
    "RefusedError",
    "Report",
    "SchemaKey",
    "SegmentStats",
    "cleanup",
    "plan_cleanup",
    "read_records",
]


async def cleanup(
    *,
    path: str | os.PathLike[str] | None = None,
    schemas: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
    jobs: int | None = None,
    state: str | os.PathLike[str] | None = None,
    no_catalog: bool = False,
    io_limit: int | None = None,
    lock_wait: timedelta | None = None,
    max_runtime: timedelta | None = None,
    max_overdue: timedelta | None = None,
    double_check: bool = False,
    weak_leases: bool = False,
    break_lock: bool = False,
    allow_delete_all: bool = False,
    allow_delete_percent: float | None = None,
    allow_unsafe_folder: bool = False,
) -> Report:
    """Delete what has expired, as `asynclog cleanup` does with the options of these names; a dry run only says what.

    `io_limit` is in bytes a second, `allow_delete_percent` from 0 to 100. What fails on the way is in the report; a
    caller who is cancelled waits for what is in flight. Raise AsynclogError if it can't begin, or a guard refuses it.
    """
    keywords = locals()  # all of them, and nothing else yet
    from asynclog.config.python_options import settings_from
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.in_thread import in_thread
    from asynclog.runner.lifecycle.attend_run import attended
    from asynclog.runner.lifecycle.record_run import recorded
    from asynclog.runner.steps.begin_cleanup import begin_run

    run = begin_run(settings_from(keywords, os.environ), dry_run=dry_run)

    def clean(stop: StopRequest) -> Report:
        work = partial(attended, run.settings, run.run_id, lambda: clean_up(run, stop).report, stop, dry_run=dry_run)
        return recorded(run, work)

    return await in_thread(clean)


async def plan_cleanup(
    *,
    path: str | os.PathLike[str] | None = None,
    schemas: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    now: datetime | None = None,
    jobs: int | None = None,
    state: str | os.PathLike[str] | None = None,
    no_catalog: bool = False,
    io_limit: int | None = None,
    weak_leases: bool = False,
    allow_delete_all: bool = False,
    allow_delete_percent: float | None = None,
    allow_unsafe_folder: bool = False,
) -> Plan:
    """Say what such a cleanup would do, segment by segment. Change nothing. Raise AsynclogError if it can't begin."""
    keywords = locals()  # all of them, and nothing else yet
    from asynclog.config.python_options import settings_from
    from asynclog.runner.cleanup import plan_cleanup as make_plan
    from asynclog.runner.in_thread import in_thread
    from asynclog.runner.steps.begin_cleanup import begin_run

    run = begin_run(settings_from(keywords, os.environ), dry_run=True)
    return await in_thread(partial(make_plan, run))


def read_records(path: str | os.PathLike[str]) -> AsyncIterator[Record]:
    """Yield the records of the log with this base path, segment by segment in their order, for `async for`.

    Lines that are no records, and segments that can't be read, are passed over. Raise OSError, also in the middle of a
    compressed segment that is damaged, and ConfigurationError for a path that no file can have.
    """
    from asynclog.config.paths.usable_paths import absolute
    from asynclog.scan.reading.record_stream import stream_records
    from asynclog.storage.local.reading.async_segments import LocalAsyncSegments

    return stream_records(LocalAsyncSegments(absolute(os.fspath(path), "path")))
