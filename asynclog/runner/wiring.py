"""What a run is put together from, and what a test puts in its place. Here alone a kind of store is chosen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from asynclog.config.settings import Settings
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.kernel import choose_digest, choose_reader
from asynclog.scan.context import SCAN_OPTIONS, ScanOptions
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.folder import opened_folder
from asynclog.storage.local.listing import LocalSource
from asynclog.storage.local.mounts import file_system
from asynclog.storage.proof import Proof
from asynclog.storage.segment_store import SegmentSource, SegmentStore


class Wiring(msgspec.Struct, frozen=True):
    """How a run makes its parts: `directory` is what all its calls that change the log's folder go through."""

    directory: Callable[..., LogDirectory] = LogDirectory
    rate_limiter: Callable[[float | None], RateLimiter] = RateLimiter
    scan_options: ScanOptions = SCAN_OPTIONS

    @contextmanager
    def opened_store(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentStore]:
        """Open the log of these settings for a run. Raise FileNotFoundError, or ConfigurationError."""
        from asynclog.storage.local.local_store import LocalStore  # noqa: PLC0415 - who only looks needs no such thing

        with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
            directory = self.directory(folder, file_system(folder).weak, rate)
            proof = Proof(choose_digest(choose_reader(settings.reader)))
            yield LocalStore(settings.folder, directory, settings.naming(), proof, by_quiet=settings.weak_leases)


WIRING = Wiring()


@contextmanager
def opened_source(settings: Settings, rate: RateLimiter) -> Iterator[SegmentSource]:
    """Open the log of these settings to look at it. Raise as above."""
    with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
        yield LocalSource(settings.folder, LogDirectory(folder, "", rate), settings.naming())
