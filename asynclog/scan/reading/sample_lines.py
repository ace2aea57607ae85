"""A sample of a log: the first and the last lines of its oldest and newest segments, packed or not."""

from collections.abc import Iterator, Sequence
from functools import partial

from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.parser import BLANKS
from asynclog.scan.reading.read_segment import with_segment
from asynclog.scan.reading.unpacked_lines import unpack
from asynclog.segments import Fingerprint, Segment
from asynclog.storage.codecs import is_packed
from asynclog.storage.segment_reader import ReadStore, SegmentReader

_SEGMENTS = 3  # of the oldest, and of the newest
_LINES = 50  # of the beginning of a segment, and of its end
_BYTES = 256 << 10  # to read at a beginning, and at an end


def sample_lines(store: ReadStore, rate_limit: RateLimiter, segments: Sequence[Segment]) -> list[bytes]:
    """Return some lines of these segments, which are in order, without blank ones. What can't be read is left out."""
    readable = [segment for segment in segments if segment.is_readable]
    some = [*readable[:_SEGMENTS], *readable[_SEGMENTS:][-_SEGMENTS:]]
    return [line for segment in some for line in _of_segment(store, rate_limit, segment)]


def _of_segment(store: ReadStore, rate_limit: RateLimiter, segment: Segment) -> Iterator[bytes]:
    """Yield lines of its beginning and its end; of a packed one, of what its beginning unpacks to."""
    size, packed = segment.fingerprint.size, is_packed(segment.name)
    beginning = with_segment(store, segment, min(size, _BYTES), partial(_beginning, rate_limit, segment.name))
    first: list[bytes] = beginning if isinstance(beginning, list) else []
    yield from first[:_LINES]
    if packed or size <= _BYTES:
        yield from first[_LINES:][-_LINES:]
    else:
        start = max(_BYTES, size - _BYTES)
        end = with_segment(store, segment, size, partial(_end, rate_limit, start), start)
        yield from end[-_LINES:] if isinstance(end, list) else ()


def _beginning(rate_limit: RateLimiter, name: str, reader: SegmentReader, fingerprint: Fingerprint) -> list[bytes]:
    rate_limit.acquire(min(fingerprint.size, _BYTES))
    if not is_packed(name):
        content = reader.read(0, min(fingerprint.size, _BYTES))
        return _whole_lines(content, is_all=len(content) == fingerprint.size)
    buffer, fill = bytearray(_BYTES), 0
    stream = unpack(name, reader.parts(0, fingerprint.size))
    with memoryview(buffer) as view:
        while fill < _BYTES and (got := stream.readinto(view[fill:])):
            fill += got
    return _whole_lines(bytes(buffer[:fill]), is_all=fill < _BYTES)


def _end(rate_limit: RateLimiter, start: int, reader: SegmentReader, fingerprint: Fingerprint) -> list[bytes]:
    """Return the lines that begin behind `start`: what stands there may be the rest of one."""
    rate_limit.acquire(fingerprint.size - start)
    return _whole_lines(reader.read(start, fingerprint.size), is_all=True)[1:]


def _whole_lines(content: bytes, *, is_all: bool) -> list[bytes]:
    """Return the lines that are not blank; without the last one if that may go on behind the content."""
    lines = content.split(b"\n")
    return [line for line in (lines if is_all else lines[:-1]) if line.strip(BLANKS)]
