"""The goals of the project, each a figure that is taken from the same runs as the table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from benchmarks.engines import COPY, LIBRARY, LIMIT, NOT_PACKED, OURS, PYTHON_READER
from benchmarks.environments import TITLES
from benchmarks.layouts import LINES
from benchmarks.results import Entry, Section, ratio
from benchmarks.sections import CHECK, ESTIMATE, IDLE
from benchmarks.table import duration, number

DUCKDB = TITLES["duckdb"]
MIB = 1 << 20


@dataclass(frozen=True)
class Goal:
    """A sentence with a place for the figure, the section it is about, and the least or the most that it should be."""

    sentence: str
    what: str
    figure: Callable[[Section], float]
    least: float = 0
    most: float = inf
    show: Callable[[float], str] = number

    def line(self, section: Section) -> str:
        """Return the sentence with the figure, and whether it holds. Raise MissingError."""
        return verdict(self.sentence, self.figure(section), self.least, self.most, self.show)


def verdict(
    sentence: str, value: float, least: float = 0, most: float = inf, show: Callable[[float], str] = number
) -> str:
    """Return a line with the sentence, the figure in its place, and whether that is what it should be."""
    bound = f"at least {show(least)}" if least else f"at most {show(most)}"
    missed = "" if least <= value <= most else "; **missed**"
    return f"- {sentence.format(f'**{show(value)}**')} (goal: {bound}{missed})"


class MissingError(Exception):
    """A contestant of this comparison did not run."""


def lines(sections: Iterable[Section]) -> list[str]:
    """Return a line for each goal whose contestants ran."""
    by_name = {section.what: section for section in sections}
    found = []
    for goal in GOALS:
        try:
            found.append(goal.line(by_name[goal.what]))
        except (KeyError, MissingError):
            continue
    return found


def _entry(section: Section, name: str, threads: int) -> Entry:
    entry = section.find(name, threads)
    if entry is None:
        raise MissingError
    return entry


def _times(name: str, threads: int, reference: str, reference_threads: int) -> Callable[[Section], float]:
    """Return how many times the reference's time it took."""
    return lambda section: ratio(_entry(section, name, threads), _entry(section, reference, reference_threads)).median


def _times_both(threads: int) -> Callable[[Section], float]:
    """Return how many times as long it took as unpacking, and reading the lines, one after the other."""

    def figure(section: Section) -> float:
        parts = [_entry(section, name, threads).wall for name in (LIBRARY, NOT_PACKED)]
        return _entry(section, OURS, threads).wall / sum(parts)

    return figure


def _by_size(section: Section, threads: int) -> list[Entry]:
    return sorted((entry for entry in section.entries if entry.threads == threads), key=lambda entry: entry.size)


def _peak(position: int) -> Callable[[Section], float]:
    return lambda section: float(_by_size(section, 2)[position].peak)


def _per_byte(threads: int) -> Callable[[Section], float]:
    """Return the ratio of the largest archive to the middle one."""
    return lambda section: ratio(_by_size(section, threads)[2], _by_size(section, threads)[1]).median


def _mebibytes(value: float) -> str:
    return f"{value / MIB:.0f} MiB"


def _crew(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


GOALS = (
    *(
        Goal(
            f"Dry run, {record}-byte records, {_crew(threads)}: {DUCKDB} takes {{}} times as long",
            f"dry run, {record}",
            _times(DUCKDB, threads, OURS, threads),
            least=least,
        )
        for record, least in ((860, 1.8), (170, 3.2))
        for threads in (1, 2)
    ),
    Goal(
        "Dry run, 1 thread: mere reading (`readinto`) takes {} of the time",
        "dry run, 860",
        _times(LIMIT, 1, OURS, 1),
        least=0.22,
    ),
    Goal("Dry run: 2 jobs are {} times as fast as 1", "dry run, 860", _times(OURS, 1, OURS, 2), least=1.8),
    Goal(
        f"Dry run with the Python reader, 2 jobs: {DUCKDB} takes {{}} of the time",
        "dry run, 860",
        _times(DUCKDB, 2, PYTHON_READER, 2),
        least=0.2,
    ),
    *(
        Goal(
            f"Cleanup, {_crew(threads)}: {DUCKDB} takes {{}} times as long for the same job",
            "cleanup",
            _times(DUCKDB, threads, OURS, threads),
            least=5,
        )
        for threads in (1, 2)
    ),
    *(
        Goal(
            f"Cleanup, {_crew(threads)}: it takes {{}} times as long as cp + fsync of what stays",
            "cleanup",
            _times(OURS, threads, COPY, threads),
            most=1.5,
        )
        for threads in (1, 2)
    ),
    *(
        Goal(
            f"Dry run of {preset}'s layout, {_crew(threads)}: it takes {{}} times as long as of MXCP's",
            "layouts",
            _times(f"{OURS}, {preset}", threads, f"{OURS}, mxcp", threads),
            most=1.11,
        )
        for preset in LINES
        if preset != "mxcp"
        for threads in (1, 2)
    ),
    *(
        Goal(
            f"Dry run of {suffix} segments, {_crew(threads)}: it takes {{}} times as long as the library alone",
            f"compressed, {suffix}",
            _times(OURS, threads, LIBRARY, threads),
            most=1.11,
        )
        for suffix in (".gz", ".zst")
        for threads in (1, 2)
    ),
    *(
        Goal(
            f"Dry run of {suffix} segments, {_crew(threads)}: it takes {{}} times as long as the library and a dry run "
            "of the lines, one after the other",
            f"compressed, {suffix}",
            _times_both(threads),
            most=1.11,
        )
        for suffix in (".gz", ".zst")
        for threads in (1, 2)
    ),
    Goal("A job with nothing to do takes {}", "start-up", lambda found: _entry(found, IDLE, 1).wall, 0, 0.15, duration),
    Goal(
        "An estimate of 1,000 known segments takes {} times as long as a check of them",
        "start-up",
        _times(ESTIMATE, 1, CHECK, 1),
        most=1.5,
    ),
    Goal("Peak memory of 2 jobs is {} on the largest archive", "growth", _peak(2), most=80 * MIB, show=_mebibytes),
    Goal("Peak memory of 2 jobs is {} on the smallest archive", "growth", _peak(0), most=80 * MIB, show=_mebibytes),
    Goal(
        "Peak memory of 2 jobs is {} on 20 GiB in one segment",
        "huge",
        lambda found: float(_entry(found, OURS, 2).peak),
        most=80 * MIB,
        show=_mebibytes,
    ),
    *(
        Goal(
            f"Growth, {_crew(threads)}: a byte of the largest archive takes {{}} times as long as of the middle one",
            "growth",
            _per_byte(threads),
            most=1.15,
        )
        for threads in (1, 2)
    ),
)
