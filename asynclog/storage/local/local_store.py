"""The log's folder as a run works on it: lock it, recover, list and change its segments, and finish what is left."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from asynclog.storage.local.access import find_hindrances
from asynclog.storage.local.commit.apply_action import apply_action
from asynclog.storage.local.commit.drain import QUIET_PERIOD, present
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.precommit import IdleRule
from asynclog.storage.local.commit.recovery import leftover_names, recover
from asynclog.storage.local.commit.replace import Survivors
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.listing import Listing, list_log
from asynclog.storage.local.lock import Lock, held_lock
from asynclog.storage.local.store import refuse_fixed
from asynclog.storage.naming import SegmentNaming
from asynclog.types import Action, Outcome, Segment


class Leftovers(msgspec.Struct, frozen=True):
    """What commits leave beside segments: late segments that were made, the bytes of each hidden file, and sentences
    about what could not be done.
    """

    late: Sequence[str]
    pending: Mapping[str, int]
    problems: Sequence[str]


class LocalStore:
    """A log in this directory, which has this path; `survivors` say what of a segment stays."""

    def __init__(self, path: str, directory: LogDirectory, naming: SegmentNaming, survivors: Survivors) -> None:
        self._path = path
        self._directory = directory
        self._naming = naming
        self._survivors = survivors
        self._queue = DrainQueue(self._directory, naming, survivors.proof())

    @contextmanager
    def lock(self, *, wait: float, breaks: bool) -> Iterator[Lock]:
        """Hold the log's lock. Raises LockedError, or ConfigurationError where there can be none."""
        with held_lock(self._directory, self._naming.lock, self._path, wait=wait, breaks=breaks) as lock:
            # Only now: whoever was waited for may set the flag at its end.
            refuse_fixed(self._path, self._directory.folder)
            yield lock

    def recover(self) -> None:
        """Finish or undo what an earlier run left when it was killed. What can't be done yet stays an obstacle."""
        recover(self._directory, self._naming, self._queue)

    def list(self) -> Listing:
        """List the folder. Segments that a recovery still needs as they are have an obstacle."""
        listing = list_log(self._directory, self._naming)
        return msgspec.structs.replace(listing, segments=tuple(map(self._unless_blocked, listing.segments)))

    def _unless_blocked(self, segment: Segment) -> Segment:
        """A late segment whose source could not be moved on may not change: its size says what was taken from there.

        Nor may one whose name another file has to get back.
        """
        if not self._queue.is_blocked(segment.name):
            return segment
        obstacle = segment.obstacle or "what a killed job left of it can't be cleaned up yet"
        return msgspec.structs.replace(segment, obstacle=obstacle)

    def hindrances(self, actions: Iterable[Action], *, by_quiet: bool) -> Sequence[str]:
        """Say what would hinder a run of these actions, which may judge segments `by_quiet` where there is no lease."""
        return find_hindrances(self._directory, self._path, self._naming.lock, actions, by_quiet=by_quiet)

    def idle_rule(self, segments: Iterable[Segment], *, allowed: bool) -> IdleRule:
        """Tell which of these segments, in their order, nobody writes to where no lease can: by the real clock."""
        segments = list(segments)
        by_name = [segment.name for segment in segments if not self._naming.late_token(segment.name)][-1:]
        by_time = max(segments, key=lambda segment: segment.fingerprint.mtime_ns).name
        since = present(self._directory, self._naming) - QUIET_PERIOD
        return IdleRule(frozenset([*by_name, by_time]), since, allowed)

    def apply(self, action: Action, idle: IdleRule) -> Outcome:
        """Drop or rewrite a segment. What fails or has to wait is an outcome, not an error."""
        return apply_action(self._queue, idle, self._survivors, action)

    def finish(self) -> None:
        """Move what writers appended to replaced files to segments of its own, as far as they have let go of them."""
        self._queue.drain_all()

    def leftovers(self) -> Leftovers:
        """Return what is left in the folder beside segments."""
        pending = {name: self._directory.size_of(name) for name in leftover_names(self._directory, self._naming)}
        return Leftovers(self._queue.late, pending, self._queue.problems)
