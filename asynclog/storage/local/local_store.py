"""A log in a folder, as a run works on it: see `SegmentStore`."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import cached_property

import msgspec

from asynclog.actions import Action, Outcome
from asynclog.escaping import escape_surrogates
from asynclog.segments import Segment
from asynclog.storage.local.commit.drain_queue import DrainQueue
from asynclog.storage.local.commit.leftovers import leftover_names
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.linux.file_mounts import mounted_files
from asynclog.storage.local.lock.lock import Lock, held_lock
from asynclog.storage.local.open_folder import refuse_fixed
from asynclog.storage.local.reading.local_source import LocalSource
from asynclog.storage.local.wait_times import TIMING, Timing
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof
from asynclog.storage.segment_store import Leftovers, Listing, Survivors
from asynclog.timestamps import SECOND

_MOUNTED = "it is mounted as a file, at {}: who writes there would go on writing to what was replaced"


class LocalStore(LocalSource):
    """The log in this directory at `path`; `proof` makes digests of what another run left.

    If no lease can tell whether a segment is written to, it may be judged `by_quiet`. `file_mounts` finds the files of
    a folder that are mounted on their own, and where.
    """

    _directory: LogDirectory

    def __init__(  # noqa: PLR0913 - all that a folder's store works with
        self,
        path: str,
        directory: LogDirectory,
        naming: SegmentNaming,
        proof: Proof,
        *,
        by_quiet: bool,
        timing: Timing = TIMING,
        whole_files: bool = False,
        file_mounts: Callable[[int], Mapping[str, str]] = mounted_files,
    ) -> None:
        super().__init__(path, directory, naming, whole_files=whole_files)
        self._by_quiet = by_quiet
        self._timing = timing
        self._find_mounts = file_mounts
        self._queue = DrainQueue(directory, naming, proof, timing)

    @property
    def weakness(self) -> str:
        return self._directory.weak

    def list(self) -> Listing:
        listing = super().list()
        return msgspec.structs.replace(listing, segments=tuple(map(self._unless_blocked, listing.segments)))

    def _unless_blocked(self, segment: Segment) -> Segment:
        """Return the segment, marked as skipped if it is blocked.

        Blocked are a late segment whose source could not be advanced, because its size says what was taken from there,
        and a segment whose name another file has to get back.
        """
        if not self._queue.is_blocked(segment.name):
            return segment
        skip_reason = segment.skip_reason or "what a killed job left of it can't be cleaned up yet"
        return msgspec.structs.replace(segment, skip_reason=skip_reason)

    @cached_property
    def _mounts(self) -> Mapping[str, str]:
        """The mounts of files of the folder. They take milliseconds to find out, and most runs change nothing."""
        return self._find_mounts(self._directory.folder)

    @contextmanager
    def lock(self, *, wait: float, breaks: bool) -> Iterator[Lock]:
        path, check = os.path.join(self._path, self._naming.lock), self._timing.lock_check
        with held_lock(self._directory, path, wait=wait, breaks=breaks, check=check) as lock:
            # Only now: the job that was waited for may have set the flag at its end.
            refuse_fixed(self._path, self._directory.folder)
            yield lock

    def recover(self) -> None:
        left = leftover_names(self._directory, self._naming)
        if left:
            from asynclog.storage.local.commit.recovery import recover  # noqa: PLC0415 - few jobs are killed

            recover(self._directory, self._naming, self._queue, left)

    def replace(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        return self._apply(action, survivors, newest)

    def drop(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        return self._apply(action, survivors, newest)

    def _apply(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        """Carry the action out, and return its outcome.

        All that commits and drains is imported before anything is changed: the package may be upgraded meanwhile.
        """
        from asynclog.storage.local.commit.apply_action import apply_action, left  # noqa: PLC0415 - most jobs delete nothing
        from asynclog.storage.local.commit.drain import present  # noqa: PLC0415
        from asynclog.storage.local.commit.precommit import IdleRule  # noqa: PLC0415

        def quiet_since() -> int:
            """Return the time (ns) since which an idle file has not changed.

            It is real time, whatever `--now` says, because it tells who may be writing at this moment.
            """
            return present(self._directory, self._naming) - self._timing.idle_period * SECOND

        if where := self._mounts.get(action.segment):
            return left(action, "skipped", escape_surrogates(_MOUNTED.format(where)))
        return apply_action(self._queue, IdleRule(newest, quiet_since, self._by_quiet), survivors, action)

    def finish(self) -> None:
        self._queue.drain_all()

    def leftovers(self) -> Leftovers:
        pending = {name: self._directory.size_of(name) for name in leftover_names(self._directory, self._naming)}
        return Leftovers(self._queue.late, pending, self._queue.problems)

    def hindrances(self, actions: Iterable[Action]) -> Sequence[str]:
        from asynclog.storage.local.access.hindrances import hindrances  # noqa: PLC0415 - only a dry run needs them
        from asynclog.storage.local.access.rights import find_rights  # noqa: PLC0415

        lock, by_quiet = self._naming.lock, self._by_quiet
        changed = [action for action in actions if action.deletes or action.failed]
        mounts = self._mounts if changed else {}
        return list(hindrances(find_rights(self._directory, self._path, lock, changed, mounts, by_quiet=by_quiet)))
