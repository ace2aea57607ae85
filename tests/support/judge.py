"""The slow judge: what every line of an archive means, and what a cleanup has to leave.

It decides what is right, so it is written to be obvious, not fast. It shares no code with the package and
uses no JSON, regular-expression or calendar library: its own JSON, days by counting leap years, rules by
looking through the definitions. It judges bytes and touches no files.

One limit is Python's: a schema version of more than 4,300 digits is called unreadable.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from judge_fragment import is_fragment
from judge_json import WHITE_SPACE, Token, Unreadable, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LONGEST_VERSION = 4_300
DIGITS = "0123456789"
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

Fate = Literal["blank", "unreadable", "future", "implausible", "no_policy", "expired", "young"]


class Definition(NamedTuple):
    """One audit schema definition; `version` None stands for all versions, `retention_days` None for ever.

    `retention` says it in hours, days or weeks, as it is written, instead of `retention_days`.
    """

    schema_name: str
    version: int | None
    retention_days: int | None
    active: bool = True
    retention: str | None = None


class Record(NamedTuple):
    """The record on a readable line: its schema key and its instant in nanoseconds since 1970."""

    schema_name: str
    version: int
    instant: int

    @property
    def key(self) -> str:
        """The schema key as it is printed."""
        return f"{self.schema_name}:{self.version}"


Verdict = Record | Literal["blank", "unreadable"]
if TYPE_CHECKING:
    Reading = Callable[[bytes], Verdict]


# The meaning of a line.


@lru_cache(maxsize=4096)
def verdict(line: bytes) -> Verdict:
    """Return what one line is."""
    if all(byte in WHITE_SPACE for byte in line):
        return "blank"
    try:
        found = members(line)
        name = schema_name(the_one(found, "schema_name"))
        version = schema_version(the_one(found, "schema_version"))
        return Record(name, version, timestamp(the_one(found, "timestamp")))
    except Unreadable:
        return "unreadable"


def the_one(found: list[tuple[str, Token]], key: str) -> Token | None:
    """Return the only value of a key; None if it is absent."""
    values = [value for name, value in found if name == key]
    if len(values) > 1:
        raise Unreadable(f"{key} stands twice")
    return values[0] if values else None


def schema_name(value: Token | None) -> str:
    """Return a name: a string, not empty, without half surrogate pairs."""
    if value is None or value.kind != "string" or not value.text:
        raise Unreadable("no schema name")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value.text):
        raise Unreadable("half a surrogate pair in the schema name")
    return value.text


def schema_version(value: Token | None) -> int:
    """Return a version: an integer; absent and null are 1."""
    if value is None or value.kind == "null":
        return 1
    if value.kind != "integer" or len(value.text.removeprefix("-")) > LONGEST_VERSION:
        raise Unreadable("no schema version")
    return int(value.text)


def timestamp(value: Token | None) -> int:
    """Return the instant of a timestamp member."""
    if value is None or value.kind != "string":
        raise Unreadable("no timestamp")
    return instant(value.text)


# Instants.


def instant(text: str) -> int:
    """Return the nanoseconds since 1970 of `YYYY-MM-DDTHH:MM:SS[.f]±HH:MM`."""
    if text[4:5] + text[7:8] != "--" or text[10:11] not in ("T", "t", " ") or text[13:14] + text[16:17] != "::":
        raise Unreadable("not the shape of a timestamp")
    year, month, day = number(text[0:4], 4), number(text[5:7], 2), number(text[8:10], 2)
    hour, minute, second = number(text[11:13], 2), number(text[14:16], 2), number(text[17:19], 2)
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= days_in(year, month):
        raise Unreadable("no such date")
    if hour > 23 or minute > 59 or second > 59:
        raise Unreadable("no such time")
    fraction, rest = fraction_of(text[19:])
    days = days_before(year) + sum(days_in(year, earlier) for earlier in range(1, month)) + day - 1
    local = days * DAY + (hour * 3600 + minute * 60 + second) * SECOND + fraction
    utc = local - offset_of(rest)
    if not 0 <= utc < days_before(10_000) * DAY:
        raise Unreadable("its year in UTC is not between 0001 and 9999")
    return utc - days_before(1970) * DAY


def number(text: str, digits: int) -> int:
    """Return the value of a text of exactly so many ASCII digits."""
    if len(text) != digits or any(char not in DIGITS for char in text):
        raise Unreadable(f"not {digits} digits")
    return int(text)


def fraction_of(text: str) -> tuple[int, str]:
    """Return the nanoseconds of a leading fraction, and what follows it."""
    if text[:1] != ".":
        return 0, text
    end = 1
    while end < len(text) and text[end] in DIGITS:
        end += 1
    digits = end - 1
    if not 1 <= digits <= 9:
        raise Unreadable("a fraction has 1 to 9 digits")
    return number(text[1:end], digits) * 10 ** (9 - digits), text[end:]


def offset_of(text: str) -> int:
    """Return an offset from UTC, `Z`, `±HH:MM` or `±HHMM`, in nanoseconds."""
    if text in ("Z", "z"):
        return 0
    if text[:1] not in ("+", "-"):
        raise Unreadable("no offset")
    digits = text[1:3] + text[4:] if text[3:4] == ":" else text[1:]
    hours, minutes = number(digits[:2], 2), number(digits[2:], 2)
    if hours > 23 or minutes > 59:
        raise Unreadable("no such offset")
    return (hours * 60 + minutes) * 60 * SECOND * (1 if text[0] == "+" else -1)


def days_before(year: int) -> int:
    """Return the number of days from 0001-01-01 to the first day of a year."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400


