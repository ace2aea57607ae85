"""Instants: nanoseconds since 1970-01-01T00:00:00Z as one integer, and their text.

The grammar is the one for timestamps in records; `--now` uses it too. Nothing here reads a clock.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

# An instant before this comes from a clock that was never set.
FIRST_PLAUSIBLE = 946_684_800 * SECOND  # 2000-01-01T00:00:00Z
# An instant further than this in the future comes from a clock that is wrong.
FUTURE_TOLERANCE = DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * SECOND
LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * SECOND + SECOND - 1

_USUAL = b"0000-00-00T00:00:00.000000Z"
_ALL_ZEROS = bytes.maketrans(b"123456789", b"000000000")

# The group is what of the fraction goes beyond microseconds.
_matches = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}([0-9]{0,3}))?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
).fullmatch


def parse_instant(text: str) -> int | None:
    """Return nanoseconds since 1970 for `YYYY-MM-DD` + `T`, `t` or a space + `HH:MM:SS[.f]` and an offset; else None.

    The fraction has 1 to 9 digits; the offset is `Z`, `z`, `±HH:MM` or `±HHMM` up to 23:59. The date must exist, and
    the year must lie in 0001-9999 both as written and in UTC.
    """
    finer = None
    if not _is_usual(text):
        match = _matches(text)
        if match is None:
            return None
        finer = match[1]
    try:
        since = datetime.fromisoformat(text if text[-1] != "z" else text[:-1] + "Z") - _EPOCH
    except ValueError:  # a date that no calendar has, or something other than digits in the usual form
        return None
    instant = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000
    if finer:
        instant += int(finer.ljust(3, "0"))
    return instant if FIRST <= instant <= LAST else None


def _is_usual(text: str) -> bool:
    """Return whether this can only be YYYY-MM-DDTHH:MM:SS.ffffffZ, of which the standard library takes only digits.

    Half of the time that an instant costs lies in its grammar. (Some versions would take the hour 24.)
    """
    return text.isascii() and text.encode().translate(_ALL_ZEROS) == _USUAL and text[11:13] != "24"


def format_instant(instant: int) -> str:
    """Return `2026-11-24T00:00:00Z`, with as many digits of a fraction as it needs; what `parse_instant` reads back."""
    seconds, fraction = divmod(instant, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


def format_second(instant: int) -> str:
    """Return the second in which an instant lies, for sentences."""
    return format_instant(instant - instant % SECOND)


def earliest_text(instants: Iterable[str | None]) -> str | None:
    """Return the earliest of these instants, None without any. They don't sort as text: some have a fraction."""
    return min(filter(None, instants), key=lambda text: parse_instant(text) or 0, default=None)


def latest_text(instants: Iterable[str | None]) -> str | None:
    """Return the latest of these instants, None without any."""
    return max(filter(None, instants), key=lambda text: parse_instant(text) or 0, default=None)
