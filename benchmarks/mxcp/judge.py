"""What has to go of an archive, and what went: counted line by line, by nothing but the rules of the case."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.mxcp.cases import Definition


@dataclass(frozen=True)
class Damage:
    """Lines of the whole folder that went and should not have, and that stayed and should not have."""

    wrongly_deleted: int
    wrongly_kept: int


def lines(folder: Path) -> list[bytes]:
    """Return the lines of all segments of a folder. Each has a record id: no two are the same."""
    names = sorted(path for path in folder.glob("*.jsonl") if not path.name.endswith("_schemas.jsonl"))
    return [line for path in names for line in path.read_bytes().splitlines()]


def expired(found: Collection[bytes], definitions: Collection[Definition], now: datetime) -> set[bytes]:
    """Return those that have expired under the active definition of exactly their schema and version."""
    days = {(each.schema, each.version): each.days for each in definitions if each.active}
    return {line for line in found if _has_expired(line, days, now)}


def _has_expired(line: bytes, days: dict[tuple[str, int], int | None], now: datetime) -> bool:
    try:
        record = json.loads(line)
    except ValueError:  # torn
        return False
    period = days.get((record["schema_name"], record["schema_version"]))
    return period is not None and datetime.fromisoformat(record["timestamp"]) < now - timedelta(days=period)


def damage(before: Collection[bytes], should_go: set[bytes], after: Collection[bytes]) -> Damage:
    """Return what went and stayed wrongly."""
    gone = set(before) - set(after)
    return Damage(len(gone - should_go), len(should_go - gone))
