"""The old files that are still to be drained: each shortly after its commit, all of them before the job ends."""

import threading
import time

import msgspec

from asynclog.storage.hidden_names import OldLink, origin
from asynclog.storage.local.commit.old_file_checks import Inherited, Known
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.wait_times import Timing
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof
from asynclog.timestamps import SECOND


class _Waiting(msgspec.Struct, frozen=True):
    """An old file that is due at some time (s, monotonic)."""

    due: float
    old: OldLink
    known: Known


class DrainQueue:
    """The replaced files that are still to be drained. Its methods are thread-safe.

    `proof` makes the digests of old files that other jobs left. `late` has the segments that were made, `problems`
    sentences about what could not be done.
    """

    def __init__(self, directory: LogDirectory, names: SegmentNaming, proof: Proof, timing: Timing) -> None:
        self.directory = directory
        self.names = names
        self.timing = timing
        self.inherited = Inherited(proof)
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self.late: list[str] = []
        self.problems: list[str] = []
        self._blocked: set[str] = set()
        self._blocked_origins: set[str] = set()

    def add(self, old: OldLink, known: Known | None = None, *, at_once: bool = False) -> None:
        """Queue the file to be drained, after the grace period or `at_once`. Without `known`, another job left it.

        The drain finds writers that open the file during the grace period.
        """
        grace = 0 if at_once else self.timing.drain_grace
        with self._lock:
            self._waiting.append(_Waiting(time.monotonic() + grace, old, known or self.inherited))

    def block(self, segment: str) -> None:
        """Leave a segment unchanged, because what a killed job left of it could not be cleaned up."""
        self._blocked.add(segment)

    def block_late(self, old: OldLink) -> None:
        """Leave the late segments of this file unchanged: their sizes say how much of it is published."""
        self._blocked_origins.add(old.origin)

    def is_blocked(self, segment: str) -> bool:
        """Return whether the segment may not be changed in this job."""
        token = self.names.late_token(segment)
        return segment in self._blocked or (token is not None and origin(token) in self._blocked_origins)

    def drain_due(self, *, open_too: bool = False) -> None:
        """Drain what is due; a busy file stays queued, and `open_too` publishes its whole lines."""
        now = time.monotonic()
        with self._lock:
            due = [each for each in self._waiting if each.due <= now]
            self._waiting = [each for each in self._waiting if each.due > now]
        for each in due:
            try:
                self._drain(each, open_too=open_too)
            except OSError as error:
                self.block_late(each.old)
                self.problems.append(
                    f"{each.old}: what was appended to {each.old.segment} can't be moved to a segment "
                    f"of its own yet ({error.strerror}): it is safe there, and the next job tries again"
                )

    def drain_all(self) -> None:
        """Drain everything: give writers a little time to close their files, then drain those still open, too."""
        end = time.monotonic() + self.timing.drain_patience
        while self._waiting and time.monotonic() < end:
            time.sleep(self.timing.drain_pause)
            self.drain_due()
        self.drain_due(open_too=True)

    def _drain(self, waiting: _Waiting, *, open_too: bool) -> None:
        from asynclog.storage.local.commit.drain import drain  # noqa: PLC0415 - most jobs delete nothing

        idle_period = self.timing.idle_period * SECOND
        old, late, fate = drain(
            self.directory, self.names, waiting.old, waiting.known, open_too=open_too, idle_period=idle_period
        )
        with self._lock:
            self.late.extend(late)
        if fate == "busy":  # if it was renamed, the new name supersedes what was known
            self.add(old, waiting.known if old == waiting.old else None, at_once=True)
