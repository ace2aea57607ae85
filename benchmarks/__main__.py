"""`make bench`: asynclog against its peers and against the machine. `--help` has the options.

Everything is made in a folder of its own and removed at the end. Only `--write` changes a file of the project.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asynclog.records.kernel import choose_reader
from benchmarks import own_archive, page
from benchmarks.archives import Store
from benchmarks.environments import TITLES, Peer, find
from benchmarks.generate import UNITS, count
from benchmarks.generate import size as size_of
from benchmarks.machine import describe
from benchmarks.results import Section
from benchmarks.sections import Comparison, Course, amount, comparisons
from benchmarks.table import table
from benchmarks.timing import BenchmarkError

ROOT = Path(__file__).parent.parent
QUICK = (64 * UNITS["MiB"], 3)
FULL = (2 * UNITS["GiB"], 5)


def main(arguments: list[str] | None = None) -> int:
    """Measures what was asked for and prints it; 1 where a contestant failed or gave a wrong answer."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _parser().parse_args(arguments)
    size, rounds = QUICK if options.quick else FULL
    size, rounds = options.size or size, options.rounds or rounds
    try:
        if options.archive:
            _own_archive(options.archive, rounds)
        else:
            _all(options, size, rounds)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add(
        "--archive",
        type=Path,
        metavar="FOLDER",
        help="only time dry runs of the logs there (or of that log), read-only",
    )
    add("--quick", action="store_true", help="64 MiB and 3 runs, to try it out")
    add(
        "--size", type=size_of, help="of the archives that are compared (2GiB); growth goes from 1/32 of it to twice it"
    )
    add("--rounds", type=count, help="how many runs are timed of each, after one that warms up (5)")
    add("--only", nargs="+", metavar="WHAT", help="comparisons whose names begin so: 'dry run', cleanup, growth, …")
    add("--huge", action="store_true", help="also a dry run of 20 GiB")
    add("--peers", nargs="*", choices=TITLES, default=list(TITLES), help="which of the others take part (all)")
    add("--environments", type=Path, default=ROOT / ".bench", help="where the peers are installed (.bench)")
    add("--folder", type=Path, default=Path("/var/tmp"), help="where the archives are made (/var/tmp)")  # noqa: S108
    add("--keep", action="store_true", help="leave the archives in FOLDER/asynclog-bench for the next time")
    add("--write", action="store_true", help="put the figures into docs/performance.md and draw docs/performance.svg")
    return parser


def _own_archive(path: Path, rounds: int) -> None:
    for log in own_archive.find_logs(path):
        section = own_archive.measure(log, rounds)
        print(table([section]), *(f"\n{note}" for note in section.notes), sep="\n", end="\n\n", flush=True)


def _all(options: argparse.Namespace, size: int, rounds: int) -> None:
    peers, skipped = _peers(options)
    with _work_folder(options.folder, keep=options.keep) as folder:
        course = Course(Store(folder), peers, size, rounds)
        sections, left_out = _measure(course, options)
        machine = describe(folder, peers, choose_reader(None))
    figures = page.text(sections, machine, [*skipped, *left_out], size, rounds)
    print(figures)
    if options.write:
        page.write(figures, sections)


def _peers(options: argparse.Namespace) -> tuple[tuple[Peer, ...], list[str]]:
    found = [find(package, options.environments) for package in options.peers]
    return tuple(peer for peer in found if isinstance(peer, Peer)), [each for each in found if isinstance(each, str)]


@contextmanager
def _work_folder(parent: Path, *, keep: bool) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    if keep:
        folder = parent / "asynclog-bench"
        folder.mkdir(exist_ok=True)
        yield folder
        return
    folder = Path(tempfile.mkdtemp(prefix="asynclog-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _measure(course: Course, options: argparse.Namespace) -> tuple[list[Section], list[str]]:
    """Run the comparisons, and remove each archive as soon as no later one needs it. Raise BenchmarkError."""
    wanted = _wanted(course, options)
    sections, skipped = [], []
    for number, comparison in enumerate(wanted):
        needs, free = comparison.needs(course.store), course.store.free()
        if needs > free:
            skipped.append(f"{comparison.what} was skipped: it needs {amount(needs)}, and {amount(free)} are free")
            continue
        print(f"{comparison.what} …", file=sys.stderr, flush=True)
        sections.append(comparison.measure())
        if not options.keep:
            course.store.keep_only(shape for later in wanted[number + 1 :] for shape in later.archives)
    return sections, skipped


def _wanted(course: Course, options: argparse.Namespace) -> list[Comparison]:
    known = [each for each in comparisons(course) if options.huge or each.what != "huge"]
    for word in options.only or ():
        if not any(each.what.startswith(word) for each in known):
            raise BenchmarkError(f"--only {word!r}: there are {', '.join(each.what for each in known)}")
    return [each for each in known if not options.only or each.what.startswith(tuple(options.only))]


if __name__ == "__main__":
    sys.exit(main())
