"""Open segments of a folder for reading, without following links, blocking on FIFOs or breaking leases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from resource import RUSAGE_THREAD, getrusage

import msgspec

from asynclog.segments import Fingerprint, Segment
from asynclog.storage.local.linux.leases import may_be_written
from asynclog.storage.local.reading.byte_ranges import data_bytes, end_of_lines, new_buffer, next_data, parts_of
from asynclog.storage.segment_reader import LONGEST_PART, Part

# O_RDONLY: opening breaks no read lease.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SHORT = 256 << 10  # bytes of a range inside of a segment that nobody reads on from: readahead would be most of it
_FOLIO = 2 << 20  # bytes, a huge page: Linux may cache this much as one unit, and drops all of it or nothing


class LocalReader:
    """A segment, or an old file of one, by its descriptor, which leaving the `with` block closes: see `SegmentReader`.

    Without such a block the descriptor stays the caller's. It is not a generator-based context manager, for speed: a
    log may have 100,000 small segments to open.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer: memoryview | None = None  # that nobody reads parts into; to clear one takes as long as to fill it

    def __enter__(self) -> "LocalReader":
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # it was only read from
            os.close(self._descriptor)

    def as_listed(self, listed: Fingerprint) -> Fingerprint | None:
        now = self.current()
        if (now.device, now.inode) != (listed.device, listed.inode) or now.size < listed.size:
            return None
        if now.size == listed.size:
            return now
        end = end_of_lines(self._descriptor, 0, listed.size)
        return msgspec.structs.replace(now, size=end) if end else None

    def current(self) -> Fingerprint:
        return Fingerprint.of(os.fstat(self._descriptor))

    def may_be_written(self) -> bool:
        return may_be_written(self._descriptor)

    def read(self, start: int, end: int) -> bytes:
        return os.pread(self._descriptor, end - start, start)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        return os.preadv(self._descriptor, [buffer], offset)

    def parts(self, start: int, end: int) -> Iterator[Part]:
        buffer, self._buffer = self._buffer, None
        if buffer is None or len(buffer) < min(LONGEST_PART, end - start):
            buffer = new_buffer(start, end)
        yield from parts_of(self._descriptor, start, end, buffer)
        self._buffer = buffer

    def next_data(self, start: int, end: int) -> int:
        return next_data(self._descriptor, start, end)

    def data_bytes(self, start: int, end: int) -> int:
        return data_bytes(self._descriptor, start, end)

    @contextmanager
    def preserving_cache(self, start: int, end: int) -> Iterator[None]:
        """Drop the pages that had to be read from the disk, and keep those that other programs had in the page cache.

        Probe residency at the start of the last quarter: readahead for the previous range may already cover this
        range's start, by up to two readahead windows, 16 MiB on fast disks. Readahead past the end is not dropped, or
        it would be read twice: it belongs to the next range, as does a folio across the end. These few MiB stay only if
        the next range's worker finishes first. Without readahead, a short range inside of a segment costs no more than
        its pages.
        """
        if start > 0 and end - start <= _SHORT:
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        cached = _is_in_memory(self._descriptor, (start + 3 * end) // 4)
        yield
        if not cached:
            # Include the folio across the beginning, and the byte before, which told whether a line begins there.
            begin = max(0, start - 1) // _FOLIO * _FOLIO
            os.posix_fadvise(self._descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


class LocalReadStore:
    """The segments of the folder with this path: opened through its descriptor, in another process by path."""

    def __init__(self, path: str, folder: int | None = None) -> None:
        self._path = path
        self._folder = folder

    def __reduce__(self) -> tuple[type["LocalReadStore"], tuple[str]]:
        return LocalReadStore, (self._path,)

    def open(self, segment: Segment) -> LocalReader:
        """See `ReadStore`."""
        if self._folder is None:
            return LocalReader(os.open(os.path.join(self._path, segment.name), _FLAGS))
        return LocalReader(os.open(segment.name, _FLAGS, dir_fd=self._folder))

    def current(self, name: str) -> Fingerprint:
        """See `ReadStore`."""
        if self._folder is None:
            return Fingerprint.of(os.stat(os.path.join(self._path, name), follow_symlinks=False))
        return Fingerprint.of(os.stat(name, dir_fd=self._folder, follow_symlinks=False))


def _is_in_memory(descriptor: int, position: int) -> bool:
    """Return whether a byte is in the page cache; True if the file system can't say.

    Even RWF_NOWAIT starts readahead, and a fast disk may have answered by then: so compare block counts, too.
    """
    before = _asked_of_the_disk()
    try:
        os.preadv(descriptor, [bytearray(1)], position, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return _asked_of_the_disk() == before


def _asked_of_the_disk() -> int:
    """Return the number of blocks that this thread has read from the disk so far."""
    return getrusage(RUSAGE_THREAD).ru_inblock
