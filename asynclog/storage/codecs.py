"""Codecs: the ways to pack a segment, and by what a packed file is told from plain lines.

Only plain lines can be read as yet. A codec is one more entry of CODECS: whoever reads a segment takes what its codec
decodes, what is proven at a commit are those lines, and a replacement is what its codec encodes. It has to keep sizes:
the length of a segment, and of what is accounted for in an old file, is that of the file.
"""

from collections.abc import Iterable
from typing import Protocol

from asynclog.storage.segment_reader import Part, SegmentReader

NAME_SUFFIXES = (".gz", ".zst", ".xz", ".bz2", ".lz4")  # that a segment's usual name may have; a pattern may claim any
PACKED_SUFFIXES = (*NAME_SUFFIXES, ".zip")

# How a file begins that gzip, zstd, xz, lz4, zip or bzip2 has written.
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"PK\x03\x04")
_BZIP2, _BZIP2_BLOCK = b"BZh", b"1AY&SY"
HEAD = 10  # bytes by which that is told

LEFT_ALONE = "it is compressed, and compressed segments are left alone"


class Codec(Protocol):
    """One way to pack a segment, told by its name."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The ends of the names of such segments."""

    @property
    def is_splittable(self) -> bool:
        """Whether reading can begin in the middle; else a segment is one unit of work."""

    def decode(self, reader: SegmentReader) -> SegmentReader:
        """Return a reader of what is packed in the bytes of this one."""

    def encode(self, parts: Iterable[Part]) -> Iterable[Part]:
        """Return these parts of lines, packed; each part, before and after, is good until the next one is asked for."""


class Plain:
    """Lines as they are."""

    suffixes = ()
    is_splittable = True

    def decode(self, reader: SegmentReader) -> SegmentReader:
        return reader

    def encode(self, parts: Iterable[Part]) -> Iterable[Part]:
        return parts


PLAIN = Plain()
CODECS: tuple[Codec, ...] = (PLAIN,)


def codec_for(name: str) -> Codec | None:
    """Return how a segment of this name is packed; None if that is a way that can't be read."""
    for codec in CODECS:
        if name.endswith(codec.suffixes):
            return codec
    return None if name.endswith(PACKED_SUFFIXES) else PLAIN


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is packed, whatever its name says. No JSON text begins so."""
    return head.startswith(_PACKED) or (head.startswith(_BZIP2) and head.endswith(_BZIP2_BLOCK))
