"""A segment of a log, what identifies its content, and a record in it, as frozen values. Reads nothing.

Instants are nanoseconds since 1970 (UTC), sizes are bytes.
"""

from typing import Literal, NamedTuple, Protocol, Self

import msgspec

from asynclog.schemas import SchemaKey

# Why a segment could not be judged: what is in it is not known, and it is never called clean.
WhyUnjudged = Literal["packed", "damaged", "special", "not_json_lines", "no_record", "changed", "not_reached"]


class Status(Protocol):
    """The result of a stat call, as far as it is needed here."""

    @property
    def st_dev(self) -> int: ...
    @property
    def st_ino(self) -> int: ...
    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...


class Fingerprint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The identity of a segment's content at one moment; any change to the file changes it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: Status) -> Self:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_but_for_names(self, status: Status) -> bool:
        """Return whether that is the same file with the same content; a link more or less changes only its ctime."""
        return (self.inode, self.size, self.mtime_ns) == (status.st_ino, status.st_size, status.st_mtime_ns)


class Space(NamedTuple):
    """The bytes of a file system: how many ordinary users may still write, and how many there are."""

    free: int
    size: int


class Range(NamedTuple):
    """The bytes [start, end) of a segment and their digest."""

    start: int
    end: int
    digest: bytes


class Segment(msgspec.Struct, frozen=True, gc=False):
    """One file of the log, by its name in the folder.

    `skip_reason` says in words why it is not to be changed; empty if it may be. `unjudged` says in a word
    why it can't even be read, None where it can. A special file has no bytes of the log: its size is 0.
    """

    name: str
    fingerprint: Fingerprint
    skip_reason: str = ""
    unjudged: WhyUnjudged | None = None

    @property
    def is_readable(self) -> bool:
        """Whether there is something in it to be read."""
        return bool(self.fingerprint.size) and self.unjudged is None


class UnreadSegment(msgspec.Struct, frozen=True):
    """A segment that the scan could not read: it vanished or changed, or, where `failed`, the disk refused.

    `unjudged` is the word for the `reason`.
    """

    segment: str
    fingerprint: Fingerprint
    reason: str
    unjudged: WhyUnjudged
    failed: bool = False


class Record(NamedTuple):
    """One record: where it stands, what it is of, when it was (ns since 1970), and its bytes, newline and all."""

    segment: str
    offset: int
    schema: SchemaKey
    timestamp: int
    line: bytes
