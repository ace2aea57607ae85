"""Put msgspec's validation errors into words for whoever wrote the file. Pure."""

import re

import msgspec

KeyPath = tuple[str | int, ...]

_PERIODS = "write retention_days, in whole days (24 hours each), such as 90, or retention, such as 36h, for a schema"

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


def explain(error: msgspec.ValidationError) -> tuple[KeyPath, str]:
    """Return the place inside the converted value, and the error in words."""
    text, _, path = str(error).partition(" - at `$")
    place = tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]`]+", path))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text)
    if unknown:
        hint = f": {_PERIODS}" if unknown[1].startswith("retention") else ""
        return (*place, unknown[1]), f"this key is not known here{hint}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", text)
    if missing:
        return (*place, missing[1]), "this key is missing"
    return place, _in_words(text)


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
