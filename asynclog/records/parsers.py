"""The parser for the lines of a log, by its fields."""

from functools import lru_cache
from typing import TYPE_CHECKING

from asynclog.records.fields import Fields, FlatFields, WholeFile
from asynclog.records.parser import LineParser

if TYPE_CHECKING:
    from asynclog.records.mapped.parser import MappedParser


@lru_cache(maxsize=64)  # fields with a file's own time are new for each segment
def parser_for(fields: Fields) -> "LineParser | MappedParser":
    """Return the parser for these fields: one for all segments, for making it takes as long as reading a small one."""
    if isinstance(fields, FlatFields):
        return LineParser(fields)
    if isinstance(fields, WholeFile):
        raise TypeError("a whole file has no lines")
    from asynclog.records.mapped.parser import MappedParser  # noqa: PLC0415 - most runs need none

    return MappedParser(fields)
