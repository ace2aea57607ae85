"""A look at a log: what every segment holds. Nothing of the log is changed, and no lock is taken."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import anyio

from asynclog.cancellation import StopRequest
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.executors.pool import WorkerPool
from asynclog.executors.rate_limit import RateLimiter
from asynclog.plan.decide import conditions_of
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.kernel import choose_reader
from asynclog.report.warnings import Notices, notices
from asynclog.runner.inventory import Inventory, opened_catalog
from asynclog.runner.log_facts import (
    facts_of,
    facts_of_none,
    refuse_contests,
    with_obstacles,
    with_offsets,
    with_reasons,
)
from asynclog.scan.chunks import ReadFailure
from asynclog.scan.scanner import Scanner
from asynclog.scan.schema_limits import SchemaKeys
from asynclog.scan.unreadable_lines import Found, Unreadable, all_unreadable, first_unreadable, without_offset
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.listing import list_segments
from asynclog.storage.local.segment_reader import LocalReadStore
from asynclog.storage.local.store import opened_folder
from asynclog.types import Policy, Segment, SegmentState, SegmentStats, UnreadSegment

log = logging.getLogger("asynclog")


class LogInspection:
    """A log that is being looked at, under this policy: made by `opened_look`.

    `findings` has what is known of each segment, by name and in order: as it was listed, at first.
    """

    def __init__(
        self, settings: Settings, policy: Policy, stop: StopRequest, folder: int, resources: ExitStack
    ) -> None:
        names = settings.names
        self.now = time.time_ns() if settings.now is None else settings.now
        self._settings = settings
        self._folder = folder
        self._entries = LogDirectory(folder).names()
        refuse_contests(settings, self._entries)
        self.segments = {segment.name: segment for segment in list_segments(folder, self._entries, names)}
        self.findings: dict[str, SegmentState] = dict(self.segments)
        self.conditions = conditions_of(self.segments.values(), names, self.now, time.time_ns())
        self._stop = stop
        self._crew = WorkerPool(settings.jobs, stop)
        kind, cutoffs = choose_reader(settings.reader), Cutoffs(policy, self.now)
        store = LocalReadStore(settings.folder, folder)
        self._scanner = Scanner(store, cutoffs, kind, settings.fields, RateLimiter(settings.io_limit))
        catalog = opened_catalog(settings, self.segments.values(), resources)
        self._survey = Inventory(self._scanner, None, self.segments.values(), names, catalog)
        self._keys = SchemaKeys()
        self._read_again = 0

    @property
    def bytes_read(self) -> int:
        return self._survey.reads.bytes + self._read_again

    def recall(self) -> list[Segment]:
        """Finds what the catalog knows; the segments that it leaves to be read."""
        for census in self._survey.recalled():
            self._find(census)
        return self._survey.unread

    def read(self) -> None:
        """Reads what has to be read. A segment that was not reached before the stop is as it was listed."""
        if self._survey.unread:
            anyio.run(self._read)
        reads = self._survey.reads
        log.debug("segments: %d, read: %d by the %s reader", len(self.segments), reads.misses, self._scanner.kind)

    async def _read(self) -> None:
        while self._survey.unread and not self._stop:
            async with self._survey.findings(self._crew) as found:
                async for finding in found:
                    self._find(finding)

    def _find(self, finding: SegmentStats | UnreadSegment) -> None:
        self.findings[finding.segment] = self._keys.admitted(finding)

    def judge(self, views: Sequence[Cutoffs], wanted: Mapping[str, Sequence[int]]) -> list[dict[str, SegmentStats]]:
        """Reads segments again, each once, for views that its census leaves in doubt.

        `wanted` has the numbers of the views, by segment. A segment that has changed meanwhile is found Unread.
        """
        if not wanted:
            return [{} for _ in views]
        segments = {self.segments[name]: numbers for name, numbers in wanted.items()}
        censuses, unread = anyio.run(self._scanner.censuses_under, views, segments, self._crew)
        self.findings.update({each.segment: each for each in unread})
        self._read_again += sum(segment.fingerprint.size for segment in segments)
        return censuses

    def unreadable(self, name: str) -> Found | ReadFailure:
        """Why lines of a segment are unreadable: all of them are read again."""
        scanner = self._scanner
        return all_unreadable(scanner.context(), scanner.pace, self._stop, self.segments[name])

    def _without_offset(self, name: str, end: int) -> int | ReadFailure:
        """See `offsets.without_offset`."""
        if self._stop:
            return 0
        return without_offset(self._scanner.context(), self._scanner.pace, end, self.segments[name])

    def notices(self, policy: Policy | None) -> Notices:
        """What needs a look under this policy, as far as the segments have been read; None is for none yet."""
        findings = list(self.findings.values())
        facts = facts_of(self._settings, policy, self._folder, self._entries, findings)
        facts = with_obstacles(facts, self.segments.values())
        return notices(with_offsets(with_reasons(facts, self._first_unreadable), self._without_offset))

    def _first_unreadable(self, name: str, most: int) -> list[Unreadable] | ReadFailure:
        if self._stop:
            return []
        scanner = self._scanner
        return first_unreadable(scanner.context(), scanner.pace, most, self.segments[name])


def notices_of_none(settings: Settings, policy: Policy | None) -> Notices:
    """What needs a look where the log's folder does not exist yet."""
    return notices(facts_of_none(settings, policy))


@contextmanager
def opened_look(settings: Settings, policy: Policy, stop: StopRequest) -> Iterator[LogInspection | None]:
    """A look at a log, for `with`; None where its folder does not exist yet. Raises ConfigurationError."""
    log.debug("log: %s", os.path.join(settings.folder, settings.base))
    with ExitStack() as resources:
        try:
            opened = opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder)
            folder = resources.enter_context(opened)
        except FileNotFoundError:
            if settings.named_by_hand:
                raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
            yield None
            return
        yield LogInspection(settings, policy, stop, folder, resources)


class Seen(NamedTuple):
    """What there is to say of each segment, in their order, and what needs a look.

    `findings` is None where the log's folder does not exist yet. A segment that was not reached before the stop is as
    it was listed.
    """

    findings: list[SegmentState] | None
    notices: Notices


def look(settings: Settings, policy: Policy | None, stop: StopRequest) -> Seen:
    """Reads what has to be read of a log, under this policy; None is for none yet. Raises ConfigurationError."""
    with opened_look(settings, policy or Policy(), stop) as found:
        if found is None:
            return Seen(None, notices_of_none(settings, policy))
        found.recall()
        found.read()
        return Seen(list(found.findings.values()), found.notices(policy))
