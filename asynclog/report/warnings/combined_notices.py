"""The notices of several logs as one. Pure."""

from collections.abc import Iterable, Mapping

from asynclog.report.neighbours import Neighbours
from asynclog.report.unjudged_segments import combined_unjudged
from asynclog.report.warnings.notices import MOST_NAMES, Notices


def combined_notices(notices: Mapping[str, Notices], warnings: Iterable[str]) -> Notices:
    """Return the notices of logs, by their paths, as one; `warnings` are about all of them, and come first."""
    each = list(notices.values())
    return Notices(
        [*warnings, *(f"{path}: {warning}" for path, found in notices.items() for warning in found.warnings)],
        combined_neighbours([found.neighbours for found in each]),
        combined_unjudged([found.unjudged for found in each]),
    )


def combined_neighbours(parts: list[Neighbours]) -> Neighbours:
    """Return the sum of these."""
    names = [name for part in parts for name in part.names]
    return Neighbours(sum(part.count for part in parts), names[:MOST_NAMES])
