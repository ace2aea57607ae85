"""What one line means, exactly: the reader that decides where a faster one can't.

A record is one strict RFC 8259 object in UTF-8, nested at most 500 levels deep, with a schema name, maybe a
version, and a timestamp, each key at most once at the top level. orjson reads it where that proves as much;
the standard library, slower and with hooks, where orjson refuses what the grammar allows (1e400, lone
surrogates) or may hide something (a repeated key, an integer beyond 64 bits).
"""

import json
import re
from typing import Any

import orjson

from asynclog.instant import parse_instant

FIELDS = ("schema_name", "schema_version", "timestamp")
DEEPEST = 500
BLANKS = b" \t\r\n"

Reading = tuple[str, int, int]  # schema name, schema version, instant in ns

_ESCAPED_LETTER = re.compile(rb"\\u00[2-7]")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_line(line: bytes) -> Reading | None:
    """What the record on this line says of itself; None where the line is no record, or blank."""
    if _looks_odd(line):
        return _read_slowly(line)
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _read_slowly(line)
    if type(record) is not dict:
        return None
    version = record.get("schema_version", 1)
    if type(version) is float or _may_have_lost_a_key(record, line):  # a huge integer becomes a float
        return _read_slowly(line)
    return _meaning(record.get("schema_name"), version, record.get("timestamp"))


def _looks_odd(line: bytes) -> bool:
    """Whether an escape could stand for a letter of a key, or the nesting could be too deep."""
    return (b"\\" in line and _ESCAPED_LETTER.search(line) is not None) or (
        len(line) > 2 * DEEPEST and line.count(b"{") + line.count(b"[") > DEEPEST
    )


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


class _Number(str):
    """A number as it is written: it may be too large for any type, and its value is not needed."""

    __slots__ = ()


class _Integer(_Number):
    __slots__ = ()


class _Members(list[tuple[str, Any]]):
    """The members of an object, repeated keys and all."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_Members, parse_int=_Integer, parse_float=_Number, parse_constant=_refuse)


def _read_slowly(line: bytes) -> Reading | None:
    if _nesting(line) > DEEPEST:
        return None
    try:
        members = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, _Members):
        return None
    found: dict[str, Any] = {}
    for key, value in members:
        if key in {"schema_name", "schema_version", "timestamp"}:
            if key in found:
                return None
            found[key] = value
    version = found.get("schema_version", 1)
    if isinstance(version, _Integer):
        try:
            version = int(version)
        except ValueError:  # Python's limit, 4,300 digits: a number whose cost grows with its square
            return None
    return _meaning(found.get("schema_name"), version, found.get("timestamp"))


def _meaning(name: object, version: object, timestamp: object) -> Reading | None:
    if version is None:
        version = 1
    if type(name) is not str or type(version) is not int or type(timestamp) is not str or not name:
        return None
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        return None
    instant = parse_instant(timestamp)
    return None if instant is None else (name, version, instant)


def _nesting(line: bytes) -> int:
    """How deep the line's brackets go, at the most; strings are skipped."""
    depth = deepest = 0
    for match in _STRUCTURE.finditer(line):
        byte = line[match.start()]
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest
