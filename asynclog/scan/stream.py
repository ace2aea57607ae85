"""The records of a log as an async stream, for whoever wants to read along in Python."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import aiofiles
from anyio import to_thread

from asynclog.errors import ChangedError
from asynclog.records.parser import parse_line
from asynclog.scan.line_blocks import whole_lines
from asynclog.storage.local.listing import list_segments
from asynclog.storage.naming import SegmentNaming
from asynclog.types import Record, SchemaKey

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


async def stream_records(path: str) -> AsyncIterator[Record]:
    """See `asynclog.records`."""
    folder, base = os.path.split(os.path.abspath(path))
    for name in await to_thread.run_sync(_readable, folder, base):
        async for offset, line in _lines(os.path.join(folder, name)):
            reading = parse_line(line)
            if reading:
                yield Record(name, offset, SchemaKey(*reading[:2]), reading[2], line)


def _readable(folder: str, base: str) -> list[str]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return [
            segment.name
            for segment in list_segments(descriptor, os.listdir(folder), SegmentNaming(base))
            if segment.unjudged is None
        ]
    finally:
        os.close(descriptor)


async def _lines(path: str) -> AsyncIterator[tuple[int, bytes]]:
    """The file's lines, cut out of blocks, each with its offset; the last one may have no newline.

    Of a huge line that is no record there is but a byte. A file that becomes shorter ends there.
    """
    async with aiofiles.open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        blocks = whole_lines(file.fileno(), 0, size, size)
        with suppress(ChangedError):
            while found := await to_thread.run_sync(next, blocks, None):
                offset, block = found
                for line in _LINE.findall(block):
                    yield offset, line
                    offset += len(line)
