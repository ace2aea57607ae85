"""Assemble a run from its parts, which a test may replace. The only place that chooses a kind of store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from asynclog.config.settings import Settings
from asynclog.executors.executor import Executor
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.kernel import choose_digest, choose_reader
from asynclog.scan.context import SCAN_OPTIONS, ScanOptions
from asynclog.storage.local.linux.lease_trust import FileSystem, file_system
from asynclog.storage.local.open_folder import opened_folder
from asynclog.storage.local.reading.local_source import LocalSource
from asynclog.storage.local.reading.read_directory import ReadDirectory
from asynclog.storage.local.wait_times import TIMING, Timing
from asynclog.storage.proof import Proof
from asynclog.storage.segment_store import SegmentSource, SegmentStore

if TYPE_CHECKING:
    from asynclog.storage.local.directory import LogDirectory


class Wiring(msgspec.Struct, frozen=True):
    """The parts of a run that a test may replace.

    `directory` makes every call that changes the log's folder (default: LogDirectory), `file_system` tells whether
    leases can be trusted in the folder with a descriptor, `file_mounts` which files are mounted on their own there
    (default: mounted_files), `timing` how long to wait for writers and other jobs.
    `rate_limiter` makes the limiter of all reading and writing; `scan_options` say how a scan divides its work, and
    `executor` where it runs; without one, that depends on the reader and the size.
    """

    directory: "Callable[..., LogDirectory] | None" = None
    file_system: Callable[..., FileSystem] = file_system
    file_mounts: Callable[[int], Mapping[str, str]] | None = None
    timing: Timing = TIMING
    rate_limiter: Callable[[float | None], RateLimiter] = RateLimiter
    scan_options: ScanOptions = SCAN_OPTIONS
    executor: Executor | None = None

    @contextmanager
    def opened_store(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentStore]:
        """Open and yield the store of these settings' log for a run. Raise FileNotFoundError or ConfigurationError."""
        # The code that changes a log is not loaded to inspect one.
        from asynclog.storage.local.directory import LogDirectory  # noqa: PLC0415
        from asynclog.storage.local.linux.file_mounts import mounted_files  # noqa: PLC0415
        from asynclog.storage.local.local_store import LocalStore  # noqa: PLC0415

        with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
            found = self.file_system(folder)
            directory = (self.directory or LogDirectory)(folder, found.weak, rate, times_tell=found.times_tell)
            proof = Proof(choose_digest(choose_reader(settings.reader, settings.fields)))
            yield LocalStore(
                settings.folder,
                directory,
                settings.naming(),
                proof,
                by_quiet=settings.weak_leases,
                timing=self.timing,
                whole_files=settings.has_whole_files,
                file_mounts=self.file_mounts or mounted_files,
            )

    @contextmanager
    def opened_source(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentSource]:
        """Open and yield the store of these settings' log for reading. Raise as `opened_store` does."""
        del rate  # of writing
        with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
            directory, naming = ReadDirectory(folder), settings.naming()
            yield LocalSource(settings.folder, directory, naming, whole_files=settings.has_whole_files)


WIRING = Wiring()
