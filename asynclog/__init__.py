"""Retention for JSONL audit logs: exact, safe beside live writers, per audit schema.

    report = await asynclog.cleanup(path="audit/logs.jsonl", schemas="schemas.yaml", dry_run=True)
    plan = await asynclog.plan(path="audit/logs.jsonl", schemas="schemas.yaml")
    async for record in asynclog.records("audit/logs.jsonl"): ...

This is the whole public interface; everything else may change. What does the work is imported when it is first called:
the command line has to start quickly, and it goes through here.
"""

import asynclog.safe_path  # before all that could come from the working folder

# isort: split
import os
from collections.abc import AsyncIterator
from functools import partial
from typing import Unpack

import asynclog.plan
import asynclog.records  # noqa: F401 - the packages come first, and then the functions take their names
from asynclog.config.settings import Options
from asynclog.errors import AsynclogError, ConfigurationError, LockedError, RefusedError
from asynclog.report.cleanup.result import Report
from asynclog.types import Action, Plan, Record, SchemaKey, SegmentStats

__all__ = [
    "Action",
    "AsynclogError",
    "ConfigurationError",
    "LockedError",
    "Options",
    "Plan",
    "Record",
    "RefusedError",
    "Report",
    "SchemaKey",
    "SegmentStats",
    "cleanup",
    "plan",
    "records",
]


async def cleanup(*, dry_run: bool = False, **options: Unpack[Options]) -> Report:
    """Deletes what has expired, as `asynclog cleanup` does with the same options; a dry run only says what would go.

    Raises AsynclogError where the job can't begin, or a guard refuses it. What fails on the way is in the report. If it
    is cancelled, it ends what is in flight first.
    """
    from asynclog.config.resolve import resolve
    from asynclog.runner.cleanup import clean_up
    from asynclog.runner.in_thread import in_thread
    from asynclog.runner.run import begin_run

    settings = resolve(options, os.environ)
    return (await in_thread(partial(clean_up, begin_run(settings, dry_run=dry_run)))).report


async def plan(**options: Unpack[Options]) -> Plan:
    """What a cleanup with these options would do, segment by segment. Touches nothing. Raises AsynclogError."""
    from asynclog.config.resolve import resolve
    from asynclog.runner.cleanup import plan_cleanup
    from asynclog.runner.in_thread import in_thread
    from asynclog.runner.run import begin_run

    settings = resolve(options, os.environ)
    return await in_thread(partial(plan_cleanup, begin_run(settings, dry_run=True)))


def records(path: str) -> AsyncIterator[Record]:
    """The records of the log with this base path, segment by segment in their order, for `async for`.

    Lines that are no records, and segments that can't be read as plain files, are passed over. Raises OSError, and
    ConfigurationError for a path that no file can have.
    """
    from asynclog.config.paths import absolute
    from asynclog.scan.stream import stream_records
    from asynclog.storage.local.async_log import AsyncLog

    return stream_records(AsyncLog(absolute(path, "path")))
