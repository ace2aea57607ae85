"""Write an audit archive as MXCP's writer would have left it: seeded, of any size, with known answers.

The same spec gives the same bytes, on any machine. Lines come from 256 templates that are built once, so that
one core writes 100 MB/s of the shortest records and more of longer ones. What is expired is counted while
writing, by nothing but the time that was written and its schema's retention: an answer that no scanner had a
part in. An archive that is already there is never written over. It has ordinary records only; the hostile
lines are in the tests.
"""

import argparse
import json
import random
import re
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000  # times are whole microseconds since 1970, as MXCP writes them
DAY = 86_400 * SECOND
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
KEPT = 0  # the cutoff where nothing expires: no time here is before 1970
SMALLEST_FULL = 700  # a shorter record has only the keys of SHORT
SHORT = ("schema_name", "schema_version", "record_id", "timestamp", "duration_ms")
CHUNK = 1 << 20
ID, STAMP = "#" * 8, "@" * 27  # what a template leaves open, as long as what takes its place
TEXT = "select name, total from orders where region = 'north' and total > 100 order by name limit 50; "
NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Tony")
FOREIGN = ("café", "Żaneta", "東京", "Ελένη", "🦉")


@dataclass(frozen=True)
class Schema:
    """One schema of the archive: its key, its share of the records in 256ths, and its rule if it has one."""

    name: str
    version: int
    share: int
    retention_days: int | None
    defined: bool = True

    @property
    def key(self) -> str:
        """The schema key as asynclog prints it."""
        return f"{self.name}:{self.version}"


SCHEMAS = (
    Schema("mxcp.endpoints", 2, 96, 90),
    Schema("mxcp.endpoints", 1, 20, 365),
    Schema("debug_logs", 1, 96, 30),
    Schema("auth.events", 1, 24, 365),
    Schema("legal", 1, 8, None),
    Schema("orphan", 1, 12, None, defined=False),
)


@dataclass(frozen=True)
class Spec:
    """The archive to write: about `size` bytes of records of about `record` bytes, from the `days` before `until`.

    A record is never shorter than its five main keys, about 170 bytes.
    """

    size: int
    record: int = 860
    segments: int = 18
    seed: int = 1
    days: int = 400
    until: datetime = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Summary:
    """The contents, without the registry; `expired_per_schema` is what is expired at the spec's `until`."""

    bytes: int
    records: int
    segments: int
    records_per_schema: dict[str, int]
    expired_per_schema: dict[str, int]


@dataclass(frozen=True, slots=True)
class Template:
    """A line without its record id's first 8 digits and its timestamp, and what counting it needs."""

    head: bytes
    middle: bytes
    tail: bytes
    length: int
    key: str
    cutoff: int


