"""Inspect a log: what every segment holds. Change nothing of the log, and take no lock."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from asynclog.cancellation import StopRequest
from asynclog.config.settings import Settings
from asynclog.executors.worker_pool import WorkerPool, run_async
from asynclog.plan.whole_file_stats import stats_of_file
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.records.fields import WholeFile
from asynclog.report.warnings.notices import Notices, notices
from asynclog.runner.steps.gather_warning_facts import facts_of, facts_of_none
from asynclog.runner.steps.inventory import Inventory, recall, scan_unread
from asynclog.runner.steps.open_log import Log, open_log, open_store
from asynclog.runner.wiring import WIRING, Wiring
from asynclog.scan.schema_limits import SchemaKeys
from asynclog.segments import UnreadSegment
from asynclog.statistics import SegmentState, SegmentStats

logger = logging.getLogger("asynclog")


class Inspection(NamedTuple):
    """The states of the segments, in their order, and what needs attention.

    `states` is None if the log's folder does not exist yet. A segment that was not reached before the stop is as
    it was listed.
    """

    states: list[SegmentState] | None
    notices: Notices


class ScannedViews(NamedTuple):
    """The content of segments under each of several views, those that could not be read, and the bytes read."""

    stats: list[dict[str, SegmentStats]]
    unread: list[UnreadSegment]
    read: int


def now_of(settings: Settings) -> int:
    """Return the time that these settings have, in ns since 1970; else read the clock."""
    return time.time_ns() if settings.now is None else settings.now


def inspect(settings: Settings, policy: Policy | None, stop: StopRequest, wiring: Wiring | None = None) -> Inspection:
    """Read what has to be read of a log, and return its states; `policy` is None if there is none yet.

    Raise ConfigurationError.
    """
    with opened_log(settings, policy or Policy(), wiring) as log:
        if log is None:
            return Inspection(None, notices_of_none(settings, policy))
        states = list(states_of(log, read_log(log, stop)).values())
        return Inspection(states, notices_of(log, policy, states, stop))


@contextmanager
def opened_log(settings: Settings, policy: Policy, wiring: Wiring | None = None) -> Iterator[Log | None]:
    """Open a log for inspection in a `with`; yield None if its folder does not exist yet. Raise ConfigurationError."""
    wiring = wiring or WIRING
    with ExitStack() as resources:
        opened = open_store(settings, wiring, wiring.opened_source, resources)
        if opened is None:
            yield None
            return
        cutoffs = Cutoffs(policy, now_of(settings))
        yield open_log(opened, cutoffs, resources)


def read_log(log: Log, stop: StopRequest, *, scan: bool = True) -> Inventory[SegmentState]:
    """Recall what is known of a log, read the rest until a stop, unless `scan` is False, and return both."""
    keep = SchemaKeys().admitted
    inventory = recall(log, keep)
    if scan:
        inventory = scan_unread(log, inventory, keep, stop)
        misses = inventory.reads.misses
        logger.debug("segments: %d, read: %d by the %s reader", len(log.segments), misses, log.scanner.context.kind)
    return inventory


def states_of(log: Log, inventory: Inventory[SegmentState]) -> dict[str, SegmentState]:
    """Return the state of each segment, in order; as it was listed if it is not known."""
    return {name: inventory.known.get(name, segment) for name, segment in log.segments.items()}


def scan_views(
    log: Log, views: Sequence[Cutoffs], wanted: Mapping[str, Sequence[int]], stop: StopRequest
) -> ScannedViews:
    """Read each of these segments once more, for the views that its statistics leave in doubt; return what was read.

    `wanted` has the numbers of the views, by segment.
    """
    if not wanted:
        return ScannedViews([{} for _ in views], [], 0)
    fields = log.settings.fields
    if isinstance(fields, WholeFile):
        return ScannedViews(_file_views(log, fields.constant, views, wanted), [], 0)
    segments = {log.segments[name]: numbers for name, numbers in wanted.items()}
    size, count = sum(segment.fingerprint.size for segment in segments), log.scanner.rate_limit.total_so_far
    with stop.progress.during("scan", size=size, count=count):
        stats, unread = run_async(log.scanner.scan_views, views, segments, WorkerPool(log.settings.jobs, stop))
    return ScannedViews(stats, unread, size)


def _file_views(
    log: Log, schema: str, views: Sequence[Cutoffs], wanted: Mapping[str, Sequence[int]]
) -> list[dict[str, SegmentStats]]:
    """Return the statistics of whole files under the views that are wanted of each."""
    return [
        {
            name: stats_of_file(log.segments[name], schema, log.conditions.newest, cutoffs)
            for name, numbers in wanted.items()
            if number in numbers
        }
        for number, cutoffs in enumerate(views)
    ]


def notices_of(log: Log, policy: Policy | None, states: Sequence[SegmentState], stop: StopRequest) -> Notices:
    """Return what needs attention, as far as the segments have been read; `policy` is None if there is none yet."""
    return notices(facts_of(log, policy, states, stop))


def notices_of_none(settings: Settings, policy: Policy | None) -> Notices:
    """Return what needs attention if the log's folder does not exist yet."""
    return notices(facts_of_none(settings, policy))
