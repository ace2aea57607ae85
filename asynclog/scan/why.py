"""Why a line is unreadable, in words, for people who look for its cause. It decides nothing."""

import json

from asynclog.instant import parse_instant
from asynclog.scan.grammar import Fault
from asynclog.scan.line import BLANKS, written_fields

_SHOWN = 40  # characters of a timestamp


def why_unreadable(line: bytes) -> str:
    """What keeps this line from being a record; empty where nothing does. It must not be blank."""
    if not line.strip(BLANKS + b"\0"):
        return "it is a run of NUL bytes, such as a crash leaves"
    try:
        fields = written_fields(line)
    except Fault as fault:
        return fault.what if fault.at is None else f"{fault.what} (byte {fault.at} of the line)"
    return _name(fields) or _version(fields) or _timestamp(fields)


def _name(fields: dict[str, bytes]) -> str:
    if "schema_name" not in fields:
        return "schema_name is missing"
    name = _value(fields["schema_name"])
    if type(name) is not str:
        return "schema_name is no string"
    if not name:
        return "schema_name is empty"
    return "schema_name has half a surrogate pair" if any("\ud800" <= each <= "\udfff" for each in name) else ""


def _version(fields: dict[str, bytes]) -> str:
    version = _value(fields.get("schema_version", b"null"))
    return "" if version is None or type(version) is int else "schema_version is no integer"


def _timestamp(fields: dict[str, bytes]) -> str:
    if "timestamp" not in fields:
        return "timestamp is missing"
    text = _value(fields["timestamp"])
    if type(text) is not str:
        return "timestamp is no string"
    if parse_instant(text) is not None:
        return ""
    shown = ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
    if parse_instant(text + "Z") is not None:
        return f"timestamp has no offset from UTC: {shown}"
    return f"timestamp is no instant: {shown}"


def _value(text: bytes) -> object:
    """The value; False, which none of our fields may be, for an integer that is too long to be made."""
    try:
        return json.loads(text)
    except ValueError:
        return False
