"""The keys of a line that say what its record is of, and from when: MXCP's three, or those of a configuration."""

import msgspec

# The forms of a time that have names; any other is a pattern, as strptime has them.
FORMS = ("rfc3339", "unix_s", "unix_ms", "unix_us", "unix_ns")


class FlatFields(msgspec.Struct, frozen=True):
    """The top-level keys that hold a record's schema name, its schema version and its timestamp, as in MXCP's lines."""

    name: str = "schema_name"
    version: str = "schema_version"
    timestamp: str = "timestamp"

    def as_tuple(self) -> tuple[str, str, str]:
        """Return the three keys, in the order in which the kernel takes them."""
        return self.name, self.version, self.timestamp


class MappedFields(msgspec.Struct, frozen=True):
    """The fields of another product's lines. A path is a top-level key as it stands or, if there is no such key, the
    keys of nested objects, joined by dots.

    `timestamp` has alternatives: the first that is there and not null counts. Without any, the time is that of the
    file: `file_time` (ns since 1970), once it is known. The parts of `schema` are joined by `/`, with `-` for one that
    is absent; without any, all records have the `constant` one. `is_named` is whether the schema is one string that has
    to be there, as in MXCP's layout. A `version` of None is 1 for all. `forms` are tried in their order, and `zone` is
    that of times without an offset, None if those are unreadable.
    """

    timestamp: tuple[str, ...] = ("timestamp",)
    schema: tuple[str, ...] = ("schema_name",)
    version: str | None = None
    forms: tuple[str, ...] = ("rfc3339",)
    zone: str | None = None
    constant: str = ""
    is_named: bool = False
    file_time: int = 0

    def paths(self) -> tuple[str, ...]:
        """Return all paths, each once."""
        version = () if self.version is None else (self.version,)
        return tuple(dict.fromkeys((*self.timestamp, *self.schema, *version)))


class WholeFile(msgspec.Struct, frozen=True):
    """Each file is one record of the schema `constant`, from its mtime; what is in it is not looked at."""

    constant: str


Fields = FlatFields | MappedFields | WholeFile

MXCP_FIELDS = FlatFields()


def has_file_time(fields: Fields) -> bool:
    """Return whether the time of a record is that of its file."""
    return isinstance(fields, WholeFile) or (isinstance(fields, MappedFields) and not fields.timestamp)


def fields_at(fields: Fields, file_time: int) -> Fields:
    """Return the fields of the lines of a file with this mtime (ns since 1970)."""
    if isinstance(fields, MappedFields) and not fields.timestamp:
        return msgspec.structs.replace(fields, file_time=file_time)
    return fields


def offset_keys(fields: Fields) -> list[str]:
    """Return the keys of times that are unreadable without an offset; none if there is a zone for those."""
    if isinstance(fields, FlatFields):
        return [fields.timestamp]
    if isinstance(fields, WholeFile):
        return []
    if fields.zone is not None or "rfc3339" not in fields.forms:
        return []
    return list(dict.fromkeys(key for path in fields.timestamp for key in (path, keys_of(path)[-1])))


def shortest_line(fields: Fields) -> int:
    """Return how many bytes the line of a record has at least, with its newline."""
    if isinstance(fields, FlatFields):
        return len('{"":"a","":"2000-01-01T00:00:00Z"}\n') + len(fields.name.encode()) + len(fields.timestamp.encode())
    if isinstance(fields, WholeFile):
        return 1
    if not fields.timestamp:
        return len("{}\n")
    return len('{"":0}\n') + min(len(path.encode()) for path in fields.timestamp)


def keys_of(path: str) -> tuple[str, ...]:
    """Return the keys of nested objects that a path leads through."""
    return tuple(path.split("."))


def in_words(fields: Fields) -> str:
    """Describe the fields in one line for people."""
    if isinstance(fields, FlatFields):
        return f"time: {fields.timestamp} (rfc3339); schema: {fields.name}; version: {fields.version}, else 1"
    if isinstance(fields, WholeFile):
        return f"none: each file is one record of {fields.constant}, from the file's mtime"
    time = "the file's mtime"
    if fields.timestamp:
        zone = f", zone {fields.zone}" if fields.zone else ""
        time = f"{', else '.join(fields.timestamp)} ({', else '.join(fields.forms)}{zone})"
    schema = "/".join(fields.schema) if fields.schema else f"{fields.constant} for all"
    return f"time: {time}; schema: {schema}; version: {f'{fields.version}, else 1' if fields.version else '1'}"
