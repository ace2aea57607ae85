"""Segments of a folder, opened for reading: no link is followed, no FIFO is waited for, and no lease is broken."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from resource import RUSAGE_THREAD, getrusage

import msgspec

from asynclog.segments import Fingerprint, Segment
from asynclog.storage.codecs import PLAIN, codec_for
from asynclog.storage.local.byte_ranges import data_bytes, end_of_lines, next_data, windows
from asynclog.storage.local.linux.leases import may_be_written
from asynclog.storage.segment_reader import Part, SegmentReader

# Opening gives no writer's descriptor away.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLIO = 2 << 20  # bytes, a huge page; so much of a file Linux may hold as one, and then lets go of all or nothing


class LocalReader:
    """A segment, or an old file of one, by its descriptor, which leaving the `with` block closes: see `SegmentReader`.

    Without such a block the descriptor stays the caller's. It is no generator's context: a log may have 100,000 small
    segments, and each of them is opened.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> "LocalReader":
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # it was only read
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
        return windows(self._descriptor, start, end)

    def next_data(self, start: int, end: int) -> int:
        return next_data(self._descriptor, start, end)

    def data_bytes(self, start: int, end: int) -> int:
        return data_bytes(self._descriptor, start, end)

    @contextmanager
    def preserving_cache(self, start: int, end: int) -> Iterator[None]:
        """Give the pages back that had to be read from the disk: other programs have better use for the memory.

        What is in memory is there because somebody else uses it, and is left alone. Where the last quarter begins
        tells: at the beginning the system has read ahead for the range before. It asks for the next stretch when the
        one before is begun, so that up to two of them are there, 16 MiB on fast disks. What it has read ahead behind
        the end is not given back here, for then it would be read twice: it is the next range's, as is what lies across
        the end. Only where a worker who has that one is done sooner do these few MiB stay.
        """
        cached = _is_in_memory(self._descriptor, (start + 3 * end) // 4)
        yield
        if not cached:
            # With what lies across the beginning, and the byte before, which has told where the first line begins.
            begin = max(0, start - 1) // _FOLIO * _FOLIO
            os.posix_fadvise(self._descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


def lines_of(name: str, descriptor: int) -> SegmentReader:
    """Return a reader of the lines that are packed in a segment of this name, or an old file of one."""
    codec = codec_for(name) or PLAIN
    return codec.decode(LocalReader(descriptor))


class LocalReadStore:
    """The segments of the folder with this path: found through its descriptor, in another process by the path."""

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
    """Whether a byte can be read without the disk; True where the file system can't say.

    The system asks the disk for what is not there, though it need not wait: a fast one may have answered by then.
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
    """Return the number of blocks that this thread has had to read so far."""
    return getrusage(RUSAGE_THREAD).ru_inblock
