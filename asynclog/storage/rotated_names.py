"""The additions of rotators to a log's name: a time, a number, or both. Pure.

As documented by logrotate(8) (`dateext`, `dateformat`, `extension`, `start`), MXCP, lumberjack, timberjack, log4j 2,
log4js, winston, tracing-appender, Python's logging.handlers, Serilog, the Elastic Beats, Elasticsearch and Zeek.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

from asynclog.timestamps import SECOND, format_instant, parse_instant

_ANY_YEAR = "(?:19[7-9][0-9]|2[01][0-9]{2})"
_YEAR = f"(?P<year>{_ANY_YEAR})"
_NUMBER = "(?P<number>[0-9]{1,7})"  # eight digits are a date, or nothing
_DAY = rf"{_YEAR}(?P<gap>[-._]?)(?P<month>[0-9]{{2}})(?P=gap)(?P<day>[0-9]{{2}})"
_SECOND = r"(?P=colon)(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{3}|[0-9]{6}|[0-9]{9}))?"
_MINUTE = rf"(?P<colon>[-._:]?)(?P<minute>[0-5][0-9])(?:{_SECOND})?"
_CLOCK = rf"[-._T]?(?P<hour>[01][0-9]|2[0-3])(?:{_MINUTE})?Z?"
# Until May 2033. From June 2032 on some look like a year, month, day and hour of last century, and are taken for it.
_EPOCH = "[-._](?P<epoch>1[0-9]{9})"
_WHY = "(?:-(?:size|time|manual))?"  # timberjack's

MXCPS = "-([0-9]{8})T([0-9]{6})(?:-([0-9]{1,7})(?![0-9]))?"  # see `of_mxcp`
_OTHERS = (
    rf"[-._]?{_DAY}(?:{_EPOCH}|(?:{_CLOCK})?(?:[-._]{_NUMBER})?{_WHY})",
    rf"[-._]{_YEAR}[-_]?(?P<month_or_week>[Ww]?[0-9]{{2}})(?:\.{_NUMBER})?",
    rf"\.(?!{_ANY_YEAR}$){_NUMBER}",  # a year alone could be anything
    _EPOCH,
    r"\.(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})-[0-9]{2}:[0-9]{2}:[0-9]{2}",  # Zeek's, in a folder for each day
)

_MIDNIGHT = "0000-01-01T00:00:00"  # a time that says less ends like this


class Addition(NamedTuple):
    """One addition: a time, as exact as the name has it (`2026-11-01T13`), empty without one, and a number.

    A number beside a time rises with the files of that time. A number alone counts from the newest file, and is another
    one after the next rotation.
    """

    time: str = ""
    number: int | None = None

    @property
    def is_renumbered(self) -> bool:
        """Whether the next rotation gives the file another number."""
        return not self.time and self.number is not None

    @property
    def instant(self) -> int | None:
        """The time, taken for one in UTC (ns since 1970); None without one, or if no calendar has it."""
        return parse_instant(f"{self.time}{_MIDNIGHT[len(self.time) :]}Z") if self.time else None

    @property
    def sort_key(self) -> tuple[int, str, int]:
        """Sort by the time, then by the number; a number alone comes after all times, the highest first."""
        if not self.time:
            return (2, "", -(self.number or 0))
        number = self.number or 0
        # Two digits after a day are an hour if they can be one; so are those of a day's tenth file: no harm, if the
        # files from the 24th on come after them.
        is_beyond = number > 23 and len(self.time) == len("2026-11-01")
        return (1, f"{self.time}T24" if is_beyond else self.time, number)


def of_mxcp(found: re.Match[str]) -> Addition:
    """Return the addition that a match of MXCPS stands for. It is one even if no calendar has such a time."""
    day, time, number, *_ = found.groups()
    return Addition(f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}", _number(number))


def parse_additions(text: str) -> tuple[Addition, ...] | None:
    """Return the additions in this part of a name: none, one, or two if the first is MXCP's; None if it has others."""
    if not text:
        return ()
    own = _patterns()[0].fullmatch(text)
    if own:
        begun, rest = of_mxcp(own), own[4] or ""
        if not rest:
            return (begun,)
        if rotated := _parse(rest):
            return (begun, *rotated)
        if own[3] and (rotated := _parse(f"-{own[3]}{rest}")):  # that was no number, but the year of another date
            return (begun._replace(number=None), *rotated)
    return _parse(text)


def _parse(text: str) -> tuple[Addition] | None:
    for pattern in _patterns()[1:]:
        found = pattern.fullmatch(text)
        said = found.groupdict() if found else {}
        time = _time(said) if found else None
        if time is not None:
            return (Addition(time, _number(said.get("number"))),)
    return None


def _time(said: Mapping[str, str | None]) -> str | None:
    """Return the time that these parts of a name say, empty if they say none; None if no calendar has it."""
    if epoch := said.get("epoch"):
        return format_instant(int(epoch) * SECOND).removesuffix("Z")
    if coarse := said.get("month_or_week"):
        time = _month_or_week(said["year"] or "", coarse)
    elif year := said.get("year"):
        time = f"{year}-{said['month']}-{said['day']}"
    else:
        return said.get("clock", "")
    for sign, part in (("T", "hour"), (":", "minute"), (":", "second"), (".", "fraction")):
        time += f"{sign}{said[part]}" if said.get(part) else ""
    return time if Addition(time).instant is not None else None


def _month_or_week(year: str, number: str) -> str:
    """Return the month, or the Monday of the week; two digits that can be a month are one."""
    week = int(number.lstrip("Ww"))
    if number.isdecimal() and 1 <= week <= 12:
        return f"{year}-{number}"
    try:
        return date.fromisocalendar(int(year), week, 1).isoformat()
    except ValueError:  # the first days of January may lie in the 53rd week of the year before
        return f"{year}-01-01" if week == 53 else ""


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compile them once a name is asked about: that takes longer than all else here."""
    return tuple(re.compile(pattern, re.DOTALL) for pattern in (f"{MXCPS}(.+)?", *_OTHERS))
