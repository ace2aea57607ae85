"""A log that is open for a run: its folder, its segments as they are listed, and what is known of them."""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from asynclog.config.contested import refuse
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.plan.decide import Conditions, conditions_of
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.kernel import Kind, choose_reader
from asynclog.scan.scanner import Scanner
from asynclog.storage.claims import contests
from asynclog.storage.local.listing import Listing
from asynclog.storage.local.segment_reader import LocalReadStore
from asynclog.storage.local.store import opened_folder
from asynclog.types import Segment

if TYPE_CHECKING:
    from asynclog.catalog.store import Catalog

logger = logging.getLogger("asynclog")


class Log(msgspec.Struct, frozen=True):
    """A log whose folder is open, as it was listed at `listed_at` (ns since 1970, by the real clock).

    `names` are all that are in the folder, which has this descriptor; `scanner` is what reads the log.
    """

    settings: Settings
    folder: int
    scanner: Scanner
    names: Sequence[str]
    segments: dict[str, Segment]
    conditions: Conditions
    catalog: "Catalog | None"
    listed_at: int

    @property
    def cutoffs(self) -> Cutoffs:
        """What decides which of its records have expired."""
        return self.scanner.cutoffs


class OpenFolder(msgspec.Struct, frozen=True):
    """The folder of a log, by its descriptor, and how what is in it is read."""

    settings: Settings
    descriptor: int
    kind: Kind
    rate: RateLimiter


def open_folder(settings: Settings, resources: ExitStack) -> OpenFolder | None:
    """Open the log's folder, which `resources` close; None where an application has not made it yet."""
    logger.debug("log: %s", os.path.join(settings.folder, settings.base))
    try:
        folder = resources.enter_context(opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder))
    except FileNotFoundError:
        if settings.named_by_hand:
            raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
        return None
    return OpenFolder(settings, folder, choose_reader(settings.reader), RateLimiter(settings.io_limit))


def open_log(folder: OpenFolder, cutoffs: Cutoffs, listing: Listing, resources: ExitStack) -> Log:
    """Open the catalog of a log that was listed just now; `resources` close it.

    Raises ConfigurationError where two profiles claim one of its files; in MXCP's own file that is a warning. The
    settings were refused then, too: but the folder's lock may have been waited for since, and other logs rotated.
    """
    settings, clock = folder.settings, time.time_ns()
    store = LocalReadStore(settings.folder, folder.descriptor)
    if len(settings.claims) > 1 and not settings.is_mxcps:
        refuse(contests(listing.names, settings.claims))
    return Log(
        settings=settings,
        folder=folder.descriptor,
        scanner=Scanner(store, cutoffs, folder.kind, settings.fields, folder.rate),
        names=listing.names,
        segments={segment.name: segment for segment in listing.segments},
        conditions=conditions_of(listing.segments, settings.names, cutoffs.now, clock),
        catalog=_open_catalog(settings, listing.segments, resources),
        listed_at=clock,
    )


def _open_catalog(settings: Settings, segments: Sequence[Segment], resources: ExitStack) -> "Catalog | None":
    """Return None where there is nothing that it could know, or none to be. What speaks against its use it says."""
    if not settings.state or not any(segment.fingerprint.size for segment in segments):
        return None
    from asynclog.catalog.store import Catalog  # noqa: PLC0415 - a run with nothing to do needs no SQLite

    catalog = Catalog(settings.state, settings.folder, settings.base)
    resources.callback(catalog.close)
    return catalog
