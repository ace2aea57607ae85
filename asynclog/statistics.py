"""The records of segments, counted by schema and day, and the arithmetic on these counts. Pure.

Instants are nanoseconds since 1970 (UTC), sizes are bytes.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Range, Segment, UnreadSegment

Key = TypeVar("Key")


class DayStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The records of one schema and one UTC day in a segment; `day` counts from 1970-01-01."""

    day: int
    records: int
    bytes: int


class SchemaStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The records of one schema in a segment.

    `oldest` and `newest` are over the records that are neither future nor implausible, None without any;
    `expired` records are among those, and lie before every other one of them: before `oldest_kept`. `days` is over all
    but the implausible ones, in order; None where they are too many, or no longer of interest. `newest_expired` is the
    latest of the expired ones, None without any; where only its day is known, the end of that.
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
    newest_expired: int | None = None

    @property
    def plausible(self) -> int:
        """Records that are neither future nor implausible."""
        return self.records - self.future - self.implausible


class SegmentStats(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The result of one scan of one segment, exact for the bytes that its fingerprint names.

    `quiet` is whether nobody could write to the segment while it was read, as far as can be told; `ranges` tell by
    which bytes one is known that may grow.
    `unpacked` is the number of bytes that a packed segment has unpacked, None of any other: what is counted by schema
    are these.
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
    unpacked: int | None = None

    @property
    def size(self) -> int:
        """The bytes of its lines, which are those of the file unless it is packed."""
        return self.fingerprint.size if self.unpacked is None else self.unpacked

    def on_disk(self, size: float) -> int:
        """Return how much of the file so many bytes of its lines take: an estimate if it is packed."""
        return int(size if self.unpacked is None else size * self.fingerprint.size / max(1, self.unpacked))

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


# The state of a segment when the decision is made: it was read, it could not be, or it was not to be.
SegmentState = SegmentStats | UnreadSegment | Segment


def earliest(instants: Iterable[int | None]) -> int | None:
    """Return the earliest of these instants, as far as they are known; None if none is."""
    return min([instant for instant in instants if instant is not None], default=None)


def latest(instants: Iterable[int | None]) -> int | None:
    """Return the latest of these instants, as far as they are known; None if none is."""
    return max([instant for instant in instants if instant is not None], default=None)


def sum_counts(counts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    """Add up numbers by their keys, which are in the order in which they came."""
    total: dict[Key, int] = {}
    for each in counts:
        for key, number in each.items():
            total[key] = total.get(key, 0) + number
    return total


class Totals(NamedTuple):
    """All records of some schemas; `oldest` and `newest` as `SchemaStats` has them."""

    records: int
    bytes: int
    oldest: int | None
    newest: int | None


def total(counts: Iterable[SchemaStats]) -> Totals:
    """Add up what segments hold of one schema, or of several."""
    counts = list(counts)
    return Totals(
        sum(count.records for count in counts),
        sum(count.bytes for count in counts),
        earliest(count.oldest for count in counts),
        latest(count.newest for count in counts),
    )


def merge(head: SegmentStats, tail: SegmentStats, fingerprint: Fingerprint) -> SegmentStats:
    """Return the statistics of a segment from those of its beginning and of the rest."""
    about = SegmentStats(tail.segment, fingerprint, quiet=tail.quiet, ranges=head.ranges + tail.ranges)
    if head.fragment is not None:
        return msgspec.structs.replace(about, fragment=head.fragment)
    if tail.fragment is not None:
        return msgspec.structs.replace(about, fragment=head.lines + tail.fragment)
    counts = {count.schema: count for count in head.schemas}
    for count in tail.schemas:
        before = counts.get(count.schema)
        counts[count.schema] = _merge_schema(before, count) if before else count
    return msgspec.structs.replace(
        about,
        schemas=tuple(counts[schema] for schema in sorted(counts)),
        unreadable=head.unreadable + tail.unreadable,
        blank=head.blank + tail.blank,
    )


def _merge_schema(one: SchemaStats, other: SchemaStats) -> SchemaStats:
    unknown = any(each.oldest_kept is None and each.plausible > each.expired for each in (one, other))
    return SchemaStats(
        one.schema,
        one.records + other.records,
        one.bytes + other.bytes,
        earliest((one.oldest, other.oldest)),
        latest((one.newest, other.newest)),
        one.expired + other.expired,
        one.expired_bytes + other.expired_bytes,
        one.future + other.future,
        one.implausible + other.implausible,
        None if unknown else earliest((one.oldest_kept, other.oldest_kept)),
        None if one.days is None or other.days is None else _merge_days(one.days, other.days),
        latest((one.newest_expired, other.newest_expired)),
    )


def _merge_days(one: Iterable[DayStats], other: Iterable[DayStats]) -> tuple[DayStats, ...]:
    days: dict[int, DayStats] = {day.day: day for day in one}
    for day in other:
        before = days.get(day.day, DayStats(day.day, 0, 0))
        days[day.day] = DayStats(day.day, before.records + day.records, before.bytes + day.bytes)
    return tuple(days[number] for number in sorted(days))
