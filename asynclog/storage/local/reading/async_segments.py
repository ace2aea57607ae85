"""A log in a folder, opened for an async stream of its records: no descriptor stays open between segments."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiofiles
from anyio import to_thread

from asynclog.segments import Segment
from asynclog.storage.local.reading.listing import list_segments
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.naming import SegmentNaming


class LocalAsyncSegments:
    """The log with this base path: see `scan.reading.record_stream.AsyncSegments`."""

    def __init__(self, path: str) -> None:
        self._folder, self._base = os.path.split(os.path.abspath(path))

    def _segments(self) -> list[Segment]:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return list_segments(folder, os.listdir(folder), SegmentNaming(self._base))
        finally:
            os.close(folder)

    async def list(self) -> list[Segment]:
        return await to_thread.run_sync(self._segments)

    @asynccontextmanager
    async def open(self, segment: Segment) -> AsyncIterator[LocalReader]:
        async with aiofiles.open(os.path.join(self._folder, segment.name), "rb", buffering=0) as file:
            yield LocalReader(file.fileno())
