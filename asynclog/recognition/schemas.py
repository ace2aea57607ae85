"""Which paths look like the name of a schema: few short texts that all lines have. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from asynclog.recognition.json_paths import last_key, rank
from asynclog.recognition.times import form_of

_MANY = 20  # lines, from which on values tell more than names do
_MOST_VALUES = 50
_LONGEST = 64  # characters

# By the last key of a path: what tells records apart, what does so if there is nothing better, and what does not.
_USUAL: tuple[str, ...] = ("schemaname", "schema", "eventtype", "event", "eventname", "type", "atype", "kind")
_USUAL += ("category", "action", "operation", "dataset", "logtype", "logname", "channel", "module", "logger")
_WEAKER = ("loggername", "app", "service", "component", "class", "source", "stream", "level", "levelname", "severity")
_is_other = re.compile(
    r"id$|hash|digest|token|session|user|actor|author|email|host|node|server|client|addr|ip$|port|msg|message|text|^log$"
    r"|output|description|title|reason|error|path|ur[il]|query|version|^v$|env|region|zone|agent|key|name$|value|status"
).search
_is_no_name = re.compile(r"[-+.:0-9]*|[0-9a-fA-F-]{8,}|.*[\s\x00-\x1f].*", re.DOTALL).fullmatch  # number, id, sentence


class SchemaCandidate(msgspec.Struct, frozen=True):
    """A path to what looks like the name of a schema, with so many values."""

    path: str
    values: int
    is_usual: bool


def schema_candidates(values: Mapping[str, Sequence[object]], lines: int) -> list[SchemaCandidate]:
    """Return what looks like the schema among the values of so many lines, the best first.

    What is the same in all lines does not tell them apart, and comes after what does.
    """
    return sorted(
        _candidates(values, lines),
        key=lambda each: (
            not each.is_usual,
            each.values == 1,
            last_key(each.path) in _WEAKER,
            *rank(each.path, (*_USUAL, *_WEAKER)),
        ),
    )


def with_many_values(values: Mapping[str, Sequence[object]], lines: int) -> list[SchemaCandidate]:
    """Return what all lines have and is called like a schema, but has too many values to look like it, best first."""
    found = [
        SchemaCandidate(path, names, is_usual=True)
        for path, names in _names(values, lines)
        if last_key(path) in _USUAL and not _are_few(names, lines)
    ]
    return sorted(found, key=lambda each: rank(each.path, _USUAL))


def _candidates(values: Mapping[str, Sequence[object]], lines: int) -> Iterator[SchemaCandidate]:
    for path, names in _names(values, lines):
        name = last_key(path)
        is_usual = name in _USUAL or name in _WEAKER
        if _are_few(names, lines) and (is_usual or (lines >= _MANY and names > 1 and not _is_other(name))):
            yield SchemaCandidate(path, names, is_usual)


def _names(values: Mapping[str, Sequence[object]], lines: int) -> Iterator[tuple[str, int]]:
    """Yield the paths at which all lines have a text that can be a schema's name, each with how many there are."""
    for path, each in values.items():
        names = {value for value in each if isinstance(value, str)}
        is_everywhere = len(each) == lines and all(isinstance(value, str) for value in each)
        if is_everywhere and all(map(_can_be_a_schema, names)):
            yield path, len(names)


def _are_few(values: int, lines: int) -> bool:
    return values <= _MOST_VALUES and (lines < _MANY or values * 5 <= lines)


def _can_be_a_schema(value: str) -> bool:
    return len(value) <= _LONGEST and not _is_no_name(value) and not form_of(value)
