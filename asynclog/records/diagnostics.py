"""Why a line is unreadable, in words, for people who look for its cause. It decides nothing."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from asynclog.records.parser import BLANKS, FIELDS, proven_object, written_fields
from asynclog.records.strict_json import FOLLOWS, LineError
from asynclog.records.wrappers import unwrapped
from asynclog.timestamps import parse_instant

NO_OFFSET = "timestamp has no offset from UTC"  # a reason why a line is unreadable

_SHOWN = 40  # characters of a timestamp
_BRACE = b"{"


class Why(NamedTuple):
    """What keeps a line from being a record: in words that it shares with all such lines, and in some of its own."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return self.kind + self.detail


def why_unreadable(line: bytes) -> Why | None:
    """All that keeps this line from being a record; None where nothing does. It must not be blank."""
    if not line.strip(BLANKS + b"\0"):
        return Why("it is a run of NUL bytes, such as a crash leaves")
    wrapped = unwrapped(line)
    if wrapped is None:
        return _why_bare(line)
    inside = _why_bare(wrapped.inside) if wrapped.inside.strip(BLANKS) else Why("it has no JSON object")
    return Why(f"{wrapped.what}; without that {inside.kind}", inside.detail) if inside else Why(wrapped.what)


def _why_bare(line: bytes) -> Why | None:
    """Without looking for what could be around it."""
    try:
        wrong = list(_wrong(_fields(line)))
    except LineError as fault:
        return _not_json(line, fault)
    return Why("; ".join(each.kind for each in wrong), "".join(each.detail for each in wrong)) if wrong else None


def _not_json(line: bytes, fault: LineError) -> Why:
    if fault.at is None:
        return Why(fault.what)
    where = f" (byte {fault.at:,} of the line)"
    rest = line[fault.at :].strip(BLANKS)
    if not line.strip(BLANKS).startswith(_BRACE):
        nul = "a run of NUL bytes, such as a crash leaves, stands before it" if line.startswith(b"\0") else fault.what
        return Why(nul, where)
    if not rest:
        return Why("it is torn: the line ends before its object does", where)
    if fault.what == FOLLOWS and rest.lstrip(b", \t\r").startswith(_BRACE):
        return Why("more than one object stands on the line", where)
    if _next_record(line, fault.at):
        return Why("it is torn, and the next record stands on the same line", where)
    return Why(fault.what, where)


def _next_record(line: bytes, fault: int) -> bool:
    """Whether an object that begins just before the fault takes up the rest of the line."""
    at = line.rfind(_BRACE, 1, fault + 1)
    try:
        return at > 0 and bool(written_fields(line[at:]))
    except LineError:
        return False


def _fields(line: bytes) -> dict[str, object]:
    """Those of our fields that the object on this line has. Raises LineError."""
    record = proven_object(line)
    if record is not None:
        return {field: record[field] for field in FIELDS if field in record}
    return {field: _value(text) for field, text in written_fields(line).items()}


def _wrong(fields: dict[str, object]) -> Iterator[Why]:
    missing = [field for field in ("schema_name", "timestamp") if field not in fields]
    if missing:
        yield Why(f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing")
    yield from _name(fields)
    if type(fields.get("schema_version")) not in {int, type(None)}:
        yield Why("schema_version is no integer")
    yield from _timestamp(fields)


def _name(fields: dict[str, object]) -> Iterator[Why]:
    name = fields.get("schema_name", "-")
    if type(name) is not str:
        yield Why("schema_name is no string")
    elif not name:
        yield Why("schema_name is empty")
    elif any("\ud800" <= each <= "\udfff" for each in name):
        yield Why("schema_name has half a surrogate pair")


def _timestamp(fields: dict[str, object]) -> Iterator[Why]:
    if "timestamp" not in fields:
        return
    text = fields["timestamp"]
    if type(text) is not str:
        yield Why("timestamp is no string")
    elif parse_instant(text) is None:
        shown = ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
        has_offset = parse_instant(text + "Z") is None
        yield Why("timestamp is no instant" if has_offset else NO_OFFSET, f": {shown}")


def _value(text: bytes) -> object:
    """The value; False, which none of our fields may be, for an integer that is too long to be made."""
    try:
        return json.loads(text)
    except ValueError:
        return False
