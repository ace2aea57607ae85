"""Say in `init` that something else may be meant: another log, or another preset. Pure."""

from collections.abc import Iterator

from asynclog.report.init.text import AGAIN
from asynclog.report.recognised import described


def segment_of(base: str, log: str) -> Iterator[str]:
    """Yield a warning if this base name is that of a rotated segment of a `log`, which is empty if there is none."""
    if log:
        yield (
            f"{base} is called like a rotated segment of {log}: if that is the log, correct its path in asynclog.yaml, "
            f"{AGAIN}"
        )


def another_preset(fits: str) -> Iterator[str]:
    """Yield a warning if this preset `fits` the lines, of which none is a record; it is empty if none is certain."""
    if fits:
        yield (
            f"the lines look like those of {described(fits)}: write preset: {fits} into asynclog.yaml, in place of "
            f"another preset or fields, {AGAIN}"
        )
