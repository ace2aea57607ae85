"""The segments of a log that could not be judged: their sum, how old they are, and a line of text. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from asynclog.formatting import format_size, pluralize
from asynclog.segments import Fingerprint, WhyUnjudged
from asynclog.statistics import sum_counts
from asynclog.timestamps import LAST, SECOND, earliest_text, format_instant, parse_instant

if TYPE_CHECKING:
    from asynclog.storage.naming import SegmentNaming


class Unjudged(msgspec.Struct, frozen=True):
    """Segments whose content is not known, and the instant of the oldest; None without any.

    `reasons` counts them by reason, in a word. Links, devices and the like have no bytes.
    """

    segments: int = 0
    bytes: int = 0
    oldest: str | None = None
    reasons: dict[str, int] = {}


class Left(msgspec.Struct, frozen=True):
    """One segment that was left unjudged: `why` in a word, `reason` in a sentence."""

    segment: str
    fingerprint: Fingerprint
    why: WhyUnjudged
    reason: str


def sum_unjudged(left: Sequence[Left], names: "SegmentNaming | None") -> Unjudged:
    """Return the sum over these segments."""
    oldest = min((begun_at(each, names) for each in left), default=None)
    return Unjudged(
        segments=len(left),
        bytes=sum(each.fingerprint.size for each in left),
        oldest=None if oldest is None else format_instant(oldest),
        reasons=dict(sorted(Counter(each.why for each in left).items())),
    )


def combined_unjudged(parts: Iterable[Unjudged]) -> Unjudged:
    """Return the sum of these."""
    parts = list(parts)
    return Unjudged(
        segments=sum(part.segments for part in parts),
        bytes=sum(part.bytes for part in parts),
        oldest=earliest_text(part.oldest for part in parts),
        reasons=dict(sorted(sum_counts(part.reasons for part in parts).items())),
    )


def begun_at(left: Left, names: "SegmentNaming | None") -> int:
    """Return when the segment was begun, by its name or else its mtime, which may be any number."""
    named = names.start_time(left.segment) if names else None
    return min(max(left.fingerprint.mtime_ns, 0), LAST) if named is None else named


def unjudged_in_words(unjudged: Unjudged) -> Iterator[str]:
    """Yield one line for a report, if there is anything to say."""
    if unjudged.segments:
        reasons = ", ".join(f"{number:,} {_WORDS.get(why, why)}" for why, number in unjudged.reasons.items())
        size = format_size(unjudged.bytes)
        many = f"{pluralize(unjudged.segments, 'segment')} ({size})"
        yield f"Unjudged: {many}, the oldest of {unjudged.oldest}: {reasons}"


def age_of(instant: str | None, now: str | None) -> float | None:
    """Return how many seconds ago the instant was, 0 if it is in the future; None without one."""
    then, present = parse_instant(instant or ""), parse_instant(now or "")
    return None if then is None or present is None else max(0, present - then) / SECOND


_WORDS = {
    "not_json_lines": "not JSON Lines",
    "no_record": "without a record",
    "not_reached": "not opened or reached",
}
