"""Instants: nanoseconds since 1970-01-01T00:00:00Z as one integer, and their text.

The grammar is the one for timestamps in records; `--now` uses it too. Nothing here reads a clock.
"""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000_000
DAY = 86_400 * SECOND

# An instant before this comes from a clock that was never set.
FIRST_PLAUSIBLE = 946_684_800 * SECOND  # 2000-01-01T00:00:00Z
# An instant further than this in the future comes from a clock that is wrong.
FUTURE_TOLERANCE = DAY

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST = (date.min.toordinal() - _EPOCH_DAY) * DAY
_LAST = (date.max.toordinal() - _EPOCH_DAY + 1) * DAY - 1
_GRAMMAR = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))"
)


@lru_cache(maxsize=1024)
def _start_of_day(text: str) -> int | None:
    """`2026-11-24` -> its first nanosecond in UTC; None for a date that no calendar has."""
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * DAY
    except ValueError:
        return None


def parse_instant(text: str) -> int | None:
    """Nanoseconds since 1970 for `YYYY-MM-DD` + `T`, `t` or a space + `HH:MM:SS[.f]` and an offset; else None.

    The fraction has 1 to 9 digits; the offset is `Z`, `z`, `±HH:MM` or `±HHMM` up to 23:59. The date must
    exist, and the year must lie in 0001-9999 both as written and in UTC.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    instant = _start_of_day(day)
    if instant is None:
        return None
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    instant += seconds * SECOND
    if fraction:
        instant += int(fraction.ljust(9, "0"))
    return instant if _FIRST <= instant <= _LAST else None


def format_instant(instant: int) -> str:
    """`2026-11-24T00:00:00Z`, with as many digits of a fraction as it needs; what `parse_instant` reads back."""
    seconds, fraction = divmod(instant, SECOND)
    text = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"
