"""The paths of values in JSON objects, and what their names tell. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from asynclog.config.values.mapped_fields import DEEPEST, LONGEST
from asynclog.records.fields import keys_of
from asynclog.records.parser import has_half_pair

_DEPTH = 4  # keys of nested objects: as many as the kernel reads
_MONGODBS = ".$date"  # behind the path of a time, its form
_signs = re.compile(r"[^a-z]")


def values_by_path(contents: Iterable[dict[str, Any]]) -> dict[str, list[object]]:
    """Return the values at each path of these objects, in their order, without null and containers."""
    values: dict[str, list[object]] = {}
    for content in contents:
        for path, value in dict(_leaves(content)).items():
            values.setdefault(path, []).append(value)
    return values


def last_key(path: str) -> str:
    """Return the key that the path leads to, in small letters and without signs."""
    return _signs.sub("", keys_of(path.removesuffix(_MONGODBS))[-1].lower())


def depth(path: str) -> int:
    """Return how many keys the path has."""
    return len(keys_of(path.removesuffix(_MONGODBS)))


def rank(path: str, usual: Sequence[str]) -> tuple[int, int]:
    """Sort by the depth, then by the names that are usual, in their order."""
    name = last_key(path)
    return depth(path), usual.index(name) if name in usual else len(usual)


def _leaves(content: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield paths and values. A key that has dots itself comes after the nested ones, because it counts."""
    for key, value in sorted(content.items(), key=lambda item: "." in item[0]):
        yield from _below((key,), value)


def _below(keys: tuple[str, ...], value: object) -> Iterator[tuple[str, object]]:
    path = ".".join(keys)
    if not all(keys_of(path)) or len(path) > LONGEST or len(keys_of(path)) > DEEPEST or has_half_pair(path):
        return
    if isinstance(value, dict):
        for key, inner in value.items() if len(keys) < _DEPTH and "." not in keys[0] else ():
            if "." not in key:  # of a nested key with dots there is no path
                yield from _below((*keys, key), inner)
    elif value is not None and not isinstance(value, list):
        yield path, value
