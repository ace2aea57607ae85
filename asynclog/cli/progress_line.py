"""Tell how far a run has come, in one line. Pure."""

import math
from collections.abc import Iterator, Sequence

from asynclog.cancellation import StopRequest
from asynclog.formatting import format_size, pluralize
from asynclog.progress import Reached
from asynclog.report.cleanup.text import duration

_STEPS = {
    "lock": "waiting for the log's lock",
    "list": "opening the log",
    "wait for writers": "waiting for writers to close what was replaced",
}


def progress_line(
    reached: Reached | None, stop: StopRequest, rate: float | None = None, room: int | None = None
) -> str:
    """Return `scan: 45 %, 1.8 GiB of 4.0 GiB, 12 of 64 segments, 410.0 MiB/s, 5s left`, and the limits of its time.

    The rate is in bytes a second, by default that since the step began. In a room of so many characters only what
    matters most is said, and in less than that its beginning.
    """
    if reached is None:
        return "between two steps"
    parts = [*_bytes(reached, _rate(reached) if rate is None else rate), *_limits(stop)]
    if not parts:
        parts.append((0, f"for {duration(reached.seconds)} so far"))
    step = f"{reached.part}: " if reached.part else ""
    step += _STEPS.get(reached.step, reached.step)
    line = _joined(step, parts)
    while room is not None and len(line) > room and len(parts) > 1:
        parts.remove(max(parts, key=lambda part: part[0]))
        line = _joined(step, parts)
    return line if room is None or len(line) <= room else f"{line[: max(0, room - 3)]}..."[:room]


# The parts of the line: what matters most has the lowest number.
_Part = tuple[int, str]


def _joined(step: str, parts: Sequence[_Part]) -> str:
    return f"{step}: {', '.join(text for _, text in parts)}"


def _rate(reached: Reached) -> float:
    return reached.bytes_done / reached.seconds if reached.seconds > 0 else 0


def _bytes(reached: Reached, rate: float) -> Iterator[_Part]:
    done, size = reached.bytes_done, reached.bytes
    if size:
        yield 0, f"{done * 100 // size} %"
        yield 3, f"{format_size(done)} of {format_size(size)}"
    if reached.segments:
        yield 5, f"{reached.segments_done:,} of {pluralize(reached.segments, 'segment')}"
    if done and rate >= 1:
        yield 4, f"{format_size(round(rate))}/s"
        if done < size:
            yield 2, f"{duration(math.ceil((size - done) / rate))} left"


def _limits(stop: StopRequest) -> Iterator[_Part]:
    """Yield that the run has been asked to end, or how near the end of its time is."""
    left = stop.seconds_left
    if stop.signal is not None:
        yield 1, f"{stop.signal.name}: finishing what was begun"
    elif left is not None and left < 0:
        yield 1, f"{duration(-left)} over its time: finishing what was begun"
    elif left is not None:
        yield 6, f"time is up in {duration(math.ceil(left))}"
