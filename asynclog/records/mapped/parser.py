"""The exact meaning of one line of another product, by its mapped fields.

As in `parser`, orjson reads it if that proves enough, else `strict_json`: where a key on a mapped path may stand twice,
is escaped, or has a number that orjson would make a float.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from asynclog.records.fields import MappedFields, keys_of
from asynclog.records.mapped.time_forms import LONGEST_NUMBER, TimeReader
from asynclog.records.parser import (
    ESCAPED,
    ESCAPED_ASCII,
    LONGEST_ESCAPE,
    ParsedRecord,
    has_half_pair,
    is_plain,
    object_on,
)
from asynclog.records.strict_json import Line, LineError, members

ABSENT = "-"  # in the name of a schema, for a part that is not there
SEPARATOR = "/"

_OBJECT, _BRACKET, _QUOTE = b"{", b"[", b'"'
_WORDS: Mapping[bytes, bool | None] = {b"true": True, b"false": False, b"null": None}
_behind_key = re.compile(rb"[ \t\r]*:[ \t\r]*(-?[0-9][0-9.eE+-]*)").match

Tree = dict[str, "Tree"]


class Number(str):
    """A number as it is written."""

    __slots__ = ()

    @property
    def is_integer(self) -> bool:
        return not set(self) & {".", "e", "E"}


class MappedParser:
    """Parses lines by these fields."""

    def __init__(self, fields: MappedFields) -> None:
        self.fields = fields
        self.times = TimeReader(fields.forms, fields.zone)
        self._tree = _tree(fields.paths())
        keys = sorted(_keys(self._tree))
        self._written_keys = [b'"%b"' % key.encode() for key in keys]
        # Escapes that could stand in one of the keys, so that it is not found as it is written here.
        self._escaped = ESCAPED_ASCII if all(map(is_plain, keys)) else ESCAPED
        self._longest_key = LONGEST_ESCAPE * max((len(key.encode()) for key in keys), default=0) + len('""')

    def __reduce__(self) -> tuple[type["MappedParser"], tuple[MappedFields]]:
        """Pickle the fields only: another process makes its own parser."""
        return MappedParser, (self.fields,)

    def parse(self, line: Line) -> ParsedRecord | None:
        """Return what the record on this line says of itself; None if the line is no record, or blank."""
        try:
            record = self.mapped_object(line)
        except LineError:
            return None
        name = self._name(record)
        version = 1 if self.fields.version is None else version_of(value_at(record, self.fields.version))
        instant = self._instant(record)
        return None if name is None or version is None or instant is None else (name, version, instant)

    def mapped_object(self, line: Line) -> dict[str, Any]:
        """Return the object on this line, with all that our fields are in it, or no more than that. Raise LineError.

        Numbers there are a Number; other values that can be no field need not be what they are.
        """
        if not isinstance(line, memoryview):
            record = self._proven_object(line)
            if record is not None:
                return record
        try:
            return _collected(line, self._tree, self._longest_key)
        except LineError:
            raise
        except ValueError as error:  # what Python can't decode
            raise LineError(str(error)) from None

    def time_of(self, record: dict[str, Any]) -> object:
        """Return the first alternative of the time that is there and not null; None if there is none."""
        values = (value_at(record, path) for path in self.fields.timestamp)
        return next((value for value in values if value is not None), None)

    def has_a_field(self, record: dict[str, Any]) -> bool:
        """Return whether an object has any of our fields."""
        return any(value_at(record, path) is not None for path in self.fields.paths())

    def _proven_object(self, line: bytes) -> dict[str, Any] | None:
        """Return the same if orjson is enough to tell; else None."""
        record = object_on(line, self._escaped)
        if record is None:
            return None
        # orjson keeps the last one of two equal keys. Written again, one that was lost is missing.
        counts = {key: line.count(key) for key in self._written_keys}
        repeated = {key: count for key, count in counts.items() if count > 1}
        if repeated and not _has_them_all(record, repeated):
            return None
        return record if self._restore_numbers(line, record, repeated) else None

    def _restore_numbers(self, line: bytes, record: dict[str, Any], repeated: Mapping[bytes, int]) -> bool:
        """Put numbers at our paths as they are written; return False if that can't be told."""
        for path in self.fields.paths():
            place, key = _place(record, path)
            value = place.get(key)
            if type(value) is int:
                place[key] = Number(value)
            elif type(value) is float:  # a decimal, or an integer beyond 64 bits
                written = b'"%b"' % key.encode()
                found = _behind_key(line, line.find(written) + len(written))
                if written in repeated or found is None:
                    return False
                place[key] = Number(found[1].decode())
        return True

    def _name(self, record: dict[str, Any]) -> str | None:
        fields = self.fields
        if not fields.schema:
            return fields.constant
        if fields.is_named:
            value = value_at(record, fields.schema[0])
            return value if type(value) is str and value and not has_half_pair(value) else None
        parts = [part_of(value_at(record, path)) for path in fields.schema]
        name = SEPARATOR.join(filter(None, parts))
        return None if None in parts or has_half_pair(name) else name

    def _instant(self, record: dict[str, Any]) -> int | None:
        if not self.fields.timestamp:
            return self.fields.file_time
        value = self.time_of(record)
        if type(value) is str:
            return self.times.of_text(value)
        return self.times.of_number(value) if isinstance(value, Number) else None


