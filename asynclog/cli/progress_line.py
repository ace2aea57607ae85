"""How far a run has come, as one line. Pure."""

import math

from asynclog.cancellation import StopRequest
from asynclog.formatting import format_size, pluralize
from asynclog.progress import Reached
from asynclog.report.cleanup.text import duration

_STEPS = {
    "lock": "waiting for the log's lock",
    "list": "opening the log",
    "wait for writers": "waiting for writers to close what was replaced",
}


def progress_line(reached: Reached | None, stop: StopRequest, rate: float | None = None) -> str:
    """Return `scan: 45 %, 1.8 GiB of 4.0 GiB, 12 of 64 segments, 410.0 MiB/s, 5s left`, and the limits of its time.

    The rate is in bytes a second, by default that since the step began.
    """
    if reached is None:
        return "between two steps"
    parts = [*_bytes(reached, _rate(reached) if rate is None else rate), *_limits(stop)]
    step = f"{reached.part}: " if reached.part else ""
    step += _STEPS.get(reached.step, reached.step)
    return f"{step}: {', '.join(parts)}" if parts else f"{step}, for {duration(reached.seconds)} so far"


def _rate(reached: Reached) -> float:
    return reached.bytes_done / reached.seconds if reached.seconds > 0 else 0


def _bytes(reached: Reached, rate: float) -> list[str]:
    done, size = reached.bytes_done, reached.bytes
    parts = [f"{done * 100 // size} %, {format_size(done)} of {format_size(size)}"] if size else []
    if reached.segments:
        parts.append(f"{reached.segments_done:,} of {pluralize(reached.segments, 'segment')}")
    if done and rate >= 1:
        parts.append(f"{format_size(round(rate))}/s")
        if done < size:
            parts.append(f"{duration(math.ceil((size - done) / rate))} left")
    return parts


def _limits(stop: StopRequest) -> list[str]:
    """Return that the run has been asked to end, or how near the end of its time is."""
    left = stop.seconds_left
    if stop.signal is not None:
        return [f"{stop.signal.name}: finishing what was begun"]
    if left is None:
        return []
    if left < 0:
        return [f"{duration(-left)} over its time: finishing what was begun"]
    return [f"time is up in {duration(math.ceil(left))}"]
