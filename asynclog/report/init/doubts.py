"""Warnings of `init` about what may not be meant. Pure."""

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


def another_preset(asked: str, fits: str) -> Iterator[str]:
    """Yield a warning if another preset `fits` the lines than the one asked for; it is empty if none is certain."""
    if fits not in ("", asked):
        yield (
            f"the lines look like those of {described(fits)}: write preset: {fits} in place of preset: {asked} into "
            f"asynclog.yaml, {AGAIN}"
        )
