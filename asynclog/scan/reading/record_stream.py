"""Read the records of a log as an async stream: what `asynclog.read_records` gives to Python programs."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from anyio import to_thread

from asynclog.errors import ChangedError
from asynclog.records.parser import LineParser
from asynclog.scan.reading.unpacked_lines import segment_lines
from asynclog.schemas import SchemaKey
from asynclog.segments import Record, Segment
from asynclog.storage.segment_reader import SegmentReader

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class AsyncSegments(Protocol):
    """A log, for this stream alone. Its methods raise OSError."""

    async def list(self) -> list[Segment]:
        """List the log's segments in order."""

    def open(self, segment: Segment) -> AbstractAsyncContextManager[SegmentReader]:
        """Open a segment for reading."""


async def stream_records(segments: AsyncSegments) -> AsyncIterator[Record]:
    """See `asynclog.read_records`."""
    parse = LineParser().parse
    for segment in await segments.list():
        if segment.unjudged is not None:
            continue
        async for offset, line in _lines(segments, segment):
            parsed = parse(line)
            if parsed:
                yield Record(segment.name, offset, SchemaKey(*parsed[:2]), parsed[2], line)


async def _lines(segments: AsyncSegments, segment: Segment) -> AsyncIterator[tuple[int, bytes]]:
    """Yield the segment's lines, each with its offset; the last one may have no newline.

    Of a huge line that is no record there is but a byte. A segment that becomes shorter ends there.
    """
    async with segments.open(segment) as reader:
        size = reader.current().size
        blocks = segment_lines(segment.name, reader, size)
        with suppress(ChangedError):
            while found := await to_thread.run_sync(next, blocks, None):
                offset, block = found
                for line in _LINE.findall(block):
                    yield offset, line
                    offset += len(line)
