"""Periods of retention as people write them: `36h`, `90d`, `6w`. Pure."""

import re

from asynclog.timestamps import DAY, HOUR

_PERIOD = re.compile(r"([0-9]{1,9})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def parse_period(text: str) -> int | None:
    """Return a period of an hour or more in ns; None if the text is none."""
    match = _PERIOD.fullmatch(text)
    return int(match[1]) * _HOURS[match[2]] * HOUR or None if match else None


def days_in_ns(days: int | None) -> int | None:
    """Return a period of whole days in ns; None, which is for ever, for none."""
    return None if days is None else days * DAY
