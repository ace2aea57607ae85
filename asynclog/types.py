"""The nouns, as frozen values: policy, segment, census, plan, outcome.

Instants are nanoseconds since 1970 (UTC), sizes are bytes. Nothing here decides or does anything.
"""

from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, Self

import msgspec

# Why a segment could not be judged: what is in it is not known, and it is never called clean.
WhyUnjudged = Literal["packed", "damaged", "special", "not_json_lines", "no_record", "changed", "not_reached"]


class SchemaKey(NamedTuple):
    """Which audit schema a record belongs to; printed `name:version`."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def schema_key(name: str, version: int) -> SchemaKey:
    """Return the key, the same object every time: the segments of a log name the same few again and again."""
    return _remembered(name, version) if len(name) <= _USUAL else SchemaKey(name, version)


_USUAL = 256  # characters of a name; longer ones are not remembered, for they may have any length


@lru_cache(maxsize=4096)
def _remembered(name: str, version: int) -> SchemaKey:
    return SchemaKey(name, version)


class Record(NamedTuple):
    """One record: where it stands, what it is of, when it was (ns since 1970), and its bytes, newline and all."""

    segment: str
    offset: int
    schema: SchemaKey
    timestamp: int
    line: bytes


class Rule(msgspec.Struct, frozen=True):
    """How long the records of a schema are kept: `retention_days` days, for ever where that is None.

    A rule that is not `active` governs nothing. `where` is the file and line that gave it.
    """

    retention_days: int | None
    active: bool = True
    where: str = ""


class PolicyFile(msgspec.Struct, frozen=True):
    """The file that a policy was read from, by its path, and the SHA-256 of its bytes as they were read."""

    path: str
    sha256: str


class Policy(msgspec.Struct, frozen=True):
    """All rules: for one schema key, for all versions of a name, and for everything else (`*`).

    `source` is None for a policy that is in no file.
    """

    exact: dict[SchemaKey, Rule] = {}
    by_name: dict[str, Rule] = {}
    star: Rule | None = None
    source: PolicyFile | None = None


class Status(Protocol):
    """What a stat call answers, as far as it is needed here."""

    @property
    def st_dev(self) -> int: ...
    @property
    def st_ino(self) -> int: ...
    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...


class Fingerprint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What identifies a segment's content at one moment; any change to the file changes it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: Status) -> Self:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_but_for_names(self, status: Status) -> bool:
        """Whether that is the same file with the same content; a name more or less changes only its ctime."""
        return (self.inode, self.size, self.mtime_ns) == (status.st_ino, status.st_size, status.st_mtime_ns)


class Segment(msgspec.Struct, frozen=True, gc=False):
    """One file of the log, by its name in the folder.

    `obstacle` says in words why it is not to be changed; empty where nothing is in the way. `unjudged` says in a word
    why it can't even be read, None where it can. A special file has no bytes of the log: its size is 0.
    """

    name: str
    fingerprint: Fingerprint
    obstacle: str = ""
    unjudged: WhyUnjudged | None = None

    @property
    def is_readable(self) -> bool:
        """Whether there is something in it to be read."""
        return bool(self.fingerprint.size) and self.unjudged is None


class DayStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a segment holds of one schema and one UTC day; `day` counts from 1970-01-01."""

    day: int
    records: int
    bytes: int


class SchemaStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a segment holds of one schema.

    `oldest` and `newest` are over the records that are neither future nor implausible, None without any;
    `expired` records are among those, and lie before every other one of them: before `oldest_kept`. `days` is over all
    but the implausible ones, in order; None where they are too many, or no longer of interest.
    """

    schema: SchemaKey
    records: int
    bytes: int
    oldest: int | None
    newest: int | None
    expired: int
    expired_bytes: int
    future: int
    implausible: int
    oldest_kept: int | None = None
    days: tuple[DayStats, ...] | None = None

    @property
    def plausible(self) -> int:
        """Records that are neither future nor implausible."""
        return self.records - self.future - self.implausible


class Range(NamedTuple):
    """The bytes [start, end) of a segment and their digest."""

    start: int
    end: int
    digest: bytes


class SegmentStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one scan learned of one segment, exact for the bytes that its fingerprint names.

    `quiet` is whether nobody could write to the segment while it was read, as far as can be told; `ranges` tell by
    which bytes one is known that may grow.
    `fragment` is the number, from 1, of its first line that is a piece of a document; None in a file of lines. Such a
    segment is not JSON Lines: none of its lines is counted, for none of them can be judged alone.
    """

    segment: str
    fingerprint: Fingerprint
    schemas: tuple[SchemaStats, ...] = ()
    unreadable: int = 0
    blank: int = 0
    quiet: bool = True
    ranges: tuple[Range, ...] = ()
    fragment: int | None = None

    @property
    def lines(self) -> int:
        return self.records + self.unreadable + self.blank

    @property
    def records(self) -> int:
        return sum(count.records for count in self.schemas)

    @property
    def expired(self) -> int:
        return sum(count.expired for count in self.schemas)

    @property
    def expired_bytes(self) -> int:
        return sum(count.expired_bytes for count in self.schemas)

    @property
    def has_no_record(self) -> bool:
        """Whether there are lines in it that say something, and not one of them is a record."""
        return self.unreadable > 0 and not self.schemas

    @property
    def is_wholly_expired(self) -> bool:
        """Whether nothing but blank lines would stay."""
        return self.expired == self.records > 0 and not self.unreadable


class UnreadSegment(msgspec.Struct, frozen=True):
    """A segment that the scan could not read: it vanished or changed, or, where `failed`, the disk refused.

    `unjudged` is the word for the `reason`.
    """

    segment: str
    fingerprint: Fingerprint
    reason: str
    unjudged: WhyUnjudged
    failed: bool = False


class Action(msgspec.Struct, frozen=True, gc=False):
    """What is to become of one segment, why, and the fingerprint on which that was decided.

    `census` is None where the segment was not read, an empty one included. `failed` marks a skip that is an error, not
    a decision. `since` is when the first of its expired records expired, None without any. `long_expired` has, per
    schema key, how many of them had been expired for more than three days: certainly had, where only their day is
    known. `unjudged` is why it is not known what the segment holds; of such a one nothing is kept, overdue or deleted,
    and its action is a skip.
    """

    segment: str
    kind: Literal["keep", "drop", "rewrite", "skip"]
    reason: str
    fingerprint: Fingerprint
    census: SegmentStats | None = None
    failed: bool = False
    since: int | None = None
    long_expired: dict[SchemaKey, int] = {}
    unjudged: WhyUnjudged | None = None

    @property
    def deletes(self) -> bool:
        return self.kind in {"drop", "rewrite"}

    @property
    def of_nothing(self) -> bool:
        """Whether it removes an empty segment, with which no record goes."""
        return self.kind == "drop" and not self.fingerprint.size

    @property
    def expired(self) -> dict[SchemaKey, int]:
        """Expired records per schema key; only keys that have any."""
        counts = self.census.schemas if self.census else ()
        return {count.schema: count.expired for count in counts if count.expired}

    @property
    def bytes_after(self) -> int:
        """The size of the segment once the action is done; what blank lines a dropped one had goes with it."""
        match self.kind:
            case "drop":
                return 0
            case "rewrite" if self.census:
                return self.fingerprint.size - self.census.expired_bytes
            case _:
                return self.fingerprint.size


class Plan(msgspec.Struct, frozen=True):
    """One action per segment, in the segments' order. `refusal` is a guard's sentence, empty without one."""

    now: int
    actions: tuple[Action, ...]
    no_policy: dict[SchemaKey, int] = {}
    refusal: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one action.

    `deleted` is what really went; `lease_ns` is how long a writer may have waited for the
    segment, `unleased` that there was no lease to be had, and the quiet of the segment had to do,
    `bug` that it failed through a fault of ours.
    """

    segment: str
    status: Literal["done", "skipped", "failed"]
    reason: str = ""
    deleted: dict[SchemaKey, int] = {}
    bytes_after: int = 0
    lease_ns: int = 0
    unleased: bool = False
    bug: bool = False


# What is known of a segment when the decision is made: it was read, it could not be, or it was not to be.
SegmentState = SegmentStats | UnreadSegment | Segment
