"""`make bench-nightly`: cold, warm, one new day, a policy changed by a day; and one huge segment. `--help` has more.

Everything is made in a folder of its own and removed at the end. Only `--write` changes a file of the project.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from asynclog.records.kernel import choose_reader
from benchmarks import page as whole_page
from benchmarks.archives import Shape, Store
from benchmarks.engines import dry_run
from benchmarks.generate import count
from benchmarks.goals import verdict
from benchmarks.machine import describe
from benchmarks.nightly.log import DAYS, Log
from benchmarks.nightly.measure import Nights, measure
from benchmarks.nightly.page import BEGIN, END, goals, table
from benchmarks.sections import amount
from benchmarks.timing import BenchmarkError, time_one

SMALL = 8 << 10  # bytes of a segment of short records, in which all schemas occur
SHORT = 170  # bytes of a record
FULL = (Shape(860, 1 << 30, 1000), Shape(860, 10 << 30, 10_000), Shape(SHORT, 100_000 * SMALL, 100_000))
HUGE = (Shape(860, 1 << 30, 1), Shape(860, 20 << 30, 1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 where a run failed or did something else than it should have."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _parser().parse_args(arguments)
    shapes = [Shape(SHORT, number * SMALL, number) for number in options.segments] or FULL
    try:
        text = _measured(shapes, options)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(text)
    if options.write:
        whole_page.put(text, whole_page.PAGE, BEGIN, END)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nightly", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add(
        "--segments",
        nargs="+",
        type=count,
        default=[],
        metavar="N",
        help=f"logs of so many segments of {amount(SMALL)} (1,000 and 10,000 of 1 MiB, and 100,000 of {amount(SMALL)})",
    )
    add("--rounds", type=count, default=3, help="how many cold runs are timed, and five warm ones for each (3)")
    add("--huge", action="store_true", help="also the peak memory of 1 GiB and of 20 GiB in one segment")
    add("--folder", type=Path, default=Path("/var/tmp"), help="where the logs are made (/var/tmp)")  # noqa: S108
    add("--write", action="store_true", help="put the figures into docs/performance.md")
    return parser


def _measured(shapes: Sequence[Shape], options: argparse.Namespace) -> str:
    options.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="asynclog-nightly-", dir=options.folder) as folder:
        machine = describe(Path(folder), (), choose_reader(None))
    # First, for the peak of a job is only known where it is above that of this process, which grows with long listings.
    huge = [_huge(options.folder)] if options.huge else []
    found = [_nights(shape, options) for shape in shapes]
    lines = [*(goals(found) if shapes is FULL else []), *huge]
    rounds = f"Medians of {options.rounds} cold and {5 * options.rounds} warm runs, {datetime.now(UTC):%Y-%m-%d}."
    parts = ("\n".join(f"- {line}" for line in machine), rounds, "\n".join(lines), table(found))
    return "\n\n".join(part for part in parts if part)


def _nights(shape: Shape, options: argparse.Namespace) -> Nights:
    """One log at a time is on the disk."""
    print(f"{shape.segments:,} segments …", file=sys.stderr, flush=True)
    with TemporaryDirectory(prefix="asynclog-nightly-", dir=options.folder) as folder:
        place = Path(folder)
        single = Log(place / "single", Shape(SHORT, SMALL, 1))
        log = Log(place, _with_a_day_more(shape))
        return measure(log, single, options.rounds)


def _with_a_day_more(shape: Shape) -> Shape:
    """Of 101 days, so that the first 100 are what was asked for."""
    return Shape(shape.record, shape.size * (DAYS + 1) // DAYS, shape.segments * (DAYS + 1) // DAYS)


def _huge(parent: Path) -> str:
    peaks = list(_peaks(parent))
    if not all(peaks):
        raise BenchmarkError("the peak of a job with one huge segment is below that of the benchmark itself")
    title = " and ".join(amount(shape.size) for shape in HUGE)
    shown = " and ".join(amount(peak) for peak in peaks)
    return verdict(f"Peak memory of one segment of {title}: {shown}, {{}} times", peaks[1] / peaks[0], most=1.1)


def _peaks(parent: Path) -> Iterator[int]:
    for shape in HUGE:
        print(f"one segment of {amount(shape.size)} …", file=sys.stderr, flush=True)
        with TemporaryDirectory(prefix="asynclog-nightly-", dir=parent) as folder:
            yield time_one(dry_run(Store(Path(folder)).archive(shape), 2)).peak


if __name__ == "__main__":
    sys.exit(main())
