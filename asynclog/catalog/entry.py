"""One segment's entry in the catalog: its statistics, and for which bytes they hold."""

import hashlib

import msgspec

from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.schemas import schema_key
from asynclog.segments import Fingerprint, Range
from asynclog.statistics import SchemaStats, SegmentStats

# Raised when the meaning of a line or of an entry changes: entries of another version are not understood.
_VERSION = b"asynclog 6"

# A file system's clock may stand still for so long while a file is changed twice; FAT's does.
_SETTLED = 2_000_000_000  # ns

_CHECK = 8  # bytes
_LAYOUT = hashlib.blake2b.SALT_SIZE  # bytes


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The result of a scan of a segment that began at `scanned` (ns since 1970).

    `tail_digest` identifies its last block, for a segment that may be renamed, and `ranges` all of its bytes, for one
    that may grow; both are empty if that can't be told. `whole` is whether that scan has read all of it.
    """

    fingerprint: Fingerprint
    scanned: int
    tail_digest: bytes
    schemas: tuple[SchemaStats, ...]
    unreadable: int
    blank: int
    whole: bool
    ranges: tuple[Range, ...] = ()
    fragment: int | None = None
    unpacked: int | None = None

    @classmethod
    def of(cls, stats: SegmentStats, scanned: int, tail_digest: bytes = b"", *, whole: bool = True) -> "Entry":
        """Return the entry for these statistics.

        If somebody may have written to the segment while it was read, only its bytes tell whether it is still the same.
        """
        fingerprint = stats.fingerprint
        if not stats.quiet:
            fingerprint = msgspec.structs.replace(fingerprint, mtime_ns=0, ctime_ns=0)
        return cls(
            fingerprint,
            scanned,
            tail_digest,
            stats.schemas,
            stats.unreadable,
            stats.blank,
            whole,
            stats.ranges,
            stats.fragment,
            stats.unpacked,
        )

    def stats(self, segment: str, fingerprint: Fingerprint) -> SegmentStats:
        """Return the statistics of the segment that has, or had, this name and this fingerprint."""
        counts = (self.schemas, self.unreadable, self.blank)
        return SegmentStats(
            segment, fingerprint, *counts, ranges=self.ranges, fragment=self.fragment, unpacked=self.unpacked
        )

    def holds_for(self, fingerprint: Fingerprint) -> bool:
        """Return whether the segment is still what was scanned."""
        return self.fingerprint == fingerprint and fingerprint.mtime_ns + _SETTLED <= self.scanned

    def may_be_renamed(self, fingerprint: Fingerprint) -> bool:
        """Return whether the segment may have been renamed, which changes its ctime, if its last block is the same."""
        renamed = msgspec.structs.replace(self.fingerprint, ctime_ns=fingerprint.ctime_ns)
        return bool(self.tail_digest) and renamed == fingerprint and fingerprint.mtime_ns + _SETTLED <= self.scanned

    def may_be_the_head_of(self, fingerprint: Fingerprint) -> bool:
        """Return whether the segment may have grown since, if its bytes up to the old end are the same."""
        before = self.fingerprint
        same = (before.device, before.inode) == (fingerprint.device, fingerprint.inode)
        known = self.ranges[-1].end if self.ranges else 0
        return same and known == before.size < fingerprint.size


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def layout_of(fields: Fields) -> bytes:
    """Return what identifies the fields that an entry's lines were read by; empty for MXCP's."""
    if fields == MXCP_FIELDS:
        return b""
    return hashlib.blake2b(msgspec.msgpack.encode(fields), digest_size=_LAYOUT).digest()


def pack(name: bytes, entry: Entry, layout: bytes = b"", version: bytes = _VERSION) -> bytes | None:
    """Return the entry as bytes that tell whether they are whole, by which fields they were read, and their version.

    None if a number is too large for that.
    """
    try:
        body = _encode(entry)
    except OverflowError:
        return None
    return _check(name, body, layout, version) + body


def unpack(name: bytes, packed: bytes, layout: bytes = b"") -> Entry | None:
    """Return the entry of this name; None where that is damaged, or of another layout or version."""
    check, body = packed[:_CHECK], packed[_CHECK:]
    if check != _check(name, body, layout, _VERSION):
        return None
    try:
        entry = _decode(body)
    except msgspec.MsgspecError:
        return None
    for count in entry.schemas:
        msgspec.structs.force_setattr(count, "schema", schema_key(*count.schema))
    return entry


def _check(name: bytes, body: bytes, layout: bytes, version: bytes) -> bytes:
    return hashlib.blake2b(name + b"\0" + body, digest_size=_CHECK, salt=layout, person=version).digest()
