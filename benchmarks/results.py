"""The measurements, as plain values: runs, medians, and ratios that are taken pair by pair."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Run:
    """One process from its start to its end: seconds, and the most memory that it had, in bytes, 0 if not known."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Entry:
    """All runs of one contestant but the warm-up; `size` is how many bytes each of them read, 0 for no matter."""

    name: str
    threads: int
    size: int
    runs: tuple[Run, ...]

    @property
    def wall(self) -> float:
        return median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return median(run.cpu for run in self.runs)

    @property
    def peak(self) -> int:
        """The largest of all runs."""
        return max(run.peak for run in self.runs)

    @property
    def speed(self) -> float | None:
        """Gigabytes (10⁹) a second."""
        return self.size / self.wall / 1e9 if self.size else None


@dataclass(frozen=True)
class Ratio:
    """A median of ratios, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float


def ratio(entry: Entry, reference: Entry) -> Ratio:
    """Return how many times the reference's time, per byte, the entry took; run by run, as they were made in turn."""
    scale = reference.size / entry.size if entry.size and reference.size else 1.0
    pairs = [each.wall / other.wall * scale for each, other in zip(entry.runs, reference.runs, strict=True)]
    return Ratio(median(pairs), min(pairs), max(pairs))


@dataclass(frozen=True)
class Section:
    """One comparison: entries that ran in turn, by name and threads, and the name of the one that all are set against.

    `what` identifies it, such as `dry run, 860`; `title` is what a reader sees; `notes` say what was left out.
    """

    what: str
    title: str
    reference: str
    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(entry.name for entry in self.entries))

    @property
    def thread_counts(self) -> list[int]:
        return sorted({entry.threads for entry in self.entries})

    def find(self, name: str, threads: int) -> Entry | None:
        return next((entry for entry in self.entries if (entry.name, entry.threads) == (name, threads)), None)

    def overdrawn(self) -> list[str]:
        """Who had more processors than it was given threads, in words."""
        return [
            f"{self.title}: {entry.name} used {entry.cpu:.2f} s of processors in {entry.wall:.2f} s, "
            f"which is more than {entry.threads} can give"
            for entry in self.entries
            if entry.cpu > 1.1 * entry.threads * entry.wall + 0.1
        ]

    def ratio(self, entry: Entry) -> Ratio | None:
        """Against the reference with as many threads; None where that was not measured."""
        reference = self.find(self.reference, entry.threads)
        return ratio(entry, reference) if reference else None
