"""The figures of all logs as one table, what the project holds itself to, and the page that keeps them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.goals import verdict
from benchmarks.nightly.measure import Nights, peak, wall
from benchmarks.sections import amount
from benchmarks.table import duration, line, number

BEGIN, END = "<!-- nightly: begin -->", "<!-- nightly: end -->"


@dataclass(frozen=True)
class Row:
    """One figure of each log, and how it grows from one log to the next; by the segment, unless it is a ratio."""

    title: str
    figure: Callable[[Nights], float]
    show: Callable[[float], str]
    growth: Callable[[Nights, Nights, Callable[[Nights], float]], str]


def table(found: Sequence[Nights]) -> str:
    """Return a table with a column for each log, and one for the growth since the one before."""
    titles = [f"{nights.segments:,} segments" for nights in found]
    header = ("", titles[0], *(cell for title in titles[1:] for cell in (title, "growth")))
    rows = [header, ("---", *["---:"] * (len(header) - 1)), *(_cells(row, found) for row in ROWS)]
    return "\n".join(map(line, rows))


def _cells(row: Row, found: Sequence[Nights]) -> tuple[str, ...]:
    pairs = ((row.show(row.figure(b)), row.growth(a, b, row.figure)) for a, b in pairwise(found))
    return (row.title, row.show(row.figure(found[0])), *(cell for pair in pairs for cell in pair))


def _by_segment(before: Nights, after: Nights, figure: Callable[[Nights], float]) -> str:
    return _times(before, after, lambda nights: figure(nights) / nights.segments)


def _times(before: Nights, after: Nights, figure: Callable[[Nights], float]) -> str:
    return f"x {number(figure(after) / figure(before))}"


def _more(before: Nights, after: Nights, figure: Callable[[Nights], float]) -> str:
    return f"{_kibibytes(figure(after) - figure(before), after.segments - before.segments)} a segment"


def _none(_before: Nights, _after: Nights, _figure: Callable[[Nights], float]) -> str:
    return ""


def _kibibytes(size: float, segments: int) -> str:
    return f"{size / segments / 1024:.2f} KiB"


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else duration(seconds)


def _amount(size: float) -> str:
    return amount(int(size))


ROWS = (
    Row("bytes", lambda nights: nights.size, _amount, _by_segment),
    Row("cold run: all is read", lambda nights: wall(nights.cold), duration, _by_segment),
    Row("warm run: nothing has changed", lambda nights: wall(nights.warm), duration, _by_segment),
    Row("cold : warm", lambda nights: nights.speed_up, number, _none),
    Row("start-up, of the processor", lambda nights: nights.start_up, duration, _none),
    Row(
        "cold run, of the processor beyond that, a segment",
        lambda nights: nights.cpu(nights.cold),
        _microseconds,
        _times,
    ),
    Row(
        "warm run, of the processor beyond that, a segment",
        lambda nights: nights.cpu(nights.warm),
        _microseconds,
        _times,
    ),
    Row("cold run, peak memory", lambda nights: peak(nights.cold), _amount, _more),
    Row("warm run, peak memory", lambda nights: peak(nights.warm), _amount, _more),
    Row("one new day: a cleanup", lambda nights: nights.new_day.run.wall, duration, _by_segment),
    Row("new bytes", lambda nights: nights.new_day.new, _amount, _none),
    Row("bytes of segments that are rewritten or go", lambda nights: nights.new_day.crossed, _amount, _none),
    Row("bytes read : both", lambda nights: nights.new_day.ratio, number, _times),
    Row("policy changed by a day: a cleanup", lambda nights: nights.new_policy.run.wall, duration, _by_segment),
    Row("bytes of segments that are rewritten or go", lambda nights: nights.new_policy.crossed, _amount, _none),
    Row("bytes read : these", lambda nights: nights.new_policy.ratio, number, _times),
    Row("load of the machine before", lambda nights: nights.load, number, _none),
)


def goals(found: Sequence[Nights]) -> list[str]:
    """For the three sizes that they are about: 1,000, 10,000 and 100,000 segments."""
    small, usual, large = found
    flat = large.cpu(large.warm) / small.cpu(small.warm)
    memory = (peak(large.warm) - peak(small.warm)) / (large.segments - small.segments)
    ratio = max(nights.new_day.ratio for nights in found)
    return [
        verdict("A warm run over 10,000 segments is {} times as fast as the cold one", usual.speed_up, least=200),
        verdict(
            "It takes {} of the processor a segment, beyond start-up", usual.cpu(usual.warm), 0, 30e-6, _microseconds
        ),
        verdict("100,000 segments are planned in {}", wall(large.warm), 0, 4, duration),
        verdict("A segment of 100,000 takes {} times the processor that one of 1,000 does", flat, most=1.3),
        verdict("Memory grows by {} a segment", memory, 0, 2048, lambda size: _kibibytes(size, 1)),
        verdict(
            "One new day: for each byte that is new or in a segment that a cutoff crosses, {} are read", ratio, most=1.2
        ),
    ]
