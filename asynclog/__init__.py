"""Retention for JSONL audit logs: exact, safe beside live writers, per audit schema.

    report = await asynclog.cleanup(path="audit/logs.jsonl", schemas="schemas.yaml", dry_run=True)
    plan = await asynclog.plan(path="audit/logs.jsonl", schemas="schemas.yaml")
    async for record in asynclog.records("audit/logs.jsonl"): ...

This is the whole public interface; everything else may change.
"""

import os
from contextlib import ExitStack
from typing import Unpack

from anyio import to_thread

from asynclog.config.settings import Options, resolve
from asynclog.errors import AsynclogError, ConfigurationError, LockedError, RefusedError
from asynclog.job import opened_job
from asynclog.model import Action, Census, Plan, SchemaKey
from asynclog.report.document import Report
from asynclog.scan.records import Record, records
from asynclog.workers import Crew, Stop

__all__ = [
    "Action",
    "AsynclogError",
    "Census",
    "ConfigurationError",
    "LockedError",
    "Options",
    "Plan",
    "Record",
    "RefusedError",
    "Report",
    "SchemaKey",
    "cleanup",
    "plan",
    "records",
]


async def cleanup(*, dry_run: bool = False, **options: Unpack[Options]) -> Report:
    """Deletes what has expired, as `asynclog cleanup` does with the same options; a dry run only says what would go.

    Raises AsynclogError where the job can't begin, or a guard refuses it. What fails on the way is in the report.
    """
    settings = resolve(options, os.environ)
    with ExitStack() as resources:
        job = await to_thread.run_sync(resources.enter_context, opened_job(settings, dry_run=dry_run))
        return await job.run(Stop())


async def plan(**options: Unpack[Options]) -> Plan:
    """What a cleanup with these options would do, segment by segment. Touches nothing. Raises AsynclogError."""
    settings = resolve(options, os.environ)
    with ExitStack() as resources:
        job = await to_thread.run_sync(resources.enter_context, opened_job(settings, dry_run=True))
        return await job.plan(Crew(settings.jobs, Stop()))
