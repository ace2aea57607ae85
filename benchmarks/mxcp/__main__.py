"""`make bench-mxcp`: what `mxcp log-cleanup` and asynclog announce and do on the same archives, and how long it takes.

MXCP is installed into an environment of its own, the first time. Everything else is made in a folder of its own and
removed at the end. Only `--write` changes a file of the project.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from asynclog.records.kernel import choose_reader
from benchmarks import page as whole_page
from benchmarks.environments import find
from benchmarks.machine import describe
from benchmarks.mxcp.cases import cases
from benchmarks.mxcp.compare import compare
from benchmarks.mxcp.page import BEGIN, END, PAGE, table
from benchmarks.timing import BenchmarkError

ROOT = Path(__file__).parent.parent.parent
# Newer versions of dbt-core need a package that downloads a binary of its own while it is installed.
REQUIREMENTS = ("mxcp==0.12.3", "dbt-core<1.11")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; 1 if MXCP can't be installed, or if asynclog was wrong."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _parser().parse_args(arguments)
    try:
        text = _compared(options)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(text)
    if options.write:
        whole_page.put(text, PAGE, BEGIN, END)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mxcp", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--environments", type=Path, default=ROOT / ".bench", help="where MXCP is installed (.bench)")
    add("--folder", type=Path, default=Path("/var/tmp"), help="where the archives are made (/var/tmp)")  # noqa: S108
    add("--write", action="store_true", help="put the table into docs/mxcp.md")
    return parser


def _compared(options: argparse.Namespace) -> str:
    peer = find("mxcp", options.environments, REQUIREMENTS)
    if isinstance(peer, str):
        raise BenchmarkError(peer)
    options.folder.mkdir(parents=True, exist_ok=True)
    found = []
    with TemporaryDirectory(prefix="asynclog-mxcp-", dir=options.folder) as folder:
        machine = describe(Path(folder), (), choose_reader(None))
        for case in cases():
            print(f"{case.title} …", file=sys.stderr, flush=True)
            found.append(compare(case, peer, Path(folder)))
    run = f"`make bench-mxcp`, {datetime.now(UTC):%Y-%m-%d}; one run of each, from its start to its end."
    return "\n\n".join(("\n".join(f"- {each}" for each in machine), run, table(found, peer.version)))


if __name__ == "__main__":
    sys.exit(main())