def value_at(record: dict[str, Any], path: str) -> object:
    """Return the value at a path; None if it is absent or null."""
    place, key = _place(record, path)
    return place.get(key)


def part_of(value: object) -> str | None:
    """Return a part of a schema's name; None for a value that can't be one."""
    if value is None:
        return ABSENT
    if type(value) is bool:
        return str(value).lower()
    if isinstance(value, Number):
        return ("0" if value == "-0" else str(value)) if value.is_integer else None
    return value if type(value) is str and value else None


def version_of(value: object) -> int | None:
    """Return a schema version; None for a value that can't be one."""
    if value is None:
        return 1
    is_one = isinstance(value, Number) and value.is_integer and len(value.removeprefix("-")) <= LONGEST_NUMBER
    return int(value) if is_one and isinstance(value, Number) else None


def _place(record: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """Return the object that has, or could have, the value at a path, and its key there."""
    if path in record:
        return record, path
    *outer, last = keys_of(path)
    place = record
    for key in outer:
        inner = place.get(key)
        if type(inner) is not dict:
            return {}, last
        place = inner
    return place, last


def _tree(paths: tuple[str, ...]) -> Tree:
    """Return the keys that lie on these paths, each with those below it."""
    tree: Tree = {}
    for path in paths:
        tree.setdefault(path, {})
        place = tree
        for key in keys_of(path):
            place = place.setdefault(key, {})
    return tree


def _keys(tree: Tree) -> set[str]:
    return set(tree).union(*map(_keys, tree.values()))


def _has_them_all(record: dict[str, Any], counts: Mapping[bytes, int]) -> bool:
    """Return whether writing the record again gives these keys as often."""
    try:
        again = orjson.dumps(record)
    except TypeError:  # orjson writes 254 levels, and reads 1,024
        return False
    return all(again.count(key) == count for key, count in counts.items())


def _collected(line: Line, tree: Tree, longest_key: int) -> dict[str, Any]:
    """Return the values at the keys of the tree in the object on this line. Raise LineError, ValueError."""
    found: dict[str, Any] = {}
    for written, value in members(line):
        key = json.loads(bytes(written)) if len(written) <= longest_key else None
        if key not in tree:
            continue
        if key in found:
            raise LineError(f"{key} stands twice")
        is_object = bytes(value[:1]) == _OBJECT
        found[key] = _collected(value, tree[key], longest_key) if is_object and tree[key] else _scalar(value)
    return found


def _scalar(written: Line) -> object:
    """Return the value; an empty container for any container."""
    first = bytes(written[:1])
    if first == _QUOTE:
        return json.loads(bytes(written))
    if first in {_OBJECT, _BRACKET}:
        return {} if first == _OBJECT else []
    text = bytes(written)
    return _WORDS[text] if text in _WORDS else Number(text.decode())
