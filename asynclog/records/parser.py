"""What one line means, exactly: the reader that decides where a faster one can't.

A record is one strict RFC 8259 object in UTF-8, nested at most 500 levels deep, with a schema name, maybe a
version, and a timestamp, each key at most once at the top level. orjson reads it where that proves as much; `grammar`,
which is slower, where orjson refuses what is JSON all the same, may hide something, or would take too much memory.
"""

import json
import re
from typing import Any

import orjson

from asynclog.records.strict_json import MAX_DEPTH, Line, LineError, members
from asynclog.timestamps import parse_instant

FIELDS = ("schema_name", "schema_version", "timestamp")
BLANKS = b" \t\r\n"
LONG = 1 << 20  # bytes; a line beyond that is not made into objects

ParsedRecord = tuple[str, int, int]  # schema name, schema version, instant in ns

_ESCAPED_LETTER = re.compile(rb"\\u00[2-7]")
_SHORT = 2 * MAX_DEPTH  # bytes; no line of that length is nested deeper than DEEPEST
_LONGEST_TIMESTAMP = 256  # bytes, with every character escaped
_LONGEST_KEY = 6 * max(map(len, FIELDS)) + 2  # bytes, with every letter escaped


def parse_line(line: Line) -> ParsedRecord | None:
    """What the record on this line says of itself; None where the line is no record, or blank."""
    record = None if isinstance(line, memoryview) else proven_object(line)
    if record is None:
        return _read_slowly(line)
    return _meaning(record.get("schema_name"), record.get("schema_version", 1), record.get("timestamp"))


def proven_object(line: bytes) -> dict[str, Any] | None:
    """The object on this line, if orjson is enough to tell what our fields are in it; else None."""
    if len(line) > _SHORT and _may_nest_too_deep(line):
        return None
    if b"\\" in line and _ESCAPED_LETTER.search(line):  # which could stand in one of our keys
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if type(record) is not dict or type(record.get("schema_version")) is float:  # as a huge integer becomes one
        return None
    return None if _may_have_lost_a_key(record, line) else record


def _may_nest_too_deep(line: bytes) -> bool:
    """Or is too long to be made into objects."""
    return len(line) > LONG or line.count(b"{") + line.count(b"[") > MAX_DEPTH


def _may_have_lost_a_key(record: dict[str, Any], line: bytes) -> bool:
    """Whether one of our keys stands twice: orjson keeps the last one only.

    No letter is escaped here, so that writing the record again gives each name as often as the line had it, unless
    one was lost. Most lines have each name once, and need no such proof.
    """
    stamps, schemas = line.count(b'"timestamp"'), line.count(b'"schema_')
    if stamps <= 1 and schemas <= 1 + ("schema_version" in record):
        return False
    try:
        again = orjson.dumps(record)
    except TypeError:  # orjson writes 254 levels, and reads 1,024
        return True
    return again.count(b'"timestamp"') != stamps or again.count(b'"schema_') != schemas


def _read_slowly(line: Line) -> ParsedRecord | None:
    try:
        found = written_fields(line)
        if len(found.get("timestamp", b"")) > _LONGEST_TIMESTAMP:
            return None
        name, version, timestamp = (json.loads(found.get(field, b"null")) for field in FIELDS)
    except ValueError:  # also an integer of more than 4,300 digits, whose cost would grow with their square
        return None
    return _meaning(name, 1 if "schema_version" not in found else version, timestamp)


def written_fields(line: Line) -> dict[str, bytes]:
    """Those of our fields that the object on this line has, as they are written. Raises LineError."""
    found: dict[str, bytes] = {}
    for key, value in members(line):
        name = json.loads(bytes(key)) if len(key) <= _LONGEST_KEY else None
        if name in FIELDS:
            if name in found:
                raise LineError(f"{name} stands twice")
            found[name] = bytes(value)
    return found


def _meaning(name: object, version: object, timestamp: object) -> ParsedRecord | None:
    if version is None:
        version = 1
    if type(name) is not str or type(version) is not int or type(timestamp) is not str or not name:
        return None
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        return None
    instant = parse_instant(timestamp)
    return None if instant is None else (name, version, instant)