def days_in(year: int, month: int) -> int:
    """Return the length of a month."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else MONTH_DAYS[month - 1]


# The fate of a line or a segment.


def governing(record: Record, policy: Sequence[Definition]) -> Definition | None:
    """Return the definition that governs a record: for its name, else for a pattern, else for everything.

    Of two patterns the one goes first that has more characters before its first wildcard; of the definitions of a name
    or a pattern the one for the record's version, and then the one for all versions.
    """
    names = {definition.schema_name for definition in policy if definition.schema_name != "*"}
    patterns = [name for name in names if fixed(name) < len(name) and fits(name, record.schema_name)]
    literal = [name for name in names if fixed(name) == len(name) and name == record.schema_name]
    for name in [*literal, *sorted(patterns, key=fixed, reverse=True), "*"]:
        for version in (record.version, None):
            for definition in policy:
                if (definition.schema_name, definition.version) == (name, version):
                    return definition
    return None


def fixed(name: str) -> int:
    """Return how many characters of a name come before its first wildcard; all, if it has none."""
    return min(name.find(wildcard) if wildcard in name else len(name) for wildcard in "*?")


def fits(pattern: str, name: str) -> bool:
    """Return whether a name fits a pattern, by following every way to read it at once."""
    reached = {0}
    for sign in pattern:
        if sign == "*":
            reached = {after for before in reached for after in range(before, len(name) + 1)}
        else:
            reached = {place + 1 for place in reached if place < len(name) and sign in ("?", name[place])}
    return len(name) in reached


def period(rule: Definition) -> int | None:
    """Return how long a definition keeps a record, in nanoseconds; None for ever."""
    if rule.retention is None:
        return None if rule.retention_days is None else rule.retention_days * DAY
    number, unit = int(rule.retention[:-1]), rule.retention[-1]
    return number * {"h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}[unit]


def fate(line: bytes, policy: Sequence[Definition], now: int, read: Reading = verdict) -> Fate:
    """Return the fate of one line in a cleanup at `now`; only `expired` may be deleted. `read` says what it is."""
    record = read(line)
    if not isinstance(record, Record):
        return record
    if record.instant > now + DAY:
        return "future"
    if record.instant < instant("2000-01-01T00:00:00Z"):
        return "implausible"
    rule = governing(record, policy)
    if rule is None or not rule.active:
        return "no_policy"
    keeps = period(rule)
    if keeps is not None and record.instant < now - keeps:
        return "expired"
    return "young"


def lines(segment: bytes) -> list[bytes]:
    """Split a segment after every newline; what follows the last one is a line, too."""
    *ended, tail = segment.split(b"\n")
    whole = [line + b"\n" for line in ended]
    return [*whole, tail] if tail else whole


def first_fragment(segment: bytes, read: Reading = verdict) -> int | None:
    """Return the number, from 1, of the first line that is a piece of a document; None in a file of lines."""
    for number, line in enumerate(lines(segment), 1):
        if read(line) == "unreadable" and is_fragment(line):
            return number
    return None


def why_unjudged(segment: bytes, read: Reading = verdict) -> str | None:
    """Return, in a word, why a segment's content is not known; None if it is, also if all lines are blank."""
    if first_fragment(segment, read) is not None:
        return "not_json_lines"
    verdicts = [read(line) for line in lines(segment)]
    has_record = any(isinstance(each, Record) for each in verdicts)
    return "no_record" if "unreadable" in verdicts and not has_record else None