def record(schema: Schema, number: int, size: int, rng: random.Random) -> dict[str, Any]:
    """One record in MXCP's key order; its number in the schema decides on traps and foreign names."""
    names = FOREIGN if number % 20 == 7 else NAMES
    asked: dict[str, Any] = {"q": 'say "hi"\n' if number % 10 == 3 else ""}
    if number % 25 == 1:
        asked |= {"timestamp": "2001-01-01T00:00:00Z", "schema_name": "debug_logs"}
    rows = [{"id": row, "name": names[row % 5], "total": rng.randrange(10_000) / 4} for row in range(size // 200)]
    everything = {
        "schema_name": schema.name,
        "schema_version": schema.version,
        "record_id": ID + str(uuid.UUID(bytes=rng.randbytes(16), version=4))[8:],
        "timestamp": STAMP,
        "operation_type": ("tool", "resource", "prompt")[rng.randrange(3)],
        "operation_name": ("sql_query", "get_user", "search_orders")[rng.randrange(3)],
        "operation_status": "error" if rng.randrange(10) == 0 else "success",
        "duration_ms": rng.randrange(100, 1000),
        "caller_type": ("http", "stdio")[rng.randrange(2)],
        "user_id": f"user{rng.randrange(100)}@example.com",
        "session_id": None,
        "trace_id": None,
        "input_data": asked,
        "output_data": rows,
        "error": None,
        "policies_evaluated": [],
        "policy_decision": "allow",
        "policy_reason": None,
        "business_context": {},
        "execution_events": [],
        "prev_hash": None,
        "record_hash": None,
        "signature": None,
    }
    if size >= SMALLEST_FULL:
        return everything
    short = {key: everything[key] for key in SHORT}
    if len(asked) > 1:
        short["input_data"] = asked
    if names is FOREIGN:
        short["output_data"] = rows or [{"id": number, "name": names[number // 20 % 5]}]
    return short


def as_line(value: dict[str, Any]) -> bytes:
    """Return the bytes that MXCP's writer makes of a record."""
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def template(schema: Schema, number: int, spec: Spec, rng: random.Random) -> Template:
    """Return a template whose lines are within a tenth of the spec's record size, if its keys leave room."""
    value = record(schema, number, spec.record, rng)
    if spec.record >= SMALLEST_FULL:
        wanted = spec.record + rng.randrange(-spec.record // 10, spec.record // 10 + 1)
        missing = max(0, wanted - len(as_line(value)))
        value["input_data"]["q"] += (TEXT * (missing // len(TEXT) + 1))[:missing]
    head, rest = as_line(value).split(ID.encode())
    middle, tail = rest.split(STAMP.encode())
    days = schema.retention_days
    cutoff = KEPT if days is None else microseconds(spec.until - timedelta(days=days))
    return Template(head, middle, tail, len(head + middle + tail) + len(ID) + len(STAMP), schema.key, cutoff)


def templates(spec: Spec, rng: random.Random) -> list[Template]:
    """256 templates, so that one random byte chooses a line, with each schema's share among them."""
    return [template(schema, number, spec, rng) for schema in SCHEMAS for number in range(schema.share)]


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970, without a detour over floats."""
    return (instant - EPOCH) // timedelta(microseconds=1)


class Archive:
    """The records of one spec, in order, and the count of what has been written so far."""

    def __init__(self, spec: Spec) -> None:
        """Build the templates; nothing is written yet."""
        self.spec = spec
        self.rng = random.Random(spec.seed)
        self.templates = templates(spec, self.rng)
        mean = sum(line.length for line in self.templates) / len(self.templates)
        self.records = max(spec.segments, round(spec.size / mean))
        self.start = microseconds(spec.until) - spec.days * DAY
        self.step = spec.days * DAY // self.records
        self.clock = [b"%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60) for s in range(86_400)]
        self.dates = {
            day: (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT").encode()
            for day in range(self.start // DAY - 1, microseconds(spec.until) // DAY + 1)
        }
        self.bytes = 0
        self.written: Counter[str] = Counter()
        self.expired: Counter[str] = Counter()

    def lines(self, first: int, count: int) -> bytes:
        """Return the `count` records from number `first` on; count them as written."""
        start, step, clock, dates = self.start, self.step, self.clock, self.dates
        jitters = [part * step >> 8 for part in range(256)]
        forms = [(line.head, line.middle, line.tail, line.cutoff) for line in self.templates]
        parts: list[bytes] = []
        expired = [0] * 256
        choices = self.rng.randbytes(count)
        numbers = range(first, first + count)
        for number, choice, jitter in zip(numbers, choices, self.rng.randbytes(count), strict=True):
            head, middle, tail, cutoff = forms[choice]
            time = start + number * step + jitters[jitter]
            if not jitter:
                time -= time % SECOND
            if time < cutoff:
                expired[choice] += 1
            second, fraction = divmod(time, SECOND)
            day, second = divmod(second, 86_400)
            # MXCP leaves the fraction out where it is nought.
            zone = b".%06dZ" % fraction if fraction else b"Z"
            parts += (head, b"%08x" % number, middle, dates[day], clock[second], zone, tail)
        for choice, times in Counter(choices).items():
            key = self.templates[choice].key
            self.written[key] += times
            self.expired[key] += expired[choice]
        block = b"".join(parts)
        self.bytes += len(block)
        return block

    def blocks(self, first: int, count: int) -> Iterator[bytes]:
        """Yield the same in blocks of about a mebibyte."""
        at_once = max(1, CHUNK // self.spec.record)
        for start in range(first, first + count, at_once):
            yield self.lines(start, min(at_once, first + count - start))

    def segment(self, folder: Path, number: int) -> None:
        """Write one segment, an equal share of the records, under the name of its first record's time."""
        first, end = (self.records * n // self.spec.segments for n in (number, number + 1))
        blocks = self.blocks(first, end - first)
        opening = next(blocks)
        stamp = json.loads(opening[: opening.index(b"\n")])["timestamp"]
        name = datetime.fromisoformat(stamp).strftime("logs-%Y%m%dT%H%M%S.jsonl")
        with (folder / name).open("xb") as file:
            file.write(opening)
            file.writelines(blocks)


def registry() -> bytes:
    """`logs_schemas.jsonl`: the definitions as MXCP's own registry keeps them; `orphan` has none."""
    return b"".join(
        as_line(
            {
                "schema_name": schema.name,
                "version": schema.version,
                "description": "",
                "retention_days": schema.retention_days,
                "evidence_level": "basic",
                "extract_fields": [],
                "require_signature": False,
                "created_at": "2025-01-01T00:00:00+00:00",
                "created_by": "system",
                "active": True,
                "indexes": [],
                "fields": [],
                "field_redactions": [],
            }
        )
        for schema in SCHEMAS
        if schema.defined
    )


def generate(folder: Path, spec: Spec) -> Summary:
    """Write the archive and its registry into `folder`, whose log's base path is `logs.jsonl` there.

    Raises FileExistsError where one of its files exists.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "logs_schemas.jsonl").open("xb") as file:
        file.write(registry())
    archive = Archive(spec)
    for number in range(spec.segments):
        archive.segment(folder, number)
    return Summary(
        bytes=archive.bytes,
        records=archive.written.total(),
        segments=spec.segments,
        records_per_schema=dict(sorted(archive.written.items())),
        expired_per_schema={key: count for key, count in sorted(archive.expired.items()) if count},
    )


def size(text: str) -> int:
    """Bytes, as `860`, `64MiB` or `4GiB`."""
    found = re.fullmatch(r"([0-9]+)(|KiB|MiB|GiB)", text)
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 860, 64MiB or 4GiB")
    return int(found[1]) * UNITS[found[2]]


def count(text: str) -> int:
    """Parse a whole number from 1 on."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def instant(text: str) -> datetime:
    """Parse an instant with its offset, as `2026-11-24T00:00:00Z`."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if value.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset: write Z for UTC")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Parse, generate, print the summary as one JSON line; 2 where the archive is already there."""
    parser = argparse.ArgumentParser(description="Write a seeded, MXCP-shaped audit archive.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=size, default=size("64MiB"), help="bytes of all segments (64MiB)")
    parser.add_argument("--record", type=count, default=860, help="bytes of a record (860)")
    parser.add_argument("--segments", type=count, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=count, default=400, help="days that the records spread over (400)")
    parser.add_argument("--until", type=instant, default=Spec.until, help="the last record is older than this")
    options = vars(parser.parse_args(arguments))
    folder = options.pop("folder")
    try:
        summary = generate(folder, Spec(**options))
    except FileExistsError as error:
        print(f"{error.filename} is already there: an archive is never written over", file=sys.stderr)
        return 2
    print(json.dumps(asdict(summary)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
