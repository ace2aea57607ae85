"""Times in a pattern as `strptime` has them, but strictly: in English, to the nanosecond, the same on every host."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

from asynclog.timestamps import DAY, SECOND

_MONTHS = ["january", "february", "march", "april", "may", "june"]
_MONTHS += ["july", "august", "september", "october", "november", "december"]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_EPOCH = date(1970, 1, 1).toordinal()
_TWO = r"[0-9]{2}"
_PART = re.compile(r"%.|\s+|[^%\s]+|%", re.DOTALL)  # of a pattern

# A directive stands for one of these. Those in _SHORT may have one digit, unless a number stands right beside them.
_DIRECTIVES = {
    "%Y": "[0-9]{4}",
    "%y": _TWO,
    "%m": _TWO,
    "%b": "(?i:" + "|".join(name[:3] for name in _MONTHS) + ")",
    "%B": "(?i:" + "|".join(_MONTHS) + ")",
    "%d": _TWO,
    "%j": "[0-9]{3}",
    "%H": _TWO,
    "%I": _TWO,
    "%p": "(?i:am|pm)",
    "%M": _TWO,
    "%S": _TWO,
    "%f": "[0-9]{1,9}",
    "%z": "[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]",
    "%a": "(?i:" + "|".join(name[:3] for name in _WEEKDAYS) + ")",
    "%A": "(?i:" + "|".join(_WEEKDAYS) + ")",
}
_SHORT = {"%m", "%d", "%H", "%I", "%M", "%S"}
_NUMBERS = {*_SHORT, "%Y", "%y", "%j", "%f"}
_INSTEAD = {
    "%s": "write the form unix_s for seconds since 1970",
    "%Z": "a zone's name does not tell its offset: write %z for an offset, or leave it out and give `zone`",
}
# One directive of each row has to be in a pattern.
_NEEDED = (("%Y", "%y"), ("%d", "%j"), ("%m", "%b", "%B", "%j"), ("%H", "%I"), ("%M",))


class Read(NamedTuple):
    """The nanoseconds from 1970 to a time as it is written, and its offset from UTC (ns), None if it has none."""

    local: int
    offset: int | None


def pattern_problem(pattern: str) -> str:
    """Say why nothing can be read by this pattern, and what to write instead; empty if it can."""
    directives = [part for part in _PART.findall(pattern) if part.startswith("%") and part != "%%"]
    for each in directives:
        if each not in _DIRECTIVES:
            instead = _INSTEAD.get(each) or f"there are {' '.join(_DIRECTIVES)} and %%"
            return f"{each} is not known here: {instead}"
        if directives.count(each) > 1:
            return f"{each} stands twice"
    for row in _NEEDED:
        if not set(row) & set(directives):
            return f"it has no {' or '.join(row)}: a time needs its date, hour and minute"
    if ("%I" in directives) != ("%p" in directives):
        return "%I and %p belong together: write %H for hours from 00 to 23"
    return ""


def has_offset(pattern: str) -> bool:
    """Return whether its times have an offset from UTC."""
    return "%z" in _PART.findall(pattern)


def pattern_reader(pattern: str) -> Callable[[str], Read | None]:
    """Return what reads a text by this pattern, which must have no problem; it returns None if the text is another."""
    matches = re.compile("".join(_expressions(_PART.findall(pattern))), re.ASCII).fullmatch

    def read(text: str) -> Read | None:
        found = matches(text)
        return None if found is None else _meaning(found.groupdict())

    return read


def _expressions(parts: list[str]) -> Iterator[str]:
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if part in _DIRECTIVES:
            alone = part in _SHORT and not {before, after} & _NUMBERS
            yield f"(?P<{part[1]}>{'[0-9]{1,2}' if alone else _DIRECTIVES[part]})"
        elif part.isspace():
            yield r"[ \t]+"
        else:
            yield re.escape("%" if part == "%%" else part)


def _meaning(found: dict[str, str | None]) -> Read | None:
    """Return the time that these parts make; None if there is no such date or time."""
    hour, minute, second = _hour(found), int(found["M"] or 0), int(found.get("S") or 0)
    if hour is None or hour > 23 or minute > 59 or second > 59:
        return None
    try:
        day = _day(found)
    except ValueError:
        return None
    fraction = int((found.get("f") or "").ljust(9, "0"))
    local = (day - _EPOCH) * DAY + (hour * 3600 + minute * 60 + second) * SECOND + fraction
    return Read(local, _offset(found.get("z")))


def _hour(found: dict[str, str | None]) -> int | None:
    if "H" in found:
        return int(found["H"] or 0)
    hour, half = int(found["I"] or 0), (found["p"] or "").lower()
    return hour % 12 + 12 * (half == "pm") if 1 <= hour <= 12 else None


def _day(found: dict[str, str | None]) -> int:
    """Return the day's number from 0001-01-01 on. Raise ValueError if there is no such date."""
    year = int(found.get("Y") or 0) if "Y" in found else _century(int(found["y"] or 0))
    if "j" in found:
        first, number = date(year, 1, 1).toordinal(), int(found["j"] or 0)
        if not 1 <= number <= date(year, 12, 31).toordinal() - first + 1:
            raise ValueError("there is no such day in that year")
        return first + number - 1
    return date(year, _month(found), int(found["d"] or 0)).toordinal()


def _century(year: int) -> int:
    return year + (1900 if year >= 69 else 2000)


def _month(found: dict[str, str | None]) -> int:
    name = found.get("B") or found.get("b")
    if name is None:
        return int(found["m"] or 0)
    return next(number for number, each in enumerate(_MONTHS, 1) if each.startswith(name.lower()))


def _offset(text: str | None) -> int | None:
    if text is None:
        return None
    if text in {"Z", "z"}:
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    return seconds * SECOND * (-1 if text[0] == "-" else 1)
