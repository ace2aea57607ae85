"""Which paths look like the time of a record, and which one is sure to be it. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from asynclog.recognition.paths import depth, last_key, rank
from asynclog.records.mapped.time_forms import TimeReader
from asynclog.timestamps import SECOND

LOCAL = "rfc3339, without an offset"

_SOME, _ALL = 50, 99  # percent of the lines that have a time to be named, and to be sure of
_MANY = 20  # times that show whether they rise
_UNITS = {"unix_s": 1, "unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}  # in a second
_FROM, _TO = 946_684_800, 4_102_444_800  # the years 2000 to 2099, in seconds

# By the last key of a path: what is the time of a record, what may be a time, and what is another one.
_USUAL = ("timestamp", "time", "ts", "eventtime", "datetime", "logtime", "asctime", "date", "t", "when")
_is_time = re.compile(r"time|date|stamp|epoch|^(?:ts|t|at|when)$|ts$|at$").search
_is_other = re.compile(r"exp|until|due|birth|valid|before|start|end|next|last|update|modif|issue|build|boot").search
_rfc3339 = TimeReader(("rfc3339",), None)


class TimeCandidate(msgspec.Struct, frozen=True):
    """A path to what looks like a time, in this form, in so many lines."""

    path: str
    form: str
    lines: int
    is_usual: bool
    is_rising: bool


def time_candidates(values: Mapping[str, Sequence[object]], lines: int) -> list[TimeCandidate]:
    """Return what looks like the time among the values of so many lines, the best first."""
    return sorted(_candidates(values, lines), key=lambda time: (-time.lines, *rank(time.path, _USUAL)))


def sure_time(times: Sequence[TimeCandidate], lines: int) -> TimeCandidate | None:
    """Return the time that is sure: the only one at the top that all lines have under a usual name; None without one.

    If there is none such, it is the only one at all, if it goes on from line to line, and is not called like another.
    Of a usual name that is nested, as few lines as can't show whether it goes on are enough.
    """
    everywhere = [time for time in times if time.lines * 100 >= _ALL * lines]
    at_the_top = [time for time in everywhere if time.is_usual and depth(time.path) == 1]
    candidates = at_the_top or everywhere
    if len(candidates) != 1:
        return None
    (time,) = candidates
    if at_the_top or (time.is_usual and lines < _MANY):
        return time
    return time if time.is_rising and not _is_other(last_key(time.path)) else None


def form_of(value: object) -> str:
    """Return the form of a value that can be a time; empty if it can't."""
    if isinstance(value, str):
        if _rfc3339.of_text(value) is not None:
            return "rfc3339"
        return LOCAL if _rfc3339.lacks_offset(value) else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return next((form for form, unit in _UNITS.items() if _FROM * unit <= value < _TO * unit), "")


def _candidates(values: Mapping[str, Sequence[object]], lines: int) -> Iterator[TimeCandidate]:
    for path, each in values.items():
        if len(each) * 100 < _SOME * lines:
            continue
        name, forms = last_key(path), Counter(filter(None, map(form_of, each)))
        form, number = max(forms.items(), key=lambda item: item[1], default=("", 0))
        # Many an id is as large as a time.
        if number * 100 >= _SOME * lines and (form in {"rfc3339", LOCAL} or _is_time(name)):
            yield TimeCandidate(path, form, number, name in _USUAL, _is_rising(each, form))


def _is_rising(values: Sequence[object], form: str) -> bool:
    """Return whether such a time goes on from line to line, nearly always: as that of a record does."""
    times = [time for value in values if (time := _instant(value, form)) is not None]
    rising = sum(first <= second for first, second in pairwise(times))
    return len(times) >= _MANY and rising * 100 >= 90 * (len(times) - 1) and len(set(times)) * 10 >= len(times)


def _instant(value: object, form: str) -> float | None:
    if isinstance(value, str):
        return _rfc3339.of_text(f"{value}Z" if form == LOCAL else value)
    return value * SECOND / _UNITS[form] if isinstance(value, int | float) and form in _UNITS else None
