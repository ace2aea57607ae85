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
    """Takes lines, one by one, and knows how many of each kind there were.

    With `with_ranges` it also notes the byte ranges of expired lines, adjacent ones joined, for `take_ranges`;
    they grow with the number of lines, and so are noted only for whoever takes them away in time.
    """

    def __init__(self, policy: Policy, now: int, *, with_ranges: bool = False) -> None:
        self.rows: dict[tuple[str, int], Row] = {}
        self.unreadable = 0
        self.blank = 0
        self._ranges: list[tuple[int, int]] | None = [] if with_ranges else None
        self._policy = policy
        self._now = now
        self._future = now + FUTURE_TOLERANCE

    def take(self, line: bytes, start: int, end: int) -> None:
        """Counts the line that fills the segment's bytes from `start` to `end`, its newline among them."""
        reading = read_line(line)
        if reading is None:
            if line.strip(BLANKS):
                self.unreadable += 1
            else:
                self.blank += 1
            return
        name, version, instant = reading
        row = self.rows.get((name, version)) or self.row(name, version)
        row.records += 1
        row.bytes += end - start
        if instant < FIRST_PLAUSIBLE:
            row.implausible += 1
        elif instant > self._future:
            row.future += 1
        else:
            row.cover(instant, instant)
            if instant < row.cutoff:
                row.expired += 1
                row.expired_bytes += end - start
                self.leave_out(start, end)

    def row(self, name: str, version: int) -> Row:
        """The row of this schema key, made where there was none."""
        key = SchemaKey(name, version)
        return self.rows.setdefault(key, Row(cutoff_for(self._policy, key, self._now)))

    def leave_out(self, start: int, end: int) -> None:
        """Notes a range of expired lines, where ranges are asked for."""
        if self._ranges is None:
            return
        if self._ranges and self._ranges[-1][1] == start:
            start = self._ranges.pop()[0]
        self._ranges.append((start, end))

    def take_ranges(self) -> list[tuple[int, int]]:
        """The ranges noted since the last call, in order."""
        ranges, self._ranges = self._ranges or [], []
        return ranges

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
