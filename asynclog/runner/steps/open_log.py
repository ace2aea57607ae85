"""A log that is open for a run: its store, its segments as listed, and what is known of them."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from asynclog.config.paths.contested_segments import refuse
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.plan.decide import Conditions, conditions_of, conditions_of_files
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.fields import in_words
from asynclog.records.kernel import Kind, choose_reader
from asynclog.runner.wiring import Wiring
from asynclog.scan.context import ScanContext
from asynclog.scan.scanner import Scanner
from asynclog.segments import Segment
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.profile_claims import contests, strays
from asynclog.storage.segment_store import SegmentSource

if TYPE_CHECKING:
    from asynclog.catalog.store import Catalog

logger = logging.getLogger("asynclog")
S = TypeVar("S", bound=SegmentSource)


class Log(msgspec.Struct, frozen=True):
    """A log as it was listed at `listed_at` (ns since 1970, by the real clock); `scanner` reads it."""

    settings: Settings
    store: SegmentSource
    naming: SegmentNaming
    scanner: Scanner
    neighbours: Sequence[str]
    strays: Mapping[str, int]
    segments: dict[str, Segment]
    conditions: Conditions
    catalog: "Catalog | None"
    listed_at: int

    @property
    def cutoffs(self) -> Cutoffs:
        """The cutoffs that decide which of its records have expired."""
        return self.scanner.context.cutoffs


class OpenStore(msgspec.Struct, Generic[S], frozen=True):
    """The open store of a log, and how it is read."""

    settings: Settings
    wiring: Wiring
    store: S
    kind: Kind
    rate: RateLimiter


def open_store(
    settings: Settings,
    wiring: Wiring,
    opened: Callable[[Settings, RateLimiter], AbstractContextManager[S]],
    resources: ExitStack,
) -> OpenStore[S] | None:
    """Open and return the log's store, which `resources` close; None if the application has not made its folder yet."""
    logger.debug("log: %s", os.path.join(settings.folder, settings.base))
    logger.debug("fields: %s", in_words(settings.fields))
    rate = wiring.rate_limiter(settings.io_limit)
    try:
        store = resources.enter_context(opened(settings, rate))
    except FileNotFoundError:
        if settings.explicit_path:
            raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
        return None
    return OpenStore(settings, wiring, store, choose_reader(settings.reader, settings.fields), rate)


def open_log(opened: OpenStore[S], cutoffs: Cutoffs, resources: ExitStack) -> Log:
    """List a log, open its catalog, which `resources` close, and return both.

    Raise ConfigurationError if two profiles claim one of its files; in MXCP's own file that is a warning. `resolve`
    checks this, too, but the run may have waited for the lock since, while other logs were rotated.
    """
    settings, listing, clock = opened.settings, opened.store.list(), time.time_ns()
    naming = settings.naming()
    context = ScanContext(opened.store, cutoffs, opened.kind, settings.fields, opened.wiring.scan_options)
    if len(settings.claims) > 1 and not settings.is_mxcps:
        refuse(contests(listing.names, settings.claims))
    return Log(
        settings=settings,
        store=opened.store,
        naming=naming,
        scanner=Scanner(context, opened.rate, opened.wiring.executor),
        neighbours=listing.neighbours,
        strays=strays(listing.strays, listing.names, settings.claims) if listing.strays else {},
        segments={segment.name: segment for segment in listing.segments},
        conditions=(
            conditions_of_files(listing.segments)
            if settings.has_whole_files
            else conditions_of(listing.segments, naming, cutoffs.now, clock)
        ),
        catalog=_open_catalog(settings, listing.segments, resources),
        listed_at=clock,
    )


def _open_catalog(settings: Settings, segments: Sequence[Segment], resources: ExitStack) -> "Catalog | None":
    """Return the catalog, whose `problem` says why it can't be used; None if it is disabled or could know nothing."""
    knows_all = settings.has_whole_files or not any(segment.fingerprint.size for segment in segments)
    if not settings.state or knows_all:
        return None
    from asynclog.catalog.store import Catalog  # noqa: PLC0415 - a run with nothing to do needs no SQLite

    catalog = Catalog(settings.state, settings.folder, settings.base, fields=settings.fields)
    resources.callback(catalog.close)
    return catalog
