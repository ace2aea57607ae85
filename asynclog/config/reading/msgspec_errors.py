"""Put msgspec's validation errors into words for whoever wrote the file. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

KeyPath = tuple[str | int, ...]

_PERIODS = "write retention_days, in whole days (24 hours each), such as 90, or retention, such as 36h, for a schema"

_PERIOD_KEYS = {"days", "keep", "keep_days", "period", "ttl", "max_age"}

# Other names that people have for our keys.
_OTHERS = {
    "schema_name": "name schema",
    "version": "schema_version",
    "path": "log file logs location",
    "schemas": "policy rules schema_file",
    "guard": "guards limits",
}

# The types that msgspec names, in words for whoever wrote the file.
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping (key: value)",
}


def explain(error: msgspec.ValidationError, kind: type) -> tuple[KeyPath, str]:
    """Return the place inside the value that was to be of this kind, and the error in words."""
    text, _, path = str(error).partition(" - at `$")
    place = tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]`]+", path))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text)
    if unknown:
        meant = _elsewhere(unknown[1], place, kind) or _meant(unknown[1], keys_at(place, kind))
        return (*place, unknown[1]), f"this key is not known here{meant}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", text)
    if missing:
        return (*place, missing[1]), "this key is missing"
    return place, _in_words(text)


def _elsewhere(key: str, place: KeyPath, kind: type) -> str:
    """Return where a key belongs that is known further out or further in; empty if it is not."""
    for level, outer in enumerate(place):
        if key in keys_at(place[:level], kind):
            return f": it belongs beside `{outer}:`, not below it"
    for inner in keys_at(place, kind):
        if key in keys_at((*place, inner), kind):
            return f": it belongs below `{inner}:`"
    return ""


def _meant(key: str, known: Sequence[str]) -> str:
    """Return what was meant by a key that is not one of those that are known here; empty if that can't be said."""
    from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - only for an error

    if key.startswith("retention") or (key in _PERIOD_KEYS and "retention_days" in known):
        return f": {_PERIODS}"
    other = next((name for name, words in _OTHERS.items() if name in known and key in words.split()), key)
    return did_you_mean(other, known)


def keys_at(place: KeyPath, kind: type) -> list[str]:
    """Return the keys that the mapping at this place of such a value may have; none if that is not known."""
    from msgspec.inspect import Field, Type, type_info  # noqa: PLC0415 - only for an error

    found: list[Type] = [type_info(kind)]
    for part in place:
        inner: list[Type] = []
        for each in _alternatives(found):
            fields: tuple[Field, ...] = getattr(each, "fields", ())
            inner += [field.type for field in fields if field.encode_name == part]
            inner += [getattr(each, name) for name in ("item_type", "value_type") if hasattr(each, name)]
        found = inner
    return [field.encode_name for each in _alternatives(found) for field in getattr(each, "fields", ())]


def _alternatives(types: Iterable[Any]) -> Iterator[Any]:
    for each in types:
        yield from getattr(each, "types", (each,))


def _in_words(text: str) -> str:
    """Say what must be there, without the names of types; what is there stands at the line that is told."""
    expected = re.fullmatch(r"Expected `([^`]+)`(?:, got `([^`]+)`| (of length >=|>=|<=) ([-0-9.]+))", text)
    if expected is None:
        return "this value is not one of those that are known here"
    kinds, found, constraint, limit = expected.groups()
    if constraint == "of length >=":
        return "this must not be empty"
    must = " or ".join(_KINDS[kind] for kind in kinds.split(" | "))
    if found:
        return f"this must be {must}, and is {_KINDS[found]}"
    return f"this must be {must}, {float(limit):g} or {'more' if constraint == '>=' else 'less'}"
