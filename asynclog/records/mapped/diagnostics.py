"""Say what is wrong with the mapped fields of an object. Nothing is decided here."""

from collections.abc import Iterator
from typing import Any

from asynclog.records.mapped.parser import MappedParser, Number, part_of, value_at, version_of
from asynclog.records.parser import has_half_pair
from asynclog.records.why import NO_OFFSET, Why, shown


def wrong_fields(record: dict[str, Any], parser: MappedParser) -> Iterator[Why]:
    """Yield all that keeps an object, as the parser gives it, from being a record."""
    fields = parser.fields
    for path in fields.schema:
        yield from _wrong_part(path, value_at(record, path), is_named=fields.is_named)
    if fields.version is not None and version_of(value_at(record, fields.version)) is None:
        yield Why(f"{fields.version} is no integer")
    if fields.timestamp:
        yield from _wrong_time(record, parser)


def _wrong_part(path: str, value: object, *, is_named: bool) -> Iterator[Why]:
    if value is None:
        if is_named:
            yield Why(f"{path} is missing")
    elif value == "":
        yield Why(f"{path} is empty")
    elif is_named and type(value) is not str:
        yield Why(f"{path} is no string")
    elif part_of(value) is None:
        yield Why(f"{path} is {_kind(value)}: a part of the schema is a string, an integer, true, false or null")
    elif isinstance(value, str) and has_half_pair(value):
        yield Why(f"{path} has half a surrogate pair")


def _kind(value: object) -> str:
    if isinstance(value, Number):
        return "a number with a fraction or an exponent"
    return "an object" if type(value) is dict else "a list"


def _wrong_time(record: dict[str, Any], parser: MappedParser) -> Iterator[Why]:
    paths, times = parser.fields.timestamp, parser.times
    path = next((each for each in paths if value_at(record, each) is not None), None)
    value = parser.time_of(record)
    if path is None:
        yield Why(f"{paths[0]} is missing" if len(paths) == 1 else f"none of {', '.join(paths)} is there")
    elif isinstance(value, Number) and times.reads_numbers:
        if times.of_number(value) is None:
            yield Why(f"{path} is no instant as {_forms(parser, is_text=False)}", f": {shown(value)}")
    elif type(value) is not str or not times.reads_texts:
        kinds = {"a string": times.reads_texts, "a number": times.reads_numbers}
        wanted = " or ".join(kind for kind, reads in kinds.items() if reads)
        yield Why(f"{path} is not {wanted}, as {_forms(parser)} {'needs' if len(times.forms) == 1 else 'need'}")
    elif times.of_text(value) is None:
        lacks = times.lacks_offset(value)
        what = NO_OFFSET if lacks else f"is no instant as {_forms(parser, is_text=True)}"
        yield Why(f"{path} {what}", f": {shown(value)}")


def _forms(parser: MappedParser, *, is_text: bool | None = None) -> str:
    """Return the forms by name: all, or those of texts, or of numbers."""
    return ", ".join(form for form in parser.times.forms if is_text in {None, not form.startswith("unix_")})
