"""Codecs: the ways to pack a segment, told by its name, and by what a packed file is told from plain lines.

A codec stands between the bytes of a file and its lines. What is proven at a commit are the bytes of the file, which
are the same for every codec.
"""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, ClassVar, Protocol

from asynclog.errors import DamagedError
from asynclog.storage.segment_reader import Hole, Part

# The beginning of a file that gzip, zstd, xz, lz4, zip or bzip2 has written.
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"PK\x03\x04")
_BZIP2, _BZIP2_BLOCK = b"BZh", b"1AY&SY"
_READ = 1 << 18  # bytes of a file that a library gets to unpack at a time
_LONGEST_HOLE = 1 << 20  # bytes of it that may be a hole
HEAD = 10  # bytes by which that is told, and how it was packed

LEFT_ALONE = "it is compressed in a format that can't be read (gzip and zstd can be), and so it is left alone"


class Stream(Protocol):
    """The unpacked bytes of a segment, from the first to the last."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Read the next bytes into the buffer; return how many, 0 at the end.

        Raise DamagedError if they can't be unpacked, and what reading the packed bytes raises.
        """


class Codec(Protocol):
    """One way to pack a segment, told by the suffixes of its name."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The ends of the names of such segments."""

    @property
    def is_packed(self) -> bool:
        """Whether its bytes are not those of its lines: then it is read from its beginning to its end, as one unit."""

    def decode(self, parts: Iterable[Part]) -> Stream:
        """Return the lines that are packed in these bytes of a file, which are all of it."""

    def encode(self, head: bytes, parts: Iterable[Part]) -> Iterable[Part]:
        """Return these parts of lines, packed like the file that begins with these bytes."""


class _File(io.RawIOBase):
    """A file that consists of these parts, to be read once."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = iter(parts)
        self._part: Part | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._part or next(self._parts, None)
        if part is None:
            return 0
        size = min(len(part), len(buffer))
        if isinstance(part, Hole):
            memoryview(buffer)[:size] = bytes(size)
            self._part = Hole(len(part) - size)
        else:
            memoryview(buffer)[:size] = part[:size]
            self._part = part[size:]
        return size


class _Unpacked:
    """The bytes that a library unpacks from a file, with its errors as ours."""

    def __init__(self, file: io.BufferedIOBase, errors: tuple[type[Exception], ...]) -> None:
        self._file = file
        self._errors = errors

    def readinto(self, buffer: memoryview, /) -> int:
        try:
            return self._file.readinto(buffer)
        except EOFError:
            raise DamagedError("its compressed data is cut off") from None
        except self._errors as error:
            raise DamagedError(f"its compressed data is damaged: {error}") from None


class Plain:
    """Lines as they are. What reads them need not begin at the first one, and does not ask for a stream."""

    suffixes = ()
    is_packed = False

    def decode(self, parts: Iterable[Part]) -> Stream:
        return _File(parts)

    def encode(self, head: bytes, parts: Iterable[Part]) -> Iterable[Part]:
        del head
        return parts


class Gzip:
    """RFC 1952: members one after the other, and zeros behind them. Each member has a checksum."""

    suffixes = (".gz",)
    is_packed = True
    _LEVELS: ClassVar = {2: 9, 4: 1}  # by the extra flags of a member's header: the slowest, the fastest

    def decode(self, parts: Iterable[Part]) -> Stream:
        gzip_file, errors = _gzip()
        return _Unpacked(gzip_file(fileobj=_packed_file(parts)), errors)

    def encode(self, head: bytes, parts: Iterable[Part]) -> Iterator[Part]:
        import zlib  # noqa: PLC0415 - only for packed segments

        level = self._LEVELS.get(head[8] if len(head) > 8 else 0, 6)
        return _packed(zlib.compressobj(level, wbits=zlib.MAX_WBITS | 16), parts)


class Zstd:
    """RFC 8878: frames one after the other, skippable ones among them. A replacement is one frame with a checksum."""

    suffixes = (".zst",)
    is_packed = True
    # The level that has a frame's window by default: from 2 to the power of the first number on, in bytes.
    _LEVELS = ((23, 19), (22, 12), (21, 3), (20, 2), (0, 1))

    def decode(self, parts: Iterable[Part]) -> Stream:
        zstd = _zstd()
        return _Unpacked(zstd.ZstdFile(_packed_file(parts)), (zstd.ZstdError,))

    def encode(self, head: bytes, parts: Iterable[Part]) -> Iterator[Part]:
        zstd = _zstd()
        parameter = zstd.CompressionParameter
        options = {parameter.compression_level: self._level(head), parameter.checksum_flag: True}
        return _packed(zstd.ZstdCompressor(options=options), parts)

    def _level(self, head: bytes) -> int:
        """Return the level that a frame with this head was most likely made with: none says it, but for its window."""
        if len(head) < 6 or not head.startswith(b"\x28\xb5\x2f\xfd") or head[4] & 0x20:  # a small one has no window
            return 3
        window = 10 + (head[5] >> 3)
        return next(level for least, level in self._LEVELS if window >= least)


def _packed(compressor: Any, parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield memoryview(compressor.compress(bytes(len(part)) if isinstance(part, Hole) else part))
    yield memoryview(compressor.flush())


def _packed_file(parts: Iterable[Part]) -> io.BufferedReader:
    return io.BufferedReader(_File(map(_must_be_written, parts)), _READ)


def _must_be_written(part: Part) -> Part:
    """Raise DamagedError at a large hole: no program packs so, and a padding of terabytes would take hours to read."""
    if isinstance(part, Hole) and len(part) > _LONGEST_HOLE:
        raise DamagedError(f"it has a hole of {len(part):,} bytes, where nothing has been written")
    return part


def _gzip() -> tuple[Callable[..., Any], tuple[type[Exception], ...]]:
    """Return what reads gzip, and the errors that tell damage: isal where it is installed, which is faster."""
    import gzip  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    errors = (gzip.BadGzipFile, zlib.error)
    try:
        isal = import_module("isal.igzip")
    except ImportError:
        return gzip.GzipFile, errors
    return isal.IGzipFile, (*errors, import_module("isal.igzip_lib").IsalError)


def _zstd() -> Any:
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


PLAIN = Plain()
CODECS: tuple[Codec, ...] = (PLAIN, Gzip(), Zstd())

_READABLE = tuple(suffix for codec in CODECS for suffix in codec.suffixes)
NAME_SUFFIXES = (*_READABLE, ".xz", ".bz2", ".lz4")  # that a segment's usual name may have; a pattern may claim any
PACKED_SUFFIXES = (*NAME_SUFFIXES, ".zip")

MISNAMED = f"it is compressed, but its name does not say so: call it {' or '.join(_READABLE)}"


def codec_for(name: str) -> Codec | None:
    """Return how a segment of this name is packed; None if that is a way that can't be read."""
    if not name.endswith(PACKED_SUFFIXES):
        return PLAIN
    return next((codec for codec in CODECS if name.endswith(codec.suffixes)), None)


def packed_suffix(name: str) -> str:
    """Return the end of a name that says how the file is packed; empty if none does."""
    return next((suffix for suffix in PACKED_SUFFIXES if name.endswith(suffix)), "")


def is_packed(name: str) -> bool:
    """Return whether the bytes of a segment of this name are not those of its lines."""
    codec = codec_for(name)
    return codec is None or codec.is_packed


def looks_packed(head: bytes) -> bool:
    """Return whether a file that begins so is packed, whatever its name says. No JSON text begins so."""
    return head.startswith(_PACKED) or (head.startswith(_BZIP2) and head.endswith(_BZIP2_BLOCK))
