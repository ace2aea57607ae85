"""Many logs, one in each folder: what their segments hold, and what needs attention, as if they were one log."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from asynclog.cancellation import StopRequest
from asynclog.config.logs import Logs
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.policy.rules import Policy
from asynclog.report.warnings.combined_notices import combined_notices
from asynclog.report.warnings.notices import Notices
from asynclog.report.warnings.policy_warnings import rule_warnings, unused_rule_warnings
from asynclog.runner.inspect import notices_of, opened_log, read_log, states_of
from asynclog.runner.steps.gather_warning_facts import facts_of_none
from asynclog.runner.wiring import Wiring
from asynclog.schemas import SchemaKey
from asynclog.segments import Segment
from asynclog.statistics import SegmentState, SegmentStats


class AllStates(NamedTuple):
    """The states of the segments of many logs, each by its path; what needs attention; and which logs were left out."""

    states: list[SegmentState]
    notices: Notices
    failures: list[str]


def inspect_all(logs: Logs, policy: Policy, stop: StopRequest, wiring: Wiring | None = None) -> AllStates:
    """Read what has to be read of each log, and return the states of all segments."""
    states: list[SegmentState] = []
    notices: dict[str, Notices] = {}
    failures = list(logs.unlisted)
    for folder in stop.progress.each(logs.folders or ()):
        try:
            settings = logs.at(folder)
            with opened_log(settings, policy, wiring) as log:
                if log is None:  # it has vanished
                    continue
                found = list(states_of(log, read_log(log, stop)).values())
                path = escape_surrogates(os.path.join(folder, settings.base))
                notices[path] = notices_of(log, policy, found, stop)
        except ConfigurationError as error:
            failures.append(str(error))
        else:
            states += [by_path(folder, state) for state in found]
    warnings = policy_warnings(logs, policy, states, complete=not failures)
    return AllStates(states, combined_notices(notices, warnings), list(map(escape_surrogates, failures)))


def policy_warnings(logs: Logs, policy: Policy, states: Iterable[SegmentState], *, complete: bool) -> list[str]:
    """Return the warnings about the policy of all logs; `complete` if these are the states of all their segments."""
    states = list(states)
    keys = {count.schema for state in states if isinstance(state, SegmentStats) for count in state.schemas}
    is_known = complete and not any(isinstance(state, Segment) and state.is_readable for state in states)
    return list(key_warnings(logs, policy, keys, complete=is_known))


def by_path(folder: str, state: SegmentState) -> SegmentState:
    """Return a segment's state, with its path for a name: names are the same in all folders."""
    if isinstance(state, Segment):
        return msgspec.structs.replace(state, name=os.path.join(folder, state.name))
    return msgspec.structs.replace(state, segment=os.path.join(folder, state.segment))


def key_warnings(logs: Logs, policy: Policy, keys: Iterable[SchemaKey], *, complete: bool) -> Iterator[str]:
    """Yield the warnings about a policy that all logs share; `complete` if these are all keys that they have."""
    facts = msgspec.structs.replace(facts_of_none(logs.settings, policy), is_there=True)
    yield from map(escape_surrogates, rule_warnings(facts, policy))
    if complete:
        yield from map(escape_surrogates, unused_rule_warnings(policy, keys))
