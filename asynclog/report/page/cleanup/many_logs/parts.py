"""Collect what a page about several logs needs of each, while one after the other is cleaned up. Pure."""

from collections.abc import Mapping
from posixpath import commonpath, dirname
from typing import NamedTuple

from asynclog.forecast.ages import LogAges
from asynclog.report.cleanup.result import CleanupResult, Report
from asynclog.report.page.ageing import MOST_CHARTS
from asynclog.report.page.charts import AHEAD, due_of
from asynclog.report.page.schema_facts import SchemaFacts, SchemaSummary, schema_facts
from asynclog.timestamps import parse_instant


class LogPart(NamedTuple):
    """One log of several, or a profile whose log is not known: its report, and its schemas.

    `profile` is empty if the logs are not those of several profiles.
    """

    profile: str
    path: str
    report: Report
    schemas: Mapping[str, SchemaSummary]

    @property
    def name(self) -> str:
        """The name that the errors of all have for it."""
        return self.profile or self.path

    @property
    def shown(self) -> CleanupResult:
        """The outcome; of a log that a guard refused, the one that it would have had."""
        return (self.report.refused or self.report).result

    @property
    def is_loud(self) -> bool:
        """Whether something goes or is wrong."""
        result = self.shown
        return bool(
            result.records.deleted
            or result.segments.dropped
            or result.overdue.records
            or result.unjudged.segments
            or result.refusal
            or result.stopped
            or result.errors
        )


class LogParts:
    """The parts, and sums of them: `due` are records and bytes that expire on each of the next days.

    The ages of records are summed up for each policy; if there are very many policies, for none.
    """

    def __init__(self) -> None:
        self.parts: list[LogPart] = []
        self.due = [(0, 0)] * AHEAD
        self.has_too_many_policies = False
        self._ages: dict[tuple[str, str], LogAges] = {}

    def add(self, profile: str, path: str, report: Report, ages: LogAges) -> None:
        """Add a log, with the ages of its records if it was read."""
        facts = schema_facts(ages, _now(report))
        self.parts.append(LogPart(profile, path, report, {name: each.summary for name, each in facts.items()}))
        policy = report.result.policy
        if policy is None:  # it could not begin, or was refused
            return
        self.due = [(a + c, b + d) for (a, b), (c, d) in zip(self.due, due_of(facts.values()), strict=True)]
        key = (policy.path, policy.sha256)
        if key not in self._ages and len(self._ages) == MOST_CHARTS:
            self.has_too_many_policies = True
            self._ages.clear()
        if self.has_too_many_policies:
            return
        if key not in self._ages:
            self._ages[key] = LogAges()
            self._ages[key].policy = ages.policy
        self._ages[key].merge(ages)

    @property
    def folder(self) -> str:
        """The folder that all logs are below, with a slash at its end; empty if that is none but the root."""
        paths = [dirname(part.path) for part in self.parts if part.path]
        common = commonpath(paths) if len(paths) > 1 else ""
        return f"{common}/" if len(common) > 1 else ""

    def groups(self, now: int) -> dict[str, dict[str, SchemaFacts]]:
        """Return the facts of the schemas under each policy, by its path; nothing if there are too many policies."""
        return {path: schema_facts(ages, now) for (path, _), ages in self._ages.items()}


def _now(report: Report) -> int:
    return parse_instant((report.refused or report).result.now or "") or 0
