"""The exact meaning of one line: the parser that decides where the faster kernel can't.

A record is one strict RFC 8259 object in UTF-8, nested at most 500 levels deep, with a schema name, maybe a
version, and a timestamp, each key at most once at the top level. orjson reads it if that proves as much;
`strict_json`, which is slower, if orjson refuses what is JSON all the same, may hide something, or would take too much
memory.
"""

import json
import re
from typing import Any

import orjson

from asynclog.records.fields import MXCP_FIELDS, FlatFields
from asynclog.records.strict_json import MAX_DEPTH, Line, LineError, members
from asynclog.timestamps import parse_instant

BLANKS = b" \t\r\n"
LONG = 1 << 20  # bytes; a line beyond that is not made into objects

ParsedRecord = tuple[str, int, int]  # schema name, schema version, instant in ns

_SHORT = 2 * MAX_DEPTH  # bytes; no line of that length is nested deeper than MAX_DEPTH
_LONGEST_TIMESTAMP = 256  # bytes, with every character escaped
LONGEST_ESCAPE = 6  # bytes of an escaped character, such as \u0061

is_plain = re.compile(r"[ !#-.0-\[\]-~]*").fullmatch  # ASCII that no JSON text has to escape, nor may escape by \/
ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
ESCAPED = re.compile(rb"\\")


class LineParser:
    """Parses lines of which these `fields` say what they are of, and from when."""

    def __init__(self, fields: FlatFields = MXCP_FIELDS) -> None:
        self.fields = fields
        keys = fields.as_tuple()
        self._name, self._version, self._timestamp = keys
        self._written_timestamp = b'"%b"' % fields.timestamp.encode()
        self._schema_start = b'"' + _common_start(fields.name, fields.version).encode()  # both are counted at once
        # Escapes that could stand in one of the keys, so that it is not found as it is written here.
        self._escaped = ESCAPED_ASCII if all(map(is_plain, keys)) else ESCAPED
        self._longest_key = LONGEST_ESCAPE * max(len(key.encode()) for key in keys) + len('""')

    def parse(self, line: Line) -> ParsedRecord | None:
        """Return what the record on this line says of itself; None if the line is no record, or blank."""
        record = None if isinstance(line, memoryview) else self.proven_object(line)
        if record is None:
            return self._parse_slowly(line)
        return _meaning(record.get(self._name), record.get(self._version, 1), record.get(self._timestamp))

    def proven_object(self, line: bytes) -> dict[str, Any] | None:
        """Return the object on this line if orjson is enough to tell what our fields are in it; else None."""
        record = object_on(line, self._escaped)
        if record is None or type(record.get(self._version)) is float:  # as a huge integer becomes one
            return None
        # orjson keeps the last one of two equal keys. Most lines have each of ours once, and need no proof of that.
        stamps, schemas = line.count(self._written_timestamp), line.count(self._schema_start)
        if stamps <= 1 and schemas <= 1 + (self._version in record):
            return record
        return record if self._has_lost_no_key(record, stamps, schemas) else None

    def _has_lost_no_key(self, record: dict[str, Any], stamps: int, schemas: int) -> bool:
        """Return whether writing the record again gives our keys as often as its line has them.

        None of them is escaped there, so that one which was lost is missing.
        """
        try:
            again = orjson.dumps(record)
        except TypeError:  # orjson writes 254 levels, and reads 1,024
            return False
        return again.count(self._written_timestamp) == stamps and again.count(self._schema_start) == schemas

    def _parse_slowly(self, line: Line) -> ParsedRecord | None:
        try:
            found = self.written_fields(line)
            if len(found.get(self._timestamp, b"")) > _LONGEST_TIMESTAMP:
                return None
            name, version, timestamp = (json.loads(found.get(key, b"null")) for key in self.fields.as_tuple())
        except ValueError:  # also an integer of more than 4,300 digits, whose cost would grow with their square
            return None
        return _meaning(name, version, timestamp)

    def written_fields(self, line: Line) -> dict[str, bytes]:
        """Return those of our fields that the object on this line has, as they are written. Raise LineError."""
        found: dict[str, bytes] = {}
        keys = self.fields.as_tuple()
        for written, value in members(line):
            key = json.loads(bytes(written)) if len(written) <= self._longest_key else None
            if key in keys:
                if key in found:
                    raise LineError(f"{key} stands twice")
                found[key] = bytes(value)
        return found


def object_on(line: bytes, escaped: re.Pattern[bytes]) -> dict[str, Any] | None:
    """Return the object on this line as orjson reads it, if it can, and none of these escapes may hide a key."""
    if len(line) > _SHORT and _may_nest_too_deep(line):
        return None
    if b"\\" in line and escaped.search(line):
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if type(record) is dict else None


def _common_start(one: str, other: str) -> str:
    different = (at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1)
    return one[: next(different, min(len(one), len(other)))]


def _may_nest_too_deep(line: bytes) -> bool:
    """Return whether a line of more than _SHORT bytes may be too deep, or is too long to be made into objects."""
    return len(line) > LONG or line.count(b"{") + line.count(b"[") > MAX_DEPTH


def has_half_pair(text: str) -> bool:
    """Return whether a text has half of a surrogate pair, which is no character."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _meaning(name: object, version: object, timestamp: object) -> ParsedRecord | None:
    if version is None:
        version = 1
    if type(name) is not str or type(version) is not int or type(timestamp) is not str or not name:
        return None
    if not name.isascii() and has_half_pair(name):
        return None
    instant = parse_instant(timestamp)
    return None if instant is None else (name, version, instant)
