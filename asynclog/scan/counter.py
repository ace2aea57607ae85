"""Counts what lines mean: the running total of a segment's statistics."""

import re
from collections.abc import Iterable

from asynclog.errors import ChangedError, TooManyKeysError
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.document_fragments import Part, first_fragment, is_fragment
from asynclog.records.fields import Fields
from asynclog.records.parsers import parser_for
from asynclog.records.strict_json import Line
from asynclog.scan.schema_limits import MOST_KEYS, MOST_NAMES
from asynclog.schemas import SchemaKey, schema_key
from asynclog.segments import Fingerprint
from asynclog.statistics import DayStats, SchemaStats, SegmentStats
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE

_is_blank = re.compile(rb"[ \t\r\n]*").fullmatch

MOST_DAYS = 16_384  # of all schema keys of a segment together; memory must not grow with its lines


class SchemaCounter:
    """The counts of one schema key, as `SchemaStats` has them; nothing plausible is before a `cutoff` of None.

    `days` has records and bytes per day; those of day None are on some day that there was no room for.
    """

    __slots__ = (
        "bytes",
        "cutoff",
        "days",
        "expired",
        "expired_bytes",
        "future",
        "implausible",
        "newest",
        "newest_expired",
        "oldest",
        "oldest_kept",
        "records",
    )

    def __init__(self, cutoff: int | None) -> None:
        self.cutoff = FIRST_PLAUSIBLE if cutoff is None else cutoff
        self.records = self.bytes = self.expired = self.expired_bytes = self.future = self.implausible = 0
        self.oldest: int | None = None
        self.newest: int | None = None
        self.oldest_kept: int | None = None
        self.newest_expired: int | None = None
        self.days: dict[int | None, list[int]] = {}

    def add_plausible(self, instant: int, size: int) -> bool:
        """Count the time of a record that is neither future nor implausible. Return whether it has expired."""
        if self.oldest is None or instant < self.oldest:
            self.oldest = instant
        if self.newest is None or instant > self.newest:
            self.newest = instant
        if instant < self.cutoff:
            self.expired += 1
            self.expired_bytes += size
            if self.newest_expired is None or instant > self.newest_expired:
                self.newest_expired = instant
            return True
        if self.oldest_kept is None or instant < self.oldest_kept:
            self.oldest_kept = instant
        return False

    def extend_range(
        self, oldest: int | None, newest: int | None, oldest_kept: int | None, newest_expired: int | None
    ) -> None:
        """Widen the spans of time."""
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest
        if oldest_kept is not None and (self.oldest_kept is None or oldest_kept < self.oldest_kept):
            self.oldest_kept = oldest_kept
        if newest_expired is not None and (self.newest_expired is None or newest_expired > self.newest_expired):
            self.newest_expired = newest_expired

    def merge(self, other: "SchemaCounter") -> None:
        """Add all counts but those of the days."""
        for name in ("records", "bytes", "expired", "expired_bytes", "future", "implausible"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.extend_range(other.oldest, other.newest, other.oldest_kept, other.newest_expired)

    def stats(self, schema: SchemaKey) -> SchemaStats:
        """Return the counts so far."""
        days = None
        if None not in self.days:
            days = tuple(DayStats(day, *self.days[day]) for day in sorted(filter(None, self.days)))
        return SchemaStats(
            schema,
            self.records,
            self.bytes,
            self.oldest,
            self.newest,
            self.expired,
            self.expired_bytes,
            self.future,
            self.implausible,
            self.oldest_kept,
            days,
            self.newest_expired,
        )


class StatsBuilder:
    """Count lines, one by one: how many of each kind there are.

    `fragment` is the number of the first line that is a fragment; what comes behind it need not be counted any more.
    `parts` are the pieces of the segment that this is about, once all of them are counted.

    Raise TooManyKeysError if they have more schema keys than may be remembered.
    """

    def __init__(self, cutoffs: Cutoffs, fields: Fields) -> None:
        self.rows: dict[tuple[str, int], SchemaCounter] = {}
        self.unreadable = 0
        self.blank = 0
        self.fragment: int | None = None
        self.parts: list[Part] = []
        self._dated = self._named = 0
        self._cutoffs = cutoffs
        self._future = cutoffs.future
        self.fields = fields
        self._parse = parser_for(fields).parse

    def add_line(self, line: Line, size: int, number: int) -> bool:
        """Count a line of so many bytes, its newline among them, and of that number. Return whether it has expired."""
        parsed = self._parse(line) if len(line) > 1 else None  # a flood of blank lines costs little
        if parsed is None:
            if _is_blank(line):
                self.blank += 1
                return False
            self.unreadable += 1
            if self.fragment is None and is_fragment(line):
                self.fragment = number
            return False
        name, version, instant = parsed
        row = self.rows.get((name, version)) or self.counter_for(name, version)
        row.records += 1
        row.bytes += size
        if instant < FIRST_PLAUSIBLE:
            row.implausible += 1
            return False
        day = row.days.get(instant // DAY) or self._day(row, instant // DAY)
        day[0] += 1
        day[1] += size
        if instant > self._future:
            row.future += 1
            return False
        return row.add_plausible(instant, size)

    def _day(self, row: SchemaCounter, day: int | None) -> list[int]:
        """Return the records and bytes of a row's day, which is made if there is none."""
        if day not in row.days:
            day = day if self._dated < MOST_DAYS else None
            self._dated += 1
        return row.days.setdefault(day, [0, 0])

    def cutoff(self, name: str, version: int) -> int | None:
        """Return the instant before which records of this schema key have expired; None if they never do."""
        return self._cutoffs.before(SchemaKey(name, version))

    def counter_for(self, name: str, version: int) -> SchemaCounter:
        """Return the counter of this schema key, which is made if there is none. Raise TooManyKeysError."""
        row = self.rows.get((name, version))
        if row is None:
            self._make_room(name, version)
            row = self.rows[name, version] = SchemaCounter(self.cutoff(name, version))
        return row

    def _make_room(self, name: str, version: int) -> None:
        self._named += len(name) + version.bit_length() // 8
        if len(self.rows) == MOST_KEYS:
            raise TooManyKeysError(f"it has more than {MOST_KEYS:,} schema keys")
        if self._named > MOST_NAMES:
            raise TooManyKeysError(f"its schema keys have more than {MOST_NAMES:,} characters together")

    def merge(self, other: "StatsBuilder") -> None:
        """Add what another part of the same segment holds. Raise ChangedError if the file's time is not the same."""
        if self.fields != other.fields:
            raise ChangedError
        self.unreadable += other.unreadable
        self.blank += other.blank
        self.parts += other.parts
        for (name, version), row in other.rows.items():
            mine = self.counter_for(name, version)
            mine.merge(row)
            self.add_days(mine, ((day, many, large) for day, (many, large) in row.days.items()))

    def add_days(self, row: SchemaCounter, days: Iterable[tuple[int | None, int, int]]) -> None:
        """Add records and bytes of these days to one of the counters."""
        for number, records, size in days:
            day = row.days.get(number) or self._day(row, number)
            day[0] += records
            day[1] += size

    def build(self, segment: str, fingerprint: Fingerprint) -> SegmentStats:
        """Return the statistics so far, the schema keys in order; without any records if there is a fragment."""
        fragment = first_fragment(self.parts)
        if fragment is not None:
            return SegmentStats(segment, fingerprint, fragment=fragment)
        counts = tuple(self.rows[key].stats(schema_key(*key)) for key in sorted(self.rows))
        return SegmentStats(segment, fingerprint, counts, self.unreadable, self.blank)
