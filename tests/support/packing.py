"""Pack bytes as other programs do: gzip members, zstd frames with every option, and what else may be in such files."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from importlib import import_module
from typing import Any


def zstd() -> Any:
    """Return the module that packs zstd."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def gzip_member(data: bytes, level: int = 6) -> bytes:
    """Return one gzip member."""
    return gzip.compress(data, level, mtime=0)


def zstd_frame(
    data: bytes, level: int = 3, *, checksum: bool = True, size_known: bool = True, window: int | None = None
) -> bytes:
    """Return one zstd frame, with a window of 2 to the power of `window` bytes if that is given.

    Without `size_known` it is written as by a program that reads from a pipe.
    """
    parameter = zstd().CompressionParameter
    options = {parameter.compression_level: level, parameter.checksum_flag: checksum}
    options |= {} if window is None else {parameter.window_log: window}
    compressor = zstd().ZstdCompressor(options=options)
    if size_known and window is None:
        compressor.set_pledged_input_size(len(data))
        return bytes(compressor.compress(data, compressor.FLUSH_FRAME))
    return bytes(compressor.compress(data) + compressor.flush())


def packed(name: str, data: bytes) -> bytes:
    """Return these bytes as they are packed in a file of this name."""
    match name.rpartition(".")[2]:
        case "gz":
            return gzip_member(data)
        case "zst":
            return zstd_frame(data)
    return data


def skippable_frame(kind: int, data: bytes) -> bytes:
    """Return a skippable frame of one of the 16 kinds."""
    return struct.pack("<II", 0x184D2A50 + kind, len(data)) + data


def padding(name: str, size: int) -> bytes:
    """Return so many bytes, 8 or more, that say nothing behind what is packed in a file of this name."""
    return skippable_frame(0, bytes(size - 8)) if name.endswith(".zst") else bytes(size)


def gzip_trailer(data: bytes, wrong: str) -> bytes:
    """Return a member's trailer for this data, with its `crc` or its `length` wrong."""
    return struct.pack("<II", zlib.crc32(data) ^ (wrong == "crc"), len(data) + (wrong == "length"))
