"""One cleanup in this process, assembled as a test needs it: with another directory, or an automatic stop."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from asynclog.cancellation import StopRequest
from asynclog.config.resolve import resolve
from asynclog.executors.rate_limit import RateLimiter
from asynclog.runner.cleanup import clean_up, plan_cleanup
from asynclog.runner.steps.begin_cleanup import begin_run
from asynclog.runner.wiring import Wiring
from asynclog.scan.context import SCAN_OPTIONS, ScanOptions
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.wait_times import TIMING, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from asynclog import Plan, Report


def run_once(
    *,
    dry_run: bool = False,
    directory: type[LogDirectory] = LogDirectory,
    timing: Timing = TIMING,
    scan_options: ScanOptions = SCAN_OPTIONS,
    rate_limiter: Callable[[float | None], RateLimiter] = RateLimiter,
    stop: StopRequest | None = None,
    **options: Any,
) -> Report:
    """Return the report of a cleanup with these options and this wiring."""
    settings = resolve(options, os.environ)  # type: ignore[arg-type]
    wiring = Wiring(directory, timing=timing, rate_limiter=rate_limiter, scan_options=scan_options)
    run = begin_run(settings, dry_run=dry_run, wiring=wiring)
    return clean_up(run, StopRequest() if stop is None else stop).report


async def plan_once(**options: Any) -> Plan:
    """Return the plan of a cleanup with these options."""
    run = begin_run(resolve(options, os.environ), dry_run=True)  # type: ignore[arg-type]
    return await to_thread.run_sync(plan_cleanup, run, StopRequest())


async def run_once_async(**options: Any) -> Report:
    """Return the same from an event loop, which goes on meanwhile."""
    return await to_thread.run_sync(partial(run_once, **options))
