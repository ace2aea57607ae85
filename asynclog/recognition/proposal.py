"""Propose fields for the lines of an unknown product. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from asynclog.config.mapped_fields import ConstantKey, FieldKeys, TimeKeys, mapped_fields
from asynclog.escaping import escape_surrogates
from asynclog.recognition.paths import values_by_path
from asynclog.recognition.schemas import SchemaCandidate, schema_candidates
from asynclog.recognition.times import LOCAL, TimeCandidate, sure_time, time_candidates
from asynclog.records.fields import Fields
from asynclog.records.parsers import parser_for

Objects = Sequence[tuple[bytes, dict[str, Any]]]  # lines, each with its content


class Proposal(msgspec.Struct, frozen=True):
    """The candidates, the best first; and the keys of a profile with those that are sure, None if the time is not.

    `read` is how many lines are records by these.
    """

    times: list[TimeCandidate]
    schemas: list[SchemaCandidate]
    fields: FieldKeys | None = None
    time: TimeKeys | None = None
    read: int = 0


def propose(objects: Objects, base: str) -> Proposal:
    """Return what may be the fields of these lines, of a log with this base name."""
    values = values_by_path(content for _, content in objects)
    times, schemas = time_candidates(values, len(objects)), schema_candidates(values, len(objects))
    sure = sure_time(times, len(objects))
    if sure is None:
        return Proposal(times, schemas)
    usual = next((each.path for each in schemas if each.is_usual), None)
    fields = FieldKeys(sure.path, usual or ConstantKey(escape_surrogates(base.partition(".")[0] or base)))
    time = TimeKeys("rfc3339" if sure.form == LOCAL else sure.form)
    best_first = sorted(times, key=lambda each: each != sure)
    return Proposal(best_first, schemas, fields, time, records_by(mapped_fields(fields, time), objects))


def records_by(fields: Fields, objects: Objects) -> int:
    """Return how many of these lines are records by these fields."""
    parse = parser_for(fields).parse
    return sum(parse(line) is not None for line, _ in objects)
