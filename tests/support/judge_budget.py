"""The slow judge of a log's budget: which segments go before they have expired. It shares no code with the package."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from judge import Definition, Record, fate, governing, left_of, lines, period, verdict, why_unjudged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BASE = "logs.jsonl"


def gone_early(segments: Mapping[str, bytes], policy: Sequence[Definition], now: int, max_bytes: int) -> list[str]:
    """Return which segments go for the budget, in the order in which they do.

    They are given in their order, which is also that of their last changes.
    """
    after = {name: left for name, content in segments.items() if (left := left_of(content, policy, now)) is not None}
    waiting = sorted(
        (name for name in after if name not in spared(after) and may_go(segments[name], policy, now)),
        key=lambda name: max(record.instant for record in records(segments[name])),
    )
    gone: list[str] = []
    while waiting and sum(len(left) for name, left in after.items() if name not in gone) > max_bytes:
        gone.append(waiting.pop(0))
    return gone


def spared(after: Mapping[str, bytes]) -> set[str]:
    """Return the segments that writers may use: the base file, the last that has bytes, and the last rotated one."""
    filled = [name for name, left in after.items() if left]
    rotated = [name for name in filled if "-late-" not in name]
    return {BASE, *filled[-1:], *rotated[-1:]}


def may_go(segment: bytes, policy: Sequence[Definition], now: int) -> bool:
    """Return whether a segment has records, and all that it has are such as a rule gives a period."""
    fates = {fate(line, policy, now) for line in lines(segment)}
    has_period = all(keeps(record, policy) is not None for record in records(segment))
    return (
        not why_unjudged(segment) and bool(records(segment)) and fates <= {"blank", "expired", "young"} and has_period
    )


def keeps(record: Record, policy: Sequence[Definition]) -> int | None:
    """Return how long a record is kept; None if that is for ever."""
    rule = governing(record, policy)
    return period(rule) if rule and rule.active else None


def records(segment: bytes) -> list[Record]:
    """Return the records of a segment."""
    return [record for line in lines(segment) if isinstance(record := verdict(line), Record)]


def early(segments: Mapping[str, bytes], policy: Sequence[Definition], now: int, max_bytes: int) -> Counter[str]:
    """Count the records that go before they have expired, per schema."""
    found: Counter[str] = Counter()
    for name in gone_early(segments, policy, now, max_bytes):
        for line in lines(segments[name]):
            record = verdict(line)
            if isinstance(record, Record) and fate(line, policy, now) == "young":
                found[record.key] += 1
    return found