def left_of(segment: bytes, policy: Sequence[Definition], now: int, read: Reading = verdict) -> bytes | None:
    """Return what a cleanup leaves of a segment: None if it is dropped, all of it if it is not a file of lines."""
    if first_fragment(segment, read) is not None:
        return segment
    fates = [(line, fate(line, policy, now, read)) for line in lines(segment)]
    if {"expired"} <= {its for _, its in fates} <= {"expired", "blank"}:
        return None
    return b"".join(line for line, its in fates if its != "expired")


@dataclass
class Expected:
    """The counts that the report of a cleanup of a whole archive must have."""

    scanned: int = 0
    kept: int = 0
    unreadable: int = 0
    future: int = 0
    implausible: int = 0
    no_policy: Counter[str] = field(default_factory=Counter)
    deleted_per_schema: Counter[str] = field(default_factory=Counter)


def expected(segments: Iterable[bytes], policy: Sequence[Definition], now: int, read: Reading = verdict) -> Expected:
    """Return the counts of an archive's judgeable segments. Blank lines don't count; unreadable ones aren't records."""
    counts = Expected()
    for line in (line for segment in segments if why_unjudged(segment, read) is None for line in lines(segment)):
        record, its = read(line), fate(line, policy, now, read)
        if not isinstance(record, Record):
            counts.unreadable += its == "unreadable"
            continue
        counts.scanned += 1
        counts.kept += its != "expired"
        counts.future += its == "future"
        counts.implausible += its == "implausible"
        counts.no_policy[record.key] += its == "no_policy"
        counts.deleted_per_schema[record.key] += its == "expired"
    counts.no_policy = +counts.no_policy  # without zero counts
    counts.deleted_per_schema = +counts.deleted_per_schema
    return counts


# What the guard refuses.


def needs_asking(segments: Iterable[bytes], policy: Sequence[Definition], now: int, days: int = 3) -> bool:
    """Return whether a cleanup of a whole archive is refused: too much of it expired more than `days` days ago."""
    every = [line for segment in segments for line in lines(segment)]
    governed, going, long_gone = Counter[str](), Counter[str](), Counter[str]()
    for line in every:
        record, its = verdict(line), fate(line, policy, now)
        if not isinstance(record, Record) or its not in ("expired", "young"):
            continue
        rule = governing(record, policy)
        if rule is None or period(rule) is None:
            continue
        for counts in (governed, *([going] if its == "expired" else [])):
            counts[record.key] += 1
        long_gone[record.key] += fate(line, policy, now - days * DAY) == "expired"
    shares = [(long_gone.total(), governed.total()), *((long_gone[key], governed[key]) for key in governed)]
    if any(part >= 1000 and part > whole / 2 for part, whole in shares):
        return True
    return going.total() == governed.total() >= 1000
