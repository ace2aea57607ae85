"""Attend a run with the hooks and pings of its profile: before it, after it, and if it fails."""

import json
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.config.settings import Settings
from asynclog.errors import BeforeHookError
from asynclog.escaping import escape_control, escape_surrogates
from asynclog.report.cleanup.result import Report
from asynclog.report.envelope import document
from asynclog.runner.lifecycle.record_run import with_warnings

logger = logging.getLogger("asynclog")


def attended(  # noqa: PLR0913 - a run, and all that is around it
    settings: Settings,
    run_id: str,
    work: Callable[[], Report],
    stop: StopRequest,
    *,
    dry_run: bool,
    failure_told: AbstractContextManager[None] | None = None,
) -> Report:
    """Do this work and return its report, with the hooks and pings of the profile around it unless it is a dry run.

    An error passes `failure_told`, also that of the hook `before`, and then the hook `error` is run.
    Raise BeforeHookError if `before` fails. Whatever else fails of hooks and pings is a warning and changes no outcome.
    """
    if dry_run or not settings.enabled or not (settings.hooks or settings.pings):
        with failure_told or nullcontext():
            return work()
    around = _Around(settings, run_id, stop)
    try:
        with failure_told or nullcontext():
            around.ping("start")
            around.begin()
            report = work()
    except BaseException as error:
        stop.defer()
        sentence = escape_surrogates(str(error) or type(error).__name__)
        around.end(getattr(error, "exit_code", 1), "error", document(msgspec.UNSET, sentence))
        for problem in around.problems:
            logger.error(escape_control(problem))
        raise
    stop.defer()
    around.end(report.exit_code, report.result.status, report.document())
    return with_warnings(report, around.problems)


class _Around:
    """The hooks and pings of one run, and the problems that they have had."""

    def __init__(self, settings: Settings, run_id: str, stop: StopRequest) -> None:
        # Few profiles ask for these; and what is needed after a deletion is loaded before it.
        from asynclog.runner.lifecycle.hooks import run_hook  # noqa: PLC0415
        from asynclog.runner.lifecycle.pings import call  # noqa: PLC0415

        self._run_hook, self._call, self._stop = run_hook, call, stop
        self._hooks, self._pings = settings.hooks, settings.pings
        self._environment = {
            "ASYNCLOG_RUN_ID": run_id,
            "ASYNCLOG_LOG": os.path.join(settings.folder, settings.base),
            "ASYNCLOG_PROFILE": settings.profile or "",
        }
        self.problems: list[str] = []

    def begin(self) -> None:
        """Run the hook `before`. Raise BeforeHookError if it fails."""
        problem = self._hook("before", None, {})
        if problem:
            raise BeforeHookError(f"{problem}: nothing was touched")

    def end(self, exit_code: int, status: str, told: dict[str, Any]) -> None:
        """Run the hook, and send the ping, of a run that ended so."""
        ending = {"ASYNCLOG_EXIT": str(exit_code), "ASYNCLOG_STATUS": status}
        problem = self._hook("error" if exit_code else "after", json.dumps(told).encode() + b"\n", ending)
        if problem:
            self.problems.append(problem)
        self.ping("failure" if exit_code else "success")

    def ping(self, name: str) -> None:
        """Call a URL of the profile, if it has one."""
        url = getattr(self._pings, name, "")
        if self._pings and url:
            problem = self._call(url, self._pings.timeout)
            if problem:
                self.problems.append(f"ping.{name}: {problem}")

    def _hook(self, name: str, given: bytes | None, ending: dict[str, str]) -> str:
        """Run a hook of the profile, if it has one; return why it failed."""
        words = getattr(self._hooks, name, ())
        if not (self._hooks and words):
            return ""
        environment = self._environment | ending
        problem = self._run_hook(words, self._hooks, environment, given, self._stop)
        return problem and f"hooks.{name}: {problem}"
