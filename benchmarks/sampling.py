"""`make bench-sample`: how far the figures of `estimate --sample` are from the truth, and whether intervals hold it.

Write an archive, estimate it from samples with the seeds 1, 2, 3 and so on, and compare each figure with the exact one,
which agrees with what the generator counted while writing. The estimates run in this process, one after the other.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from asynclog.cancellation import StopRequest
from asynclog.config.logs import resolve_logs
from asynclog.runner.estimate import estimate_log
from benchmarks.archives import NOW, Archive, Shape, Store, drop_from_cache
from benchmarks.generate import UNITS, count
from benchmarks.generate import size as size_of
from benchmarks.page import PAGE, put
from benchmarks.sections import USUAL, amount
from benchmarks.timing import BenchmarkError

BEGIN, END = "<!-- samples: begin -->", "<!-- samples: end -->"
GOALS_FROM = 10 * UNITS["GiB"]
NEAR = 0.03  # of the truth
MOST_READ = 0.01  # of the archive
COVERED = 0.9  # of the trials
SHARE = 0.05  # of what has expired: of smaller ones too few records are in a sample
LOG = "the log"


@dataclass(frozen=True)
class Trial:
    """One figure of one estimate: its error, as a share of the truth, and whether its interval holds the truth."""

    error: float
    width: float
    covered: bool


@dataclass(frozen=True)
class Figure:
    """The expired bytes of the log, or of a schema: the exact number, and all trials."""

    name: str
    truth: int
    share: float
    trials: list[Trial]

    @property
    def covered(self) -> int:
        return sum(trial.covered for trial in self.trials)

    @property
    def near(self) -> int:
        """The number of trials that are as near to the truth as they should be."""
        return sum(trial.error <= NEAR for trial in self.trials)

    @property
    def is_large(self) -> bool:
        return self.share >= SHARE

    def is_met(self) -> bool:
        """Whether the goals are: for the error, half a trial in twenty may be an outlier, as a 95 % interval allows."""
        return self.covered >= COVERED * len(self.trials) and (
            not self.is_large or self.near >= 0.95 * len(self.trials)
        )

    def row(self) -> str:
        errors = sorted(trial.error for trial in self.trials)
        cells = (
            self.name,
            f"{self.truth / 1e6:,.0f} MB",
            f"{self.share:.1%}",
            f"{median(errors):.2%}",
            f"{errors[len(errors) * 95 // 100 - 1]:.2%}",
            f"{errors[-1]:.2%}",
            f"±{median(trial.width for trial in self.trials):.2%}",
            f"{self.near} of {len(errors)}",
            f"{self.covered} of {len(errors)}",
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| expired bytes of | truth | of all expired | median error | 95th percentile | largest | interval | within 3 % "
    "| covered |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print; 1 if a goal is missed or a figure is wrong."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="asynclog-sample-", dir=options.folder) as folder:
        try:
            archive = Store(Path(folder)).archive(Shape(USUAL, options.size, options.segments))
            text, met = measure(archive, options.trials)
        except BenchmarkError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
    print(text)
    if options.write:
        put(text, PAGE, BEGIN, END)
    return 0 if met or archive.summary.bytes < GOALS_FROM * 0.99 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampling", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--size", type=size_of, default=GOALS_FROM, help="of the archive (10GiB)")
    add("--segments", type=count, default=Shape(USUAL, 0).segments, help="that it has (18)")
    add("--trials", type=count, default=100, help="how many samples are drawn (100)")
    add("--folder", type=Path, default=Path("/var/tmp"), help="where the archive is made (/var/tmp)")  # noqa: S108
    add("--write", action="store_true", help="put the figures into docs/performance.md")
    return parser


def measure(archive: Archive, trials: int) -> tuple[str, bool]:
    """Return the figures as Markdown, and whether all goals are met. Raise BenchmarkError."""
    drop_from_cache(archive.folder)
    before, start = _read_from_disk(), perf_counter()
    first = estimate(archive, seed=1)
    seconds, from_disk = perf_counter() - start, _read_from_disk() - before
    truth = _exact(archive)
    results = [first, *(estimate(archive, seed=seed) for seed in range(2, trials + 1))]
    figures = list(_figures(truth, results))
    share = max(result["read"]["bytes"] for result in results) / archive.summary.bytes
    met = all(figure.is_met() for figure in figures) and max(share, from_disk / archive.summary.bytes) <= MOST_READ
    about = (
        f"{amount(archive.summary.bytes)} in {archive.summary.segments} segments, {trials} samples of "
        f"{first['sample']['blocks']:,} blocks: at most {share:.2%} of the archive read. The first one took "
        f"{seconds:.1f} s with nothing in the page cache, and read {from_disk / archive.summary.bytes:.2%} of it from "
        "the disk."
    )
    return "\n".join([about, "", HEAD, *(figure.row() for figure in figures)]), met


def estimate(archive: Archive, seed: int | None) -> dict[str, Any]:
    """Return the result of an estimate, from a sample if there is a seed."""
    logs = resolve_logs({"path": str(archive.log), "now": NOW, "no_catalog": True}, {})
    result: dict[str, Any] = estimate_log(logs, (), StopRequest(), scan=True, seed=seed).document()["result"]
    return result


def _exact(archive: Archive) -> dict[str, Any]:
    result = estimate(archive, seed=None)
    found = {key: row["frees"][0]["records"] for key, row in result["schemas"].items() if row["frees"][0]["records"]}
    if found != archive.summary.expired_per_schema:
        raise BenchmarkError(f"the exact estimate is not what the generator wrote: {found}")
    return result


def _figures(truth: dict[str, Any], results: list[dict[str, Any]]) -> Iterator[Figure]:
    """Yield the figures: of the log first, then of each schema of which something has expired."""
    everything = truth["totals"]["frees"][0]["bytes"]
    yield _figure(LOG, everything, 1.0, [result["totals"]["frees"][0] for result in results])
    for key, row in truth["schemas"].items():
        if expired := row["frees"][0]["bytes"]:
            rows = [result["schemas"][key]["frees"][0] for result in results]
            yield _figure(key, expired, expired / everything, rows)


def _figure(name: str, truth: int, share: float, rows: list[dict[str, Any]]) -> Figure:
    trials = [
        Trial(
            abs(row["bytes"] - truth) / truth,
            (row["bytes_high"] - row["bytes_low"]) / 2 / truth,
            row["bytes_low"] <= truth <= row["bytes_high"],
        )
        for row in rows
    ]
    return Figure(name, truth, share, trials)


def _read_from_disk() -> int:
    """Return how many bytes this process has had read from disks."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{os.getpid()}/io").read_text().splitlines())
    return int(fields["read_bytes"])


if __name__ == "__main__":
    sys.exit(main())
