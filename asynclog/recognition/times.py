"""Which paths look like the time of a record, and which one is sure to be it. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from asynclog.recognition.json_paths import depth, last_key, rank
from asynclog.records.mapped.time_forms import LONGEST, TimeReader
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

# Those of Apache and nginx, of mail, of Ruby, and of git and Twitter, all with an offset.
_PATTERNS = ("%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y")
_readers = {pattern: TimeReader((pattern,), None) for pattern in _PATTERNS}
_has_clock = re.compile(r"[0-9]{1,2}:[0-9]{2}").search
_digit = re.compile("[0-9]")
_DATE_AND_CLOCK = 8  # digits, as in 1/5/26 09:05; fewer are those of a duration
_is_syslogs = re.compile(r"[A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch


class TimeCandidate(msgspec.Struct, frozen=True):
    """A path to what looks like a time, in this form, in so many lines."""

    path: str
    form: str
    lines: int
    is_usual: bool
    is_rising: bool
    is_jumping: bool


class TimeText(msgspec.Struct, frozen=True):
    """A path that is called like the time, with a text that may be one, in no form known here."""

    path: str
    example: str
    has_year: bool


def time_candidates(values: Mapping[str, Sequence[object]], lines: int) -> list[TimeCandidate]:
    """Return what looks like the time among the values of so many lines, the best first."""
    return sorted(_candidates(values, lines), key=lambda time: (-time.lines, *rank(time.path, _USUAL)))


def time_texts(values: Mapping[str, Sequence[object]], lines: int) -> list[TimeText]:
    """Return what is called like the time in so many lines, and is text in another form, the best first."""
    found = []
    for path, each in values.items():
        texts = [value for value in each if isinstance(value, str) and not form_of(value) and _may_be_a_time(value)]
        if texts and last_key(path) in _USUAL and len(each) * 100 >= _SOME * lines:
            found.append(TimeText(path, texts[0], has_year=not _is_syslogs(texts[0])))
    return sorted(found, key=lambda text: rank(text.path, _USUAL))


def sure_time(times: Sequence[TimeCandidate], lines: int) -> TimeCandidate | None:
    """Return the time that is sure: the only one at the top that all lines have under a usual name; None without one.

    One that jumps is not, if another one goes on: it may be of what the record is about. If there is none such, it is
    the only one at all, if it goes on from line to line, and is not called like another.
    Of a usual name that is nested, as few lines as can't show whether it goes on are enough.
    """
    everywhere = [time for time in times if time.lines * 100 >= _ALL * lines]
    at_the_top = [time for time in everywhere if time.is_usual and depth(time.path) == 1]
    candidates = at_the_top or everywhere
    if len(candidates) != 1:
        return None
    (time,) = candidates
    others = (each for each in everywhere if each != time and not _is_other(last_key(each.path)))
    if time.is_jumping and any(each.is_rising for each in others):
        return None
    if at_the_top or (time.is_usual and lines < _MANY):
        return time
    return time if time.is_rising and not _is_other(last_key(time.path)) else None


def form_of(value: object) -> str:
    """Return the form of a value that can be a time; empty if it can't."""
    if isinstance(value, str):
        if _rfc3339.of_text(value) is not None:
            return "rfc3339"
        if _rfc3339.lacks_offset(value):
            return LOCAL
        return next((form for form, reader in _readers.items() if reader.of_text(value) is not None), "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return next((form for form, unit in _UNITS.items() if _FROM * unit <= value < _TO * unit), "")


def _may_be_a_time(text: str) -> bool:
    is_one = len(_digit.findall(text)) >= _DATE_AND_CLOCK and _has_clock(text)
    return len(text) <= LONGEST and bool(is_one or _is_syslogs(text))


def _candidates(values: Mapping[str, Sequence[object]], lines: int) -> Iterator[TimeCandidate]:
    for path, each in values.items():
        if len(each) * 100 < _SOME * lines:
            continue
        name, forms = last_key(path), Counter(filter(None, map(form_of, each)))
        form, number = max(forms.items(), key=lambda item: item[1], default=("", 0))
        if form in _PATTERNS and number < len(each):  # some are in another form, and would be kept for ever
            continue
        # Many an id is as large as a time.
        if number * 100 >= _SOME * lines and (form not in _UNITS or _is_time(name)):
            yield TimeCandidate(path, form, number, name in _USUAL, *_course(each, form))


def _course(values: Sequence[object], form: str) -> tuple[bool, bool]:
    """Return whether such a time goes on from line to line, nearly always, as that of a record does, or jumps.

    Few can't show it, and one that stands still does neither.
    """
    times = [time for value in values if (time := _instant(value, form)) is not None]
    rising = sum(first <= second for first, second in pairwise(times))
    if len(times) < _MANY:
        return False, False
    is_in_order = rising * 100 >= 90 * (len(times) - 1)
    return is_in_order and len(set(times)) * 10 >= len(times), not is_in_order


def _instant(value: object, form: str) -> float | None:
    if isinstance(value, str):
        return _readers.get(form, _rfc3339).of_text(f"{value}Z" if form == LOCAL else value)
    return value * SECOND / _UNITS[form] if isinstance(value, int | float) and form in _UNITS else None
