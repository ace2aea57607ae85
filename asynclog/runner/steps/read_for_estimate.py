"""Read what an estimate needs of a log, or of many as if they were one: from the catalog, else the segments."""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.config.logs import Logs
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.forecast.log_forecast import IN_DAYS, ForecastBuilder, times
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.report.estimate.build import sum_budgets
from asynclog.report.estimate.result import BudgetFrees, Unknown
from asynclog.report.warnings.combined_notices import combined_notices
from asynclog.report.warnings.notices import Notices
from asynclog.runner.inspect import notices_of, opened_log, read_log, scan_views, states_of
from asynclog.runner.inspect_all import by_path, policy_warnings
from asynclog.runner.steps.freed_by_budget import freed_by_budget
from asynclog.runner.wiring import Wiring
from asynclog.scan.reading.unpacked_lines import most_unpacked
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats

if TYPE_CHECKING:
    from asynclog.forecast.sample_design import Draw
    from asynclog.runner.steps.sample import SampleRead


class Part(NamedTuple):
    """The facts about one log: the states of its segments, by name, and what they hold under each of the views.

    `staying` names segments in which nothing is freed. `unknown` are segments that were not read, and `most` how many
    bytes of lines they may have. `read` and `size` are in bytes. `failures` say which logs were left out.
    """

    states: dict[str, SegmentState]
    views: list[dict[str, SegmentStats]]
    staying: set[str]
    unknown: Unknown
    most: int
    read: int
    size: int
    notices: Notices
    failures: list[str]
    budget: BudgetFrees | None = None
    samples: tuple["SampleRead", ...] = ()


class Asked(NamedTuple):
    """A question about each log: what goes under each of these policies from `now` on.

    With `scan`, read what is not known; with `draw`, a random sample of that, of which one log has this `share`.
    """

    policies: Sequence[Policy]
    now: int
    scan: bool
    draw: "Draw | None" = None
    share: float = 1.0


def read_part(
    settings: Settings, asked: Asked, stop: StopRequest, freed: Counter[int], wiring: Wiring | None = None
) -> Part | None:
    """Read what has to be read of one log, and return what is known of it; None if its folder does not exist yet.

    `freed` has how many bytes a cleanup would have freed by then, by device, and gets what it would free here.
    """
    with opened_log(msgspec.structs.replace(settings, now=asked.now), Policy(), wiring) as log:
        if log is None:
            return None
        inventory = read_log(log, stop, scan=asked.scan)
        states = states_of(log, inventory)
        staying = {segment.name for segment in log.segments.values() if segment.skip_reason} | {log.conditions.newest}
        views = [Cutoffs(each, at) for each in asked.policies for at in times(asked.now)]
        wanted = _wanted(builders(states, staying, asked)) if asked.scan else {}
        scanned = scan_views(log, views, wanted, stop)
        states |= {each.segment: each for each in scanned.unread}  # segments that have changed meanwhile
        sample = None
        if asked.draw:
            from asynclog.runner.steps.sample import Question, read_sample  # noqa: PLC0415

            sample = read_sample(log, states, Question(views, staying, asked.draw, asked.share), stop)
            states |= {each.segment: each for each in sample.unread}
        unread = [each for each in states.values() if isinstance(each, Segment) and each.is_readable and not sample]
        return Part(
            states,
            scanned.stats,
            staying,
            Unknown(len(unread), sum(segment.fingerprint.size for segment in unread)),
            sum(most_unpacked(segment.name, segment.fingerprint.size) for segment in unread),
            inventory.reads.bytes + scanned.read + (sample.bytes if sample else 0),
            sum(segment.fingerprint.size for segment in log.segments.values()),
            notices_of(log, asked.policies[0], list(states.values()), stop),
            [],
            freed_by_budget(log, states, asked.policies[0], scanned.stats[0], freed)
            if settings.budget.is_set
            else None,
            (sample,) if sample else (),
        )


def read_parts(logs: Logs, asked: Asked, stop: StopRequest, wiring: Wiring | None = None) -> Part:
    """Return what is known of all logs as if they were one, whose segments have their paths for names."""
    failures = list(map(escape_surrogates, logs.unlisted))
    states: dict[str, SegmentState] = {}
    views: list[dict[str, SegmentStats]] = [{} for _ in range(len(asked.policies) * len(IN_DAYS))]
    staying: set[str] = set()
    notices: dict[str, Notices] = {}
    budgets: list[BudgetFrees | None] = []
    freed: Counter[int] = Counter()
    samples: list[SampleRead] = []
    asked = asked._replace(share=1 / max(1, len(logs.folders or ())))
    unknown = unknown_bytes = most = read = size = 0
    for folder in stop.progress.each(logs.folders or ()):
        try:
            part = read_part(logs.at(folder), asked, stop, freed, wiring)
        except ConfigurationError as error:
            failures.append(escape_surrogates(str(error)))
            continue
        if part is None:  # it has vanished
            continue
        states |= {os.path.join(folder, name): by_path(folder, state) for name, state in part.states.items()}
        for view, found in zip(views, part.views, strict=True):
            view |= {os.path.join(folder, name): stats for name, stats in found.items()}
        staying |= {os.path.join(folder, name) for name in part.staying}
        notices[escape_surrogates(os.path.join(folder, logs.settings.base))] = part.notices
        budgets.append(part.budget)
        samples += part.samples
        unknown, unknown_bytes = unknown + part.unknown.segments, unknown_bytes + part.unknown.bytes
        most, read, size = most + part.most, read + part.read, size + part.size
    warnings = policy_warnings(logs, asked.policies[0], states.values(), complete=not failures)
    together = combined_notices(notices, warnings)
    budget = sum_budgets(each for each in budgets if each)
    unread = Unknown(unknown, unknown_bytes)
    return Part(states, views, staying, unread, most, read, size, together, failures, budget, tuple(samples))


def builders(states: Mapping[str, SegmentState], staying: set[str], asked: Asked) -> list[ForecastBuilder]:
    """Return what makes the forecast under each of the policies."""
    stats = [state for state in states.values() if isinstance(state, SegmentStats)]
    return [ForecastBuilder(stats, Cutoffs(policy, asked.now), staying) for policy in asked.policies]


def _wanted(builders: Sequence[ForecastBuilder]) -> dict[str, list[int]]:
    """Return the views that each ambiguous segment has to be scanned for; views are numbered by policy and time."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for number, builder in enumerate(builders):
        for place, segment in builder.doubts():
            wanted[segment].append(number * len(IN_DAYS) + place)
    return wanted
