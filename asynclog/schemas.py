"""The key of an audit schema, which says what kind of record a line is. Pure."""

from functools import lru_cache
from typing import NamedTuple


class SchemaKey(NamedTuple):
    """The audit schema that a record belongs to; printed `name:version`."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def schema_key(name: str, version: int) -> SchemaKey:
    """Return the key, the same object every time: the segments of a log name the same few again and again."""
    return _remembered(name, version) if len(name) <= _USUAL else SchemaKey(name, version)


_USUAL = 256  # characters of a name; longer ones are not remembered, because they may have any length


@lru_cache(maxsize=4096)
def _remembered(name: str, version: int) -> SchemaKey:
    return SchemaKey(name, version)
