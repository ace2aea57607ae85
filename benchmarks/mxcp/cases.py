"""The archives that are compared: what is in them, and the rules that govern it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import NamedTuple

DAYS = 400  # that an archive covers
PER_SEGMENT = 100
KEPT_FOR_EVER = None


class Record(NamedTuple):
    """A record to be written. `age` is in hours, and never near the end of a period, which is counted in days."""

    schema: str
    version: int
    age: int


class Definition(NamedTuple):
    """A line of the registry."""

    schema: str
    version: int
    days: int | None
    active: bool = True


Segments = tuple[tuple[Record, ...], ...]


@dataclass(frozen=True)
class Log:
    """A log with its registry. `torn`: the last line of each segment but the newest was cut off by a crash."""

    definitions: tuple[Definition, ...]
    segments: Segments
    torn: bool = False


@dataclass(frozen=True)
class Case:
    """One comparison. `log` is cleaned up; `neighbour`, if any, is another profile's log, which must not change."""

    title: str
    log: Log
    neighbour: Log | None = None


def over_the_days(mix: tuple[tuple[str, int], ...], segments: int) -> Segments:
    """Return segments of these schemas in turn, from the oldest record to the newest, evenly over the days."""
    count = segments * PER_SEGMENT
    schemas = list(islice(cycle(mix), count))
    records = [Record(*schema, _age(DAYS - number * DAYS / count)) for number, schema in enumerate(schemas)]
    return tuple(tuple(records[start : start + PER_SEGMENT]) for start in range(0, count, PER_SEGMENT))


def with_a_fresh_one(segments: Segments, schema: str) -> Segments:
    """Add a record of an hour ago to each segment, as a slow writer or another host's clock may."""
    return tuple((*segment, Record(schema, 1, 1)) for segment in segments)


def cases() -> Iterator[Case]:
    """Yield all of them, the ordinary archive first."""
    endpoints = Definition("mxcp.endpoints", 1, 90)
    debug, legal = Definition("debug", 1, 30), Definition("legal", 1, KEPT_FOR_EVER)
    auth, gone = Definition("auth", 1, 365), Definition("retired", 1, 30, active=False)
    one = over_the_days((("mxcp.endpoints", 1),), 10)
    yield Case(
        "six schemas mixed in every segment",
        Log(
            (endpoints, debug, auth, legal, gone),
            over_the_days(
                (
                    *(("mxcp.endpoints", 1), ("debug", 1), ("mxcp.endpoints", 1), ("auth", 1)),
                    *(("mxcp.endpoints", 1), ("legal", 1), ("debug", 1), ("unknown", 1), ("retired", 1)),
                ),
                27,
            ),
        ),
    )
    yield Case("one schema alone", Log((endpoints,), one))
    yield Case(
        "30 days beside kept for ever",
        Log((debug, legal), over_the_days((("debug", 1), ("debug", 1), ("legal", 1)), 10)),
    )
    yield Case(
        "version 1 for 365 days, version 2 for 30",
        Log((Definition("api", 1, 365), Definition("api", 2, 30)), over_the_days((("api", 1), ("api", 2)), 10)),
    )
    yield Case("one fresh record in each segment", Log((endpoints,), with_a_fresh_one(one, "mxcp.endpoints")))
    yield Case("a torn line at the end of each segment", Log((endpoints,), one, torn=True))
    yield Case(
        "profile prod beside prod-eu",
        Log((endpoints,), one),
        Log((Definition("mxcp.endpoints", 1, 365),), one),
    )


def _age(days: float) -> int:
    """Return hours: half a day beyond the last full day, so that no period ends while the archive is compared."""
    return int(days) * 24 + 12
