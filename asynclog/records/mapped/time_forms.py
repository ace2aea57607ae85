"""The forms that a time may have in mapped fields: RFC 3339, numbers since 1970, patterns; and local times of a zone.

A number is read by a unix form, a text by the others. All of it is exact: no number goes through a float.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from asynclog.records.fields import FORMS
from asynclog.records.mapped.time_pattern import Read, pattern_reader
from asynclog.timestamps import FIRST, LAST, SECOND, parse_instant

LONGEST = 100  # characters of a time in text
LONGEST_NUMBER = 4300  # characters of a number, as it is written

_DIGITS = {"unix_s": 9, "unix_ms": 6, "unix_us": 3, "unix_ns": 0}  # that nanoseconds have beyond the unit
_EPOCH = datetime(1970, 1, 1)
_LONGEST_EXPONENT = 6  # digits; a number with more is out of every range
_COMMA_AT = len("2026-11-24T00:00:00")
_number = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)0*([0-9]+))?").fullmatch


class TimeReader:
    """Reads times in these forms, tried in their order; local ones are of this zone, None if they are not read."""

    def __init__(self, forms: tuple[str, ...], zone: str | None) -> None:
        self.forms = forms
        self.zone = None if zone is None else load_zone(zone)
        self._units = [_DIGITS[form] for form in forms if form in _DIGITS]
        self._texts = [_text_reader(form) for form in forms if form not in _DIGITS]

    @property
    def reads_numbers(self) -> bool:
        return bool(self._units)

    @property
    def reads_texts(self) -> bool:
        return bool(self._texts)

    def of_text(self, text: str) -> int | None:
        """Return the instant (ns since 1970) that a text means; None if no form reads it."""
        if len(text) > LONGEST:
            return None
        return next(self._instants(text), None)

    def of_number(self, written: str) -> int | None:
        """Return the instant that a JSON number means, rounded down; None if no form reads it."""
        if len(written) > LONGEST_NUMBER:
            return None
        instants = (unix_instant(written, digits) for digits in self._units)
        return next((each for each in instants if each is not None), None)

    def lacks_offset(self, text: str) -> bool:
        """Return whether nothing but an offset is missing."""
        if self.zone is not None or len(text) > LONGEST or self.of_text(text) is not None:
            return False
        return any(found.offset is None for read in self._texts if (found := read(text)))

    def _instants(self, text: str) -> Iterator[int]:
        for read in self._texts:
            found = read(text)
            if found is None:
                continue
            instant = self._utc(found)
            if instant is not None and FIRST <= instant <= LAST:
                yield instant

    def _utc(self, found: Read) -> int | None:
        if found.offset is not None:
            return found.local - found.offset
        return None if self.zone is None else from_local(found.local, self.zone)


def load_zone(name: str) -> tzinfo:
    """Return the time zone of this IANA name. Raise ValueError, or KeyError, if there is none."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few logs have local times

    return ZoneInfo(name)


def from_local(local: int, zone: tzinfo) -> int:
    """Return the instant of a local time (ns from 1970-01-01T00:00:00 there).

    Of a time that the clock showed twice, or skipped, it is the later of the two that can be meant: kept longer.
    """
    moment = (_EPOCH + timedelta(seconds=local // SECOND)).replace(tzinfo=zone)
    offsets = [moment.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1)]
    return local - min(offsets) // timedelta(seconds=1) * SECOND


def unix_instant(written: str, digits: int) -> int | None:
    """Return the nanoseconds, rounded down, of a number whose unit has so many decimal digits of them."""
    found = _number(written)
    if found is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = found.groups(default="")
    shift = int(exponent[: _LONGEST_EXPONENT + 1] or 0) * (-1 if exponent_sign == "-" else 1)
    significant = (whole + fraction).lstrip("0")
    point = len(significant) - len(fraction) + shift + digits  # so many of its digits are whole nanoseconds
    if not significant:
        return 0
    if point > len(str(LAST)):
        return None
    instant = int(significant[:point].ljust(point, "0")) if point > 0 else 0
    if sign:
        has_rest = point <= 0 or significant[point:].strip("0")
        instant = -instant - bool(has_rest)
    return instant if FIRST <= instant <= LAST else None


def _text_reader(form: str) -> Callable[[str], Read | None]:
    return _rfc3339 if form in FORMS else pattern_reader(form)


def _rfc3339(text: str) -> Read | None:
    """Read what `timestamps` does, also with a comma before the fraction, and without an offset."""
    if text[_COMMA_AT : _COMMA_AT + 1] == ",":
        text = f"{text[:_COMMA_AT]}.{text[_COMMA_AT + 1 :]}"
    instant = parse_instant(text)
    if instant is not None:
        return Read(instant, 0)
    local = parse_instant(text + "Z")
    return None if local is None else Read(local, None)
