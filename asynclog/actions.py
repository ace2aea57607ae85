"""Actions on the segments of a log, a plan of them, and their outcomes. Decides and does nothing.

Instants are nanoseconds since 1970 (UTC), sizes are bytes.
"""

from typing import Literal

import msgspec

from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Space, WhyUnjudged
from asynclog.statistics import SegmentStats, earliest, latest


class Action(msgspec.Struct, frozen=True, gc=False):
    """The plan for one segment: what is to be done, why, and the fingerprint on which that was decided.

    `stats` is None where the segment was not read, an empty one included. `failed` marks a skip that is an error, not
    a decision. `overdue_since` is when the first of its expired records expired, None without any. `long_expired` has,
    per schema key, how many of them had been expired for more than three days: certainly had, where only their day is
    known. `unjudged` is why it is not known what the segment holds; of such a one nothing is kept, overdue or deleted,
    and its action is a skip. `by_budget` marks a drop of which some records have not expired: the log is over its
    budget.
    """

    segment: str
    kind: Literal["keep", "drop", "rewrite", "skip"]
    reason: str
    fingerprint: Fingerprint
    stats: SegmentStats | None = None
    failed: bool = False
    overdue_since: int | None = None
    long_expired: dict[SchemaKey, int] = {}
    unjudged: WhyUnjudged | None = None
    by_budget: bool = False

    @property
    def deletes(self) -> bool:
        return self.kind in {"drop", "rewrite"}

    @property
    def of_nothing(self) -> bool:
        """Whether it removes an empty segment: there is nothing in it to be proven."""
        return self.kind == "drop" and not self.fingerprint.size

    @property
    def records_to_delete(self) -> dict[SchemaKey, int]:
        """Records per schema key that go: the expired ones, all of a drop by budget; only keys that have any."""
        counts = self.stats.schemas if self.stats and self.deletes else ()
        numbers = {count.schema: count.records if self.by_budget else count.expired for count in counts}
        return {key: number for key, number in numbers.items() if number}

    @property
    def unexpired(self) -> dict[SchemaKey, int]:
        """Records per schema key that a drop by budget deletes before they expire; only keys that have any."""
        counts = self.stats.schemas if self.stats and self.by_budget else ()
        return {count.schema: count.records - count.expired for count in counts if count.records > count.expired}

    @property
    def times_to_delete(self) -> tuple[int | None, int | None]:
        """The oldest and the newest of the records that go; None without any."""
        counts = self.stats.schemas if self.stats and self.deletes else ()
        going = [count for count in counts if count.expired or self.by_budget]
        return (
            earliest(count.oldest for count in going),
            latest(count.newest if self.by_budget else count.newest_expired for count in going),
        )

    @property
    def line_bytes_after(self) -> int:
        """The bytes of the lines that a rewrite leaves: of the file, unless that is packed."""
        return self.stats.size - self.stats.expired_bytes if self.stats else 0

    @property
    def bytes_after(self) -> int:
        """The size of the segment once the action is done, an estimate if a packed one is rewritten.

        What blank lines a dropped one had goes with it.
        """
        match self.kind:
            case "drop":
                return 0
            case "rewrite" if self.stats:
                return self.fingerprint.size - self.stats.on_disk(self.stats.expired_bytes)
            case _:
                return self.fingerprint.size


class Plan(msgspec.Struct, frozen=True):
    """One action per segment, in the segments' order. `refusal` is a guard's sentence, empty without one.

    `space` is that of the log's file system when the plan was made; None if no budget asks for it, or it is not known.
    """

    now: int
    actions: tuple[Action, ...]
    no_policy: dict[SchemaKey, int] = {}
    refusal: str = ""
    space: Space | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of one action.

    `deleted` is what really went; `lease_ns` is how long a writer may have waited for the segment, `unleased` that
    there was no lease to be had, and the quiet of the segment had to do, `bug` that it failed through a fault of ours.
    `reread` is what the segment was found to hold if its lines were judged again for this.
    """

    segment: str
    status: Literal["done", "skipped", "failed"]
    reason: str = ""
    deleted: dict[SchemaKey, int] = {}
    bytes_after: int = 0
    lease_ns: int = 0
    unleased: bool = False
    bug: bool = False
    reread: SegmentStats | None = None
