"""What a job says of itself: its warnings as they come, what led to what, and its report in the end."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.config.settings import Settings
from asynclog.formatting import escape_control, pluralize
from asynclog.policy.rules import describe_rule
from asynclog.report.cleanup.build import RunInfo, empty_report, make_report
from asynclog.report.cleanup.progress import NOT_BEGUN
from asynclog.report.cleanup.result import Report
from asynclog.report.warnings import Notices, noticed
from asynclog.runner.inventory import Inventory
from asynclog.runner.provenance import provenance_of
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.recovery import leftover_names
from asynclog.types import Outcome, Plan, Policy

log = logging.getLogger("asynclog")


class RunReporter:
    """The account of one job, which began when this was made, and is for the time `now`."""

    def __init__(self, settings: Settings, now: int, *, with_keeps: bool) -> None:
        self.policy = Policy()
        self._settings = settings
        self._now = now
        self._with_keeps = with_keeps
        self._begun = time.monotonic()
        self._run_id = os.urandom(8).hex()
        self.notices = Notices()
        self._warnings: list[str] = []

    def warn(self, sentence: str) -> None:
        """Has the report say this, among its warnings."""
        self._warnings.append(sentence)

    def tell(self, plan: Plan) -> None:
        """Which rule and which reason led to what, for whoever debugs it."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        keys = {count.schema for action in plan.actions if action.census for count in action.census.schemas}
        for key in sorted(keys):
            log.debug("rule for %s: %s", escape_control(str(key)), describe_rule(self.policy, key))
        for action in plan.actions:
            log.debug("%s: %s: %s", escape_control(action.segment), action.kind, action.reason)

    def nothing(self, status: Literal["success", "skipped"], message: str) -> Report:
        """The report of a job that found nothing to look at."""
        about = RunInfo(self._run_id, self._settings.profile, self._now, provenance_of(self._settings, self.policy))
        self._log_warnings(self.notices.warnings)
        report = empty_report(status, message, about)
        return msgspec.structs.replace(report, result=noticed(report.result, self.notices))

    def report(
        self,
        plan: Plan,
        outcomes: Mapping[str, Outcome] | None,
        survey: Inventory,
        backlog: DrainQueue,
        stop: StopRequest,
    ) -> Report:
        """The report of a job that has carried out this plan; without outcomes, of a dry run."""
        done, disk = outcomes or {}, backlog.directory
        pending = {name: disk.size_of(name) for name in leftover_names(disk, backlog.names)}
        self._warn(done, survey, sum(pending.values()))
        cut_short = bool(survey.unread) or any(outcome.reason == NOT_BEGUN for outcome in done.values())
        about = RunInfo(
            run_id=self._run_id,
            profile=self._settings.profile,
            now=self._now,
            provenance=provenance_of(self._settings, self.policy),
            duration_s=time.monotonic() - self._begun,
            late=backlog.late,
            pending=pending,
            warnings=self._warnings,
            neighbours=self.notices.neighbours,
            read=survey.reads.bytes,
            catalog=survey.catalogued(),
            time_is_up=stop.time_is_up and cut_short,
            problems=backlog.problems,
            stopped=(stop.signal.name, stop.signal.value) if stop.signal else None,
            with_keeps=self._with_keeps,
            policy=self.policy,
            max_overdue=self._settings.max_overdue,
            names=backlog.names,
        )
        return make_report(plan, outcomes, about)

    def _warn(self, outcomes: Mapping[str, Outcome], survey: Inventory, held_back: int) -> None:
        self._warnings += self.notices.warnings
        weaker = sum(outcome.unleased and outcome.status != "skipped" for outcome in outcomes.values())
        if weaker:
            self._warnings.append(
                f"{self._settings.folder}: file leases are refused here, or say nothing, so that "
                f"{pluralize(weaker, 'segment')} {'was' if weaker == 1 else 'were'} judged by quiet alone: the newest, "
                "and any that changed in the last hour, stay as they are"
            )
        if held_back:
            self._warnings.append(
                f"{self._settings.folder}: {pluralize(held_back, 'byte')} {'is' if held_back == 1 else 'are'} "
                "held back "
                "in hidden files, records that were told as deleted among them, until the next job finds that nobody "
                "has these files open: see recovery_pending"
            )
        if survey.problem:
            self._warnings.append(survey.problem)
        self._log_warnings(self._warnings)

    def _log_warnings(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            log.warning(escape_control(sentence))
