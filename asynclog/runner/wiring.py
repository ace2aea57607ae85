"""Put a run together from its parts, which a test may replace. Here alone a kind of store is chosen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from asynclog.config.settings import Settings
from asynclog.executors.executor import Executor
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.kernel import choose_digest, choose_reader
from asynclog.scan.context import SCAN_OPTIONS, ScanOptions
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.folder import opened_folder
from asynclog.storage.local.linux.mounts import FileSystem, file_system
from asynclog.storage.local.listing import LocalSource
from asynclog.storage.local.timing import TIMING, Timing
from asynclog.storage.proof import Proof
from asynclog.storage.segment_store import SegmentSource, SegmentStore


class Wiring(msgspec.Struct, frozen=True):
    """The parts of a run that a test may replace.

    `directory` is what all its calls that change the log's folder go through, `file_system` tells whether leases can be
    believed in the folder with a descriptor, `timing` how long writers and other jobs are waited for. `rate_limiter`
    makes what all reading and writing keeps to; `scan_options` say how a scan divides its work, and `executor` where
    that is done; without one the reader and the size choose.
    """

    directory: Callable[..., LogDirectory] = LogDirectory
    file_system: Callable[..., FileSystem] = file_system
    timing: Timing = TIMING
    rate_limiter: Callable[[float | None], RateLimiter] = RateLimiter
    scan_options: ScanOptions = SCAN_OPTIONS
    executor: Executor | None = None

    @contextmanager
    def opened_store(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentStore]:
        """Open the log of these settings for a run. Raise FileNotFoundError, or ConfigurationError."""
        from asynclog.storage.local.local_store import LocalStore  # noqa: PLC0415 - who only looks needs no such thing

        with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
            found = self.file_system(folder)
            directory = self.directory(folder, found.weak, rate, times_tell=found.times_tell)
            proof = Proof(choose_digest(choose_reader(settings.reader)))
            naming, by_quiet = settings.naming(), settings.weak_leases
            yield LocalStore(settings.folder, directory, naming, proof, by_quiet=by_quiet, timing=self.timing)


WIRING = Wiring()


@contextmanager
def opened_source(settings: Settings, rate: RateLimiter) -> Iterator[SegmentSource]:
    """Open the log of these settings to look at it. Raise as above."""
    with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
        yield LocalSource(settings.folder, LogDirectory(folder, "", rate), settings.naming())
