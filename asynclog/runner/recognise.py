"""Recognise whose log it is by its name and some of its lines. Change nothing, and take no lock."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

import msgspec

from asynclog.config.presets import load_presets
from asynclog.config.settings import Settings
from asynclog.executors.rate_limit import RateLimiter
from asynclog.recognition.recognise import Recognition, presets_named, recognise, sample_of
from asynclog.runner.wiring import WIRING, Wiring
from asynclog.scan.reading.sample_lines import sample_lines
from asynclog.segments import Segment
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.segment_reader import ReadStore


def recognise_log(settings: Settings, wiring: Wiring | None = None) -> Recognition:
    """Return whose log it seems to be; one without lines if its folder does not exist. Raise ConfigurationError.

    A product that gives its log this name may give its segments names that no rotator does. If lines of such files are
    not all that product's, it is not its preset, which would take them, too.
    """
    wiring = wiring or WIRING
    wide = [name for name in presets_named(settings.base) if load_presets()[name].segments]
    more_names = tuple(pattern for name in wide for pattern in load_presets()[name].segments)
    found = _recognise_listed(msgspec.structs.replace(settings, more_names=more_names), wiring)
    return found if found.preset or not wide else _recognise_listed(settings, wiring, wide)


def log_of_segment(settings: Settings, wiring: Wiring | None = None) -> str:
    """Return which log this one seems to be a rotated segment of; empty if none. Raise ConfigurationError."""
    wiring = wiring or WIRING
    try:
        with wiring.opened_source(settings, wiring.rate_limiter(settings.io_limit)) as store:
            return _log_of(settings.base, store.list().names)
    except FileNotFoundError:  # of the folder
        return ""


def _log_of(segment: str, names: Iterable[str]) -> str:
    """Return which of these names of files is that of the log; empty if none is."""
    # Few names are worth compiling what their segments are called.
    near = (name for name in names if segment.startswith(name.rpartition(".")[0] or name))
    return min((name for name in near if SegmentNaming(name).is_rotated(segment)), key=len, default="")


def recognise_segments(
    store: ReadStore, rate: RateLimiter, base: str, segments: Sequence[Segment], names: Sequence[str] = ()
) -> Recognition:
    """Return whose log it seems to be that has these segments, which are in order, in a folder with these names."""
    return recognise(sample_of(base, sample_lines(store, rate, segments), names))


def _recognise_listed(settings: Settings, wiring: Wiring, wide: Sequence[str] = ()) -> Recognition:
    rate = wiring.rate_limiter(settings.io_limit)
    with ExitStack() as resources:
        try:
            store = resources.enter_context(wiring.opened_source(settings, rate))
        except FileNotFoundError:  # whoever inspects the log says so
            return recognise(sample_of(settings.base, ()))
        listing = store.list()
        lines = sample_lines(store, rate, listing.segments)
        return recognise(sample_of(settings.base, lines, listing.names), wide)
