"""Propose fields for the lines of an unknown product. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from asynclog.config.values.mapped_fields import ConstantKey, FieldKeys, TimeKeys, mapped_fields
from asynclog.escaping import escape_surrogates
from asynclog.recognition.json_paths import values_by_path
from asynclog.recognition.schemas import SchemaCandidate, schema_candidates, with_many_values
from asynclog.recognition.times import LOCAL, TimeCandidate, TimeText, form_of, sure_time, time_candidates, time_texts
from asynclog.records.fields import Fields
from asynclog.records.mapped.parser import value_at
from asynclog.records.parsers import parser_for

Objects = Sequence[tuple[bytes, dict[str, Any]]]  # lines, each with its content


class Proposal(msgspec.Struct, frozen=True):
    """The candidates, the best first; and the keys of a profile with those that are sure, None if the time is not.

    `read` is how many lines are records by these. The schemas are those of the `timed` lines, which have the best time;
    `numerous` are called like a schema, but have many values. `texts` may be times, too.
    """

    times: list[TimeCandidate]
    texts: list[TimeText]
    schemas: list[SchemaCandidate]
    numerous: list[SchemaCandidate]
    timed: int
    fields: FieldKeys | None = None
    time: TimeKeys | None = None
    read: int = 0


def propose(objects: Objects, base: str) -> Proposal:
    """Return what may be the fields of these lines, of a log with this base name."""
    values = values_by_path(content for _, content in objects)
    times, texts = time_candidates(values, len(objects)), time_texts(values, len(objects))
    sure = sure_time(times, len(objects))
    best_first = sorted(times, key=lambda each: each != sure)
    timed = _with_time(objects, best_first[0].path) if best_first else [content for _, content in objects]
    values = values_by_path(timed)
    schemas, numerous = schema_candidates(values, len(timed)), with_many_values(values, len(timed))
    if sure is None:
        return Proposal(best_first, texts, schemas, numerous, len(timed))
    usual = next((each.path for each in schemas if each.is_usual), None)
    fields = FieldKeys(sure.path, usual or ConstantKey(escape_surrogates(base.partition(".")[0] or base)))
    time = TimeKeys("rfc3339" if sure.form == LOCAL else sure.form)
    read = records_by(mapped_fields(fields, time), objects)
    return Proposal(best_first, texts, schemas, numerous, len(timed), fields, time, read)


def records_by(fields: Fields, objects: Objects) -> int:
    """Return how many of these lines are records by these fields."""
    parse = parser_for(fields).parse
    return sum(parse(line) is not None for line, _ in objects)


def _with_time(objects: Objects, path: str) -> list[dict[str, Any]]:
    """Return what has a time at this path: other lines are no records, whatever else they have."""
    return [content for _, content in objects if form_of(value_at(content, path))]
