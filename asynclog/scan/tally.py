"""Counts what lines mean: the running total of a census."""

from asynclog.instant import FIRST_PLAUSIBLE, FUTURE_TOLERANCE
from asynclog.model import Census, Fingerprint, Policy, SchemaCount, SchemaKey
from asynclog.plan.rules import cutoff_for
from asynclog.scan.line import BLANKS, read_line


class Row:
    """The counts of one schema key, as `SchemaCount` has them; nothing plausible is before a `cutoff` of None."""

    __slots__ = (
        "bytes",
        "cutoff",
        "expired",
        "expired_bytes",
        "future",
        "implausible",
        "newest",
        "oldest",
        "records",
    )

    def __init__(self, cutoff: int | None) -> None:
        self.cutoff = FIRST_PLAUSIBLE if cutoff is None else cutoff
        self.records = self.bytes = self.expired = self.expired_bytes = self.future = self.implausible = 0
        self.oldest: int | None = None
        self.newest: int | None = None

    def cover(self, oldest: int | None, newest: int | None) -> None:
        """Widens the row's span of time."""
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest

    def add(self, other: "Row") -> None:
        for name in ("records", "bytes", "expired", "expired_bytes", "future", "implausible"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cover(other.oldest, other.newest)


class Tally:
    """Takes lines, one by one, and knows how many of each kind there were."""

    def __init__(self, policy: Policy, now: int) -> None:
        self.rows: dict[tuple[str, int], Row] = {}
        self.unreadable = 0
        self.blank = 0
        self._policy = policy
        self._now = now
        self._future = now + FUTURE_TOLERANCE

    def take(self, line: bytes, size: int) -> bool:
        """Counts a line of so many bytes, its newline among them; whether it has expired."""
        reading = read_line(line)
        if reading is None:
            if line.strip(BLANKS):
                self.unreadable += 1
            else:
                self.blank += 1
            return False
        name, version, instant = reading
        row = self.rows.get((name, version)) or self.row(name, version)
        row.records += 1
        row.bytes += size
        if instant < FIRST_PLAUSIBLE:
            row.implausible += 1
        elif instant > self._future:
            row.future += 1
        else:
            if row.oldest is None or instant < row.oldest:
                row.oldest = instant
            if row.newest is None or instant > row.newest:
                row.newest = instant
            if instant < row.cutoff:
                row.expired += 1
                row.expired_bytes += size
                return True
        return False

    def cutoff(self, name: str, version: int) -> int | None:
        """Records of this schema key with an instant before this one have expired; None where they never do."""
        return cutoff_for(self._policy, SchemaKey(name, version), self._now)

    def row(self, name: str, version: int) -> Row:
        """The row of this schema key, made where there was none."""
        row = self.rows.get((name, version))
        if row is None:
            row = self.rows[name, version] = Row(self.cutoff(name, version))
        return row

    def add(self, other: "Tally") -> None:
        """Adds what another part of the same segment held."""
        self.unreadable += other.unreadable
        self.blank += other.blank
        for (name, version), row in other.rows.items():
            self.row(name, version).add(row)

    def census(self, segment: str, fingerprint: Fingerprint) -> Census:
        """The census that the counts so far make, the schema keys in order."""
        counts = (
            SchemaCount(
                SchemaKey(name, version),
                row.records,
                row.bytes,
                row.oldest,
                row.newest,
                row.expired,
                row.expired_bytes,
                row.future,
                row.implausible,
            )
            for (name, version), row in sorted(self.rows.items())
        )
        return Census(segment, fingerprint, tuple(counts), self.unreadable, self.blank)
