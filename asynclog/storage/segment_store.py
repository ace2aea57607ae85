"""The store of a log's segments: what a run asks of it, whatever kind it is.

A store gives what survives of a segment the segment's place, or drops it, so that no line is lost whoever writes
meanwhile and whenever the run is killed. How it does that is its own affair.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from asynclog.actions import Action, Outcome
from asynclog.segments import Segment, Space
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof
from asynclog.storage.segment_reader import Part, ReadStore, SegmentReader


class Survivors(Protocol):
    """Say what of a segment has not expired. Raise OSError, ChangedError or DisagreementError."""

    def proof(self) -> Proof:
        """Return a proof with nothing in it yet."""

    def iter_survivors(self, action: Action, reader: SegmentReader, proof: Proof, size: int) -> Iterable[Part]:
        """Return the bytes that stay of the first `size`, in order, each part good until the next one is asked for."""

    def verify_drop(self, action: Action, reader: SegmentReader, proof: Proof) -> None:
        """Have `proof` note a segment that goes whole, or raise what speaks against that."""


class Listing(msgspec.Struct, frozen=True):
    """All names that a store has beside each other, the log's segments among them, in order, and its neighbours.

    Those look as if they belonged to the log, and are neither segments nor known. `strays` are the bytes of hidden
    files that some job has left and none of this log's will see to, by name.
    """

    names: tuple[str, ...]
    segments: tuple[Segment, ...]
    neighbours: tuple[str, ...]
    strays: Mapping[str, int] = {}


class Leftovers(msgspec.Struct, frozen=True):
    """The leftovers of replacing: late segments that were made, the bytes of hidden files by name, and sentences about
    what could not be done.
    """

    late: Sequence[str]
    pending: Mapping[str, int]
    problems: Sequence[str]


class StoreLock(Protocol):
    """The lock that a run has on a log."""

    def is_lost(self) -> bool:
        """Look whether somebody has taken it: then nothing more may be changed."""


class SegmentSource(ReadStore, Protocol):
    """A log, opened to be looked at."""

    def list(self) -> Listing:
        """List what is there now. A segment that recovery still needs as it is has a skip reason. Raise OSError."""

    def space(self) -> Space | None:
        """Return how much room there is where the segments lie; None if that can't be told."""


class SegmentStore(SegmentSource, Protocol):
    """A log, opened for a run that may change it."""

    @property
    def weakness(self) -> str:
        """Why it can't be told here who is writing to a segment; empty if it can."""

    def lock(self, *, wait: float, breaks: bool) -> AbstractContextManager[StoreLock]:
        """Hold the log's lock, which may have to be waited for (seconds); `breaks` takes it from one that is silent.

        Raise LockedError, or ConfigurationError if there can be none.
        """

    def recover(self) -> None:
        """Finish or undo what an earlier run left when it was killed. What can't be done yet stays a reason to skip."""

    def replace(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        """Put what survives of a segment in its place. What fails or has to wait is an outcome, not an error.

        The `newest` segments are those that somebody most likely writes to, if nothing better tells.
        """

    def drop(self, action: Action, survivors: Survivors, newest: Set[str]) -> Outcome:
        """Remove a segment of which nothing survives, as above."""

    def finish(self) -> None:
        """Publish what writers appended to replaced segments, as far as they have let go of them."""

    def leftovers(self) -> Leftovers:
        """Return what is left beside segments."""

    def hindrances(self, actions: Iterable[Action]) -> Sequence[str]:
        """Say what would hinder a run of these actions, as far as that can be seen without trying."""


def newest_segments(segments: Iterable[Segment], naming: SegmentNaming) -> frozenset[str]:
    """Return the newest of these segments, which are in order: by its name, and by when it was last written to."""
    by_time = max(segments := list(segments), key=lambda segment: segment.fingerprint.mtime_ns).name
    by_name = [segment.name for segment in segments if not naming.late_token(segment.name)][-1:]
    return frozenset([*by_name, by_time])
