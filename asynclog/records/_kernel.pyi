"""The kernel: count records fast, and leave every line that is not certain to the exact reader.

What it is certain of is exact: ordinary records and blank lines. Every other line is uncertain, and may still be a
record: one with an escape in one of the three fields or in a key of the top level, an instant before 2000 or after
2200, a version that is negative or has ten digits, a name beyond 255 bytes, a schema after the first 4,096 of a
scanner, or a schema's day after the first 16,384.
"""

from collections.abc import Callable
from typing import final

from typing_extensions import Buffer

from asynclog.records.kernel_fields import Layout

# name, version, records, bytes, oldest, newest, expired, expired_bytes, future, oldest_kept, newest_expired: as in a
# SchemaStats; and its days, packed as `array("q")` reads them: day, records, bytes, day, …, in no order.
Row = tuple[str, int, int, int, int | None, int | None, int, int, int, int | None, int | None, bytes]

@final
class Scanner:
    """Count the records of any number of buffers by schema; one buffer at a time, without the GIL."""

    def __init__(
        self, fields: tuple[str, str, str] | Layout, cutoff: Callable[[str, int], int | None], horizon: int
    ) -> None:
        """Take the keys of the schema's name, its version and the timestamp as `fields`, or mapped ones.

        `cutoff(name, version)` is called once for each schema that is met: its records before that instant have
        expired, and none if it is None. What it raises, `scan` raises. Records after `horizon` are future ones.
        Both are nanoseconds since 1970, of any size.
        """

    def scan(self, buffer: Buffer, mark: bool, /) -> tuple[bytes, bytes, int, int]:
        """Scan whole lines, each with its newline, and return (uncertain, marks, lines, read).

        `uncertain` has three numbers for each line that was not counted, packed as `array("q")` reads them: where
        it starts and ends in the buffer, and its number among the lines, from 0. `marks` has a bit for each line,
        the lowest of a byte first, set if it is certain that the line has expired; it is empty without `mark`.
        `read` bytes of the buffer are done: up to its last newline, or fewer if a list is full (4,096 uncertain
        lines, or 65,536 lines in all); then scan the rest in another call. Nobody may write to the buffer meanwhile.
        """

    def counts(self) -> tuple[list[Row], int]:
        """Return the rows of the schemas, in the order they were met, and the number of blank lines, so far.

        `oldest` and `newest` are over the records that are not future, None without any.
        """

def compact(part: Buffer, marks: bytes, line: int, /) -> tuple[int, int]:
    """Do what `scan.expired_marks.compact` does, without the GIL; nobody else may touch the part meanwhile."""

def digest(state: bytes, part: Buffer, /) -> bytes:
    """Return the digest of what `state` stands for and this part after it; the first state is no bytes at all.

    States of the same bytes are equal, however those were divided into parts.
    """
