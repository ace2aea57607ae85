"""The records of a log as an async stream, for whoever wants to read along in Python."""

import os
from collections.abc import AsyncIterator

import aiofiles
from anyio import to_thread

from asynclog.model import Record, SchemaKey
from asynclog.names import Names
from asynclog.scan.line import read_line
from asynclog.scan.segments import list_segments

BLOCK = 1 << 20  # bytes awaited at once; a line at a time would be hundreds of times slower


async def stream_records(path: str) -> AsyncIterator[Record]:
    """See `asynclog.records`."""
    folder, base = os.path.split(os.path.abspath(path))
    for name in await to_thread.run_sync(_readable, folder, base):
        offset = 0
        async for line in _lines(os.path.join(folder, name)):
            reading = read_line(line)
            if reading:
                yield Record(name, offset, SchemaKey(*reading[:2]), reading[2], line)
            offset += len(line)


def _readable(folder: str, base: str) -> list[str]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return [
            segment.name
            for segment in list_segments(descriptor, os.listdir(folder), Names(base))
            if not segment.obstacle
        ]
    finally:
        os.close(descriptor)


async def _lines(path: str) -> AsyncIterator[bytes]:
    """The file's lines, cut out of blocks; the last one may have no newline."""
    parts: list[bytes] = []
    async with aiofiles.open(path, "rb", buffering=0) as file:
        while block := await file.read(BLOCK):
            *lines, rest = block.split(b"\n")
            for line in lines:
                parts += (line, b"\n")
                yield b"".join(parts)
                parts.clear()
            parts.append(rest)
    if last := b"".join(parts):
        yield last
