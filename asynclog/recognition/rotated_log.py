"""Which log of its folder a file seems to be a rotated segment of. Pure."""

from collections.abc import Iterable

from asynclog.storage.naming import SegmentNaming


def log_of(segment: str, names: Iterable[str]) -> str:
    """Return which of these names of files is that of the log; empty if none is."""
    # Few names are worth compiling what their segments are called.
    near = (name for name in names if segment.startswith(name.rpartition(".")[0] or name))
    return min((name for name in near if SegmentNaming(name).is_rotated(segment)), key=len, default="")
