"""`fields`, `time` and `format` of a profile: which keys of a line say its schema and its time, and in which form."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from asynclog.config.reading.msgspec_errors import KeyPath
from asynclog.records.fields import FORMS, MXCP_FIELDS, Fields, MappedFields, WholeFile, keys_of

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document

DEEPEST = 8  # keys of a path
MOST = 8  # paths, or forms, of one field
LONGEST = 255  # characters of a path, a form, or a constant

_PATH = "write a key, or keys joined by dots, such as alert.severity"
_FORM = f"write {', '.join(FORMS)}, or a pattern such as '%d/%b/%Y:%H:%M:%S %z'"
_CONSTANT = "write fields: {schema: {constant: NAME}}, with the name that its rule has"
_ZONE = "write the name of a time zone that this host knows, such as Europe/Berlin or UTC"


class FileKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{file: mtime}`."""

    file: str


class ConstantKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{constant: NAME}`."""

    constant: str


class FieldKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key `fields`; what it leaves out is MXCP's."""

    timestamp: str | list[str] | FileKey = "timestamp"
    schema: str | list[str] | ConstantKey | None = None
    version: str | None = None


class TimeKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key `time`."""

    form: str | list[str] = "rfc3339"
    zone: str | None = None


def fields_from(
    document: "Document", profile: str, fields: FieldKeys | None, time: TimeKeys | None, form: str | None = None
) -> Fields:
    """Return the fields that these keys of a profile mean, and `form`, its `format`. Raise ConfigurationError."""
    if form is not None:
        for place, problem in _file_problems(fields or FieldKeys(), time, form):
            raise document.error(("profiles", profile, *place), problem)
        return whole_file(fields or FieldKeys())
    if time is None and (fields is None or fields == FieldKeys()):
        return MXCP_FIELDS
    keys, at = fields or FieldKeys(), ("profiles", profile)
    found = mapped_fields(keys, time or TimeKeys())
    for place, problem in _problems(keys, time, found):
        raise document.error((*at, *place), problem)
    return found


def whole_file(keys: FieldKeys) -> WholeFile:
    """Return what these keys mean for files that are one record each, which need not be possible."""
    return WholeFile(keys.schema.constant if isinstance(keys.schema, ConstantKey) else "")


def mapped_fields(keys: FieldKeys, time: TimeKeys) -> MappedFields:
    """Return the fields that these keys mean, which need not be possible."""
    schema = keys.schema
    return MappedFields(
        timestamp=() if isinstance(keys.timestamp, FileKey) else _listed(keys.timestamp),
        schema=("schema_name",) if schema is None else () if isinstance(schema, ConstantKey) else _listed(schema),
        version="schema_version" if schema is None and keys.version is None else keys.version,
        forms=_listed(time.form),
        zone=time.zone,
        constant=schema.constant if isinstance(schema, ConstantKey) else "",
        is_named=schema is None,
    )


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _problems(keys: FieldKeys, time: TimeKeys | None, found: MappedFields) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with these keys, each with its place in the profile."""
    if isinstance(keys.timestamp, FileKey):
        if keys.timestamp.file != "mtime":
            yield ("fields", "timestamp", "file"), "a file has one time here: write {file: mtime}"
        if time is not None:
            yield ("time",), "the time of a record is that of its file (fields.timestamp): leave this key out"
    else:
        yield from _path_problems(("fields", "timestamp"), keys.timestamp)
    if isinstance(keys.schema, ConstantKey):
        yield from _constant_problems(keys.schema)
    elif keys.schema is not None:
        yield from _path_problems(("fields", "schema"), keys.schema)
    if keys.version is not None:
        yield from _path_problems(("fields", "version"), keys.version)
    if time is not None:
        yield from _time_problems(time, found)


def _file_problems(keys: FieldKeys, time: TimeKeys | None, form: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with these keys for whole files, each with its place in the profile."""
    if form != "file":
        yield ("format",), f"{form!r} is no format: write file, or leave the key out for files of lines"
    if keys.schema is None:
        yield ("format",), f"a file has no key that says its schema: {_CONSTANT}"
    elif not isinstance(keys.schema, ConstantKey):
        yield ("fields", "schema"), f"a file has no key that says its schema: {_CONSTANT}"
    else:
        yield from _constant_problems(keys.schema)
    if keys.timestamp not in ("timestamp", FileKey("mtime")):
        yield ("fields", "timestamp"), "the time of a file is its mtime: leave this key out"
    if keys.version is not None:
        yield ("fields", "version"), "a file has no key that says its version: leave this key out"
    if time is not None:
        yield ("time",), "the time of a file is its mtime: leave this key out"


def _constant_problems(schema: ConstantKey) -> Iterator[tuple[KeyPath, str]]:
    if not schema.constant or _unwritable(schema.constant):
        yield ("fields", "schema", "constant"), f"write the name of the schema, in 1 to {LONGEST} characters"


def _path_problems(place: KeyPath, paths: str | list[str]) -> Iterator[tuple[KeyPath, str]]:
    yield from _list_problems(place, paths, _PATH)
    for inner, path in _items(place, paths):
        keys = keys_of(path)
        if not all(keys):
            yield inner, f"{path!r} has an empty key: {_PATH}"
        elif len(keys) > DEEPEST:
            yield inner, f"{path!r} is {len(keys)} keys deep, and {DEEPEST} is the most"
        elif _unwritable(path):
            yield inner, f"no line has such a key here: {_PATH}, in {LONGEST} characters at the most"


def _items(place: KeyPath, values: str | list[str]) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(values, str):
        yield place, values
    else:
        yield from (((*place, number), value) for number, value in enumerate(values))


def _list_problems(place: KeyPath, values: str | list[str], instead: str) -> Iterator[tuple[KeyPath, str]]:
    if not values:
        yield place, f"this names nothing: {instead}"
    elif isinstance(values, list) and len(values) > MOST:
        yield place, f"these are {len(values)}, and {MOST} is the most"
    elif isinstance(values, list) and len(set(values)) < len(values):
        twice = next(each for each in values if values.count(each) > 1)
        yield place, f"{twice!r} stands twice"


def _unwritable(text: str) -> bool:
    """Return whether a text is too long, or has half of a surrogate pair."""
    return len(text) > LONGEST or any("\ud800" <= each <= "\udfff" for each in text)


def _time_problems(time: TimeKeys, found: MappedFields) -> Iterator[tuple[KeyPath, str]]:
    from asynclog.records.mapped.time_pattern import has_offset, pattern_problem  # noqa: PLC0415 - few logs have a `time`

    yield from _list_problems(("time", "form"), time.form, _FORM)
    for place, form in _items(("time", "form"), time.form):
        if form in FORMS:
            continue
        if "%" not in form:
            from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - only for an error

            yield place, f"{form!r} is no form of a time{did_you_mean(form, FORMS) or ':'} {_FORM}"
        elif _unwritable(form):
            yield place, f"no time is that long: {_FORM}"
        elif pattern_problem(form):
            yield place, f"{form!r}: {pattern_problem(form)}"
        elif time.zone is None and not has_offset(form):
            yield place, f"{form!r} has no %z, so say which zone its times are in, as in zone: UTC"
    if time.zone is not None:
        yield from _zone_problems(time.zone, found)


def _zone_problems(zone: str, found: MappedFields) -> Iterator[tuple[KeyPath, str]]:
    from asynclog.records.mapped.time_forms import load_zone  # noqa: PLC0415 - few logs have local times

    if all(form.startswith("unix_") for form in found.forms):
        yield ("time", "zone"), "numbers since 1970 are in no zone: leave this key out"
    if zone in {"localtime", "posixrules"}:
        yield ("time", "zone"), f"{zone!r} is another zone on another host: {_ZONE}"
    try:
        load_zone(zone)
    except (ValueError, KeyError, OSError):  # no such name, or one that can be none
        yield ("time", "zone"), f"{zone!r} is no time zone: {_ZONE}"
