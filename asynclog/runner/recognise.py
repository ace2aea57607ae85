"""Recognise whose log it is by its name and some of its lines. Change nothing, and take no lock."""

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from asynclog.config.presets import load_presets
from asynclog.config.settings import Settings
from asynclog.executors.rate_limit import RateLimiter
from asynclog.recognition.recognise import Recognition, presets_named, recognise, sample_of
from asynclog.runner.wiring import opened_source
from asynclog.scan.sample_lines import sample_lines
from asynclog.segments import Segment
from asynclog.storage.segment_reader import ReadStore


def recognise_log(settings: Settings) -> Recognition:
    """Return whose log it seems to be; one without lines if its folder does not exist. Raise ConfigurationError.

    A product that gives its log this name may give its segments names that no rotator does.
    """
    more = [load_presets()[name].segments for name in presets_named(settings.base)]
    wide = msgspec.structs.replace(settings, more_names=tuple(name for names in more for name in names))
    found = _recognise_listed(wide)
    return found if found.preset or not wide.more_names else _recognise_listed(settings)


def recognise_segments(
    store: ReadStore, rate: RateLimiter, base: str, segments: Sequence[Segment], names: Sequence[str] = ()
) -> Recognition:
    """Return whose log it seems to be that has these segments, which are in order, in a folder with these names."""
    return recognise(sample_of(base, sample_lines(store, rate, segments), names))


def _recognise_listed(settings: Settings) -> Recognition:
    rate = RateLimiter(settings.io_limit)
    with ExitStack() as resources:
        try:
            store = resources.enter_context(opened_source(settings, rate))
        except FileNotFoundError:  # whoever inspects the log says so
            return recognise(sample_of(settings.base, ()))
        listing = store.list()
        return recognise_segments(store, rate, settings.base, listing.segments, listing.names)
