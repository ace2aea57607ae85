"""The slow judge of other products' lines: what a line means by the fields that a configuration maps.

It is as obvious and slow as `judge`, and shares no code with the package. What the clocks of a zone show it takes from
Python's zone database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from judge import (
    DAY,
    DIGITS,
    LONGEST_VERSION,
    SECOND,
    Record,
    Verdict,
    days_before,
    instant,
    offset_of,
    schema_name,
    schema_version,
)
from judge_json import WHITE_SPACE, Token, Unreadable, Value, nested_members

UNITS = {"unix_s": SECOND, "unix_ms": 1_000_000, "unix_us": 1_000, "unix_ns": 1}
NGINX = "%d/%b/%Y:%H:%M:%S %z"
PLAIN_LOCAL = "%Y%m%d %H:%M:%S.%f"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONGEST_TEXT = 100
YEAR_1, YEAR_10000 = -days_before(1970) * DAY, (days_before(10_000) - days_before(1970)) * DAY


@dataclass(frozen=True)
class Mapped:
    """The keys `fields` and `time` of a profile; a `constant` is the schema of all, an `mtime` (ns) the time of all.

    With `named` the schema is left to MXCP's key.
    """

    timestamp: tuple[str, ...] = ("timestamp",)
    schema: tuple[str, ...] = ("schema_name",)
    version: str | None = None
    forms: tuple[str, ...] = ("rfc3339",)
    zone: str | None = None
    constant: str | None = None
    mtime: int | None = None
    named: bool = False

    def verdict(self, line: bytes) -> Verdict:
        """Return what one line is."""
        if all(byte in WHITE_SPACE for byte in line):
            return "blank"
        try:
            record = nested_members(line)
            parts = () if self.constant is not None else self.schema
            times = () if self.mtime is not None else self.timestamp
            for path in (*parts, *times, *([self.version] if self.version else [])):
                must_be_unique(record, path)
            name = self.name(record)
            version = 1 if self.version is None else schema_version(scalar(at(record, self.version)))
            moment = self.mtime if self.mtime is not None else self.instant(record)
        except Unreadable:
            return "unreadable"
        return Record(name, version, moment)

    def name(self, record: list[tuple[str, Value]]) -> str:
        """Return the name of the schema."""
        if self.constant is not None:
            return self.constant
        if self.named:
            return schema_name(scalar(at(record, self.schema[0])))
        return "/".join(part(at(record, path)) for path in self.schema)

    def instant(self, record: list[tuple[str, Value]]) -> int:
        """Return the instant of the first alternative that is there."""
        for path in self.timestamp:
            value = at(record, path)
            if value is not None and value != Token("null"):
                return self.read(scalar(value))
        raise Unreadable("no time")

    def read(self, value: Token | None) -> int:
        """Return the instant that the first form reads."""
        for form in self.forms:
            try:
                found = number_as(form, value) if form in UNITS else self.text_as(form, value)
            except Unreadable:
                continue
            if YEAR_1 <= found < YEAR_10000:
                return found
        raise Unreadable("no form reads it")

    def text_as(self, form: str, value: Token | None) -> int:
        """Return the instant of a text in this form."""
        if value is None or value.kind != "string" or len(value.text) > LONGEST_TEXT:
            raise Unreadable("no text of a time")
        text = value.text
        if form == NGINX:
            text = from_nginx(text)
        if form == PLAIN_LOCAL:
            text = f"{text[0:4]}-{text[4:6]}-{text[6:8]}T{text[9:]}" if text[8:9] == " " and "." in text else ""
        if form == "rfc3339" and text[19:20] == ",":
            text = text[:19] + "." + text[20:]
        ends_with_offset = text[-1:] in ("Z", "z") or text[-6:-5] in ("+", "-") or text[-5:-4] in ("+", "-")
        if len(text) > 19 and ends_with_offset:
            if form == PLAIN_LOCAL:
                raise Unreadable("an offset that is not in the pattern")
            return instant(text)
        if self.zone is None:
            raise Unreadable("no offset")
        return later(instant(text + "Z"), self.zone)


def must_be_unique(record: list[tuple[str, Value]], path: str) -> None:
    """Raise Unreadable if a key on a path stands twice, as it stands or step by step."""
    once(record, path)
    place: Value | None = record
    for key in path.split("."):
        if not isinstance(place, list):
            return
        place = once(place, key)


def once(record: list[tuple[str, Value]], key: str) -> Value | None:
    """Return the only value of a key; None if it is absent."""
    values = [value for name, value in record if name == key]
    if len(values) > 1:
        raise Unreadable(f"{key} stands twice")
    return values[0] if values else None


def at(record: list[tuple[str, Value]], path: str) -> Value | None:
    """Return the value of a key as it stands, else the one at the end of the path; None if there is neither."""
    literal = once(record, path)
    if literal is not None:
        return literal
    place: Value | None = record
    for key in path.split("."):
        if not isinstance(place, list):
            return None
        place = once(place, key)
    return place


def scalar(value: Value | None) -> Token | None:
    """Return a value that is no object."""
    if isinstance(value, list):
        raise Unreadable("an object where a value has to be")
    return value


def part(value: Value | None) -> str:
    """Return a part of the schema's name."""
    token = scalar(value)
    if token is None or token.kind == "null":
        return "-"
    if token.kind in ("true", "false"):
        return token.kind
    if token.kind == "integer":
        return "0" if token.text == "-0" else token.text
    if token.kind != "string" or not token.text or any(0xD800 <= ord(char) <= 0xDFFF for char in token.text):
        raise Unreadable("no part of a schema")
    return token.text


def number_as(form: str, value: Token | None) -> int:
    """Return the instant of a number, rounded down to nanoseconds."""
    if value is None or value.kind not in ("integer", "number") or len(value.text) > LONGEST_VERSION:
        raise Unreadable("no number of a time")
    return int(Fraction(value.text) * UNITS[form] // 1)


def from_nginx(text: str) -> str:
    """Return `03/Nov/2026:10:11:12 +0100` as RFC 3339 has it; days, hours and the like may have one digit."""
    day, _, rest = text.partition("/")
    month, _, rest = rest.partition("/")
    names = [name.lower() for name in MONTHS]
    blanks = rest.replace("\t", " ")
    clock, _, offset = blanks.partition(" ")
    parts = clock.split(":")
    short = [day, *parts[1:]]
    if month.lower() not in names or len(parts) != 4 or any(len(each) not in (1, 2) for each in short):
        raise Unreadable("not the pattern")
    if any(char not in DIGITS for each in short for char in each):
        raise Unreadable("not the pattern")
    offset_of(offset.lstrip(" "))
    hour, minute, second = (each.rjust(2, "0") for each in parts[1:])
    number = str(names.index(month.lower()) + 1).rjust(2, "0")
    return f"{parts[0]}-{number}-{day.rjust(2, '0')}T{hour}:{minute}:{second}{offset.lstrip(' ')}"


def later(local: int, zone: str) -> int:
    """Return the latest instant at which the clocks of a zone show a time (ns); if none, the later of two guesses."""
    guesses = [local - offset(local + days * DAY, zone) for days in (-1, 1)]
    right = [guess for guess in guesses if guess + offset(guess, zone) == local]
    return max(right or guesses)


def offset(moment: int, zone: str) -> int:
    """Return how far a zone is ahead of UTC at an instant (ns)."""
    found = datetime.fromtimestamp(moment // SECOND, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if found is None else int(found.total_seconds()) * SECOND
