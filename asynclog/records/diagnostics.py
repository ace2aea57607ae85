"""Why a line is unreadable, in words, for people who look for its cause. It decides nothing."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asynclog.records.fields import FlatFields
from asynclog.records.parser import BLANKS, LineParser
from asynclog.records.strict_json import FOLLOWS, LineError
from asynclog.records.why import NO_OFFSET, Why, shown
from asynclog.records.wrappers import unwrapped
from asynclog.timestamps import parse_instant

if TYPE_CHECKING:
    from asynclog.records.mapped.parser import MappedParser

_BRACE = b"{"


def why_unreadable(line: bytes, parser: "LineParser | MappedParser") -> Why | None:
    """Return all that keeps this line, which must not be blank, from being a record; None if nothing does."""
    if not line.strip(BLANKS + b"\0"):
        return Why("it is a run of NUL bytes, such as a crash leaves")
    wrapped = unwrapped(line, parser.fields)
    if wrapped is None:
        return _why_bare(line, parser)
    inside = _why_bare(wrapped.inside, parser) if wrapped.inside.strip(BLANKS) else Why("it has no JSON object")
    return Why(f"{wrapped.what}; without that {inside.kind}", inside.detail) if inside else Why(wrapped.what)


def _why_bare(line: bytes, parser: "LineParser | MappedParser") -> Why | None:
    """Return why it is no record, without looking for what could be around it."""
    try:
        wrong = list(_wrong(line, parser))
    except LineError as error:
        return _not_json(line, error, parser)
    return Why("; ".join(each.kind for each in wrong), "".join(each.detail for each in wrong)) if wrong else None


def _not_json(line: bytes, error: LineError, parser: "LineParser | MappedParser") -> Why:
    if error.at is None:
        return Why(error.what)
    where = f" (byte {error.at:,} of the line)"
    rest = line[error.at :].strip(BLANKS)
    if not line.strip(BLANKS).startswith(_BRACE):
        nul = "a run of NUL bytes, such as a crash leaves, stands before it" if line.startswith(b"\0") else error.what
        return Why(nul, where)
    if not rest:
        return Why("it is torn: the line ends before its object does", where)
    if error.what == FOLLOWS and rest.lstrip(b", \t\r").startswith(_BRACE):
        return Why("more than one object stands on the line", where)
    if _holds_next_record(line, error.at, parser):
        return Why("it is torn, and the next record stands on the same line", where)
    return Why(error.what, where)


def _holds_next_record(line: bytes, error: int, parser: "LineParser | MappedParser") -> bool:
    """Return whether an object that begins just before the error takes up the rest of the line."""
    at = line.rfind(_BRACE, 1, error + 1)
    try:
        return at > 0 and _has_a_field(line[at:], parser)
    except LineError:
        return False


def _has_a_field(line: bytes, parser: "LineParser | MappedParser") -> bool:
    if isinstance(parser, LineParser):
        return bool(parser.written_fields(line))
    return parser.has_a_field(parser.mapped_object(line))


def _wrong(line: bytes, parser: "LineParser | MappedParser") -> Iterator[Why]:
    """Yield all that keeps the object on this line from being a record. Raise LineError if there is none."""
    if isinstance(parser, LineParser):
        yield from _wrong_values(_values(line, parser), parser.fields)
        return
    from asynclog.records.mapped.diagnostics import wrong_fields  # noqa: PLC0415 - most runs need none

    yield from wrong_fields(parser.mapped_object(line), parser)


def _values(line: bytes, parser: LineParser) -> dict[str, object]:
    """Return those of our fields that the object on this line has, by their keys. Raise LineError."""
    record = parser.proven_object(line)
    if record is not None:
        return {key: record[key] for key in parser.fields.as_tuple() if key in record}
    return {key: _value(text) for key, text in parser.written_fields(line).items()}


def _wrong_values(values: dict[str, object], fields: FlatFields) -> Iterator[Why]:
    missing = [key for key in (fields.name, fields.timestamp) if key not in values]
    if missing:
        yield Why(f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing")
    yield from _wrong_name(fields.name, values.get(fields.name, "-"))
    if type(values.get(fields.version)) not in {int, type(None)}:
        yield Why(f"{fields.version} is no integer")
    if fields.timestamp in values:
        yield from _wrong_timestamp(fields.timestamp, values[fields.timestamp])


def _wrong_name(key: str, name: object) -> Iterator[Why]:
    if type(name) is not str:
        yield Why(f"{key} is no string")
    elif not name:
        yield Why(f"{key} is empty")
    elif any("\ud800" <= each <= "\udfff" for each in name):
        yield Why(f"{key} has half a surrogate pair")


def _wrong_timestamp(key: str, text: object) -> Iterator[Why]:
    if type(text) is not str:
        yield Why(f"{key} is no string")
    elif parse_instant(text) is None:
        has_offset = parse_instant(text + "Z") is None
        yield Why(f"{key} is no instant" if has_offset else f"{key} {NO_OFFSET}", f": {shown(text)}")


def _value(text: bytes) -> object:
    """Return the value; False, which none of our fields may be, for an integer that is too long to be made."""
    try:
        return json.loads(text)
    except ValueError:
        return False
