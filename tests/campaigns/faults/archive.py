"""A small archive whose lines' fates are known by construction, and the ledger that writers tell what they wrote."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from packing import packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NOW = "2026-11-24T00:00:00Z"
POLICY = """\
schemas:
  - {schema_name: api, version: 1, retention_days: 30}
  - {schema_name: debug_logs, version: 1, retention_days: 7}
"""
CURRENT = "logs.jsonl"  # what writers append to
QUIET = 1_600_000_000  # seconds since 1970: a segment that changed then is written to by nobody
ATTRIBUTE = "user.asynclog.colour"

Fate = Literal["stays", "goes"]


class Line(NamedTuple):
    """A line, its newline included where it has one, and what has to become of it. No two lines are equal.

    `schema` is the key that a report counts it under, where it is an expired record.
    """

    data: bytes
    fate: Fate
    schema: str = ""


class Ledger:
    """The lines that were written, in order; `names` are the segments that were made by writers.

    `moved` tells that a segment was renamed, or changed, beside a job, which then may not have counted it.
    `cut` are lines that a writer itself truncated or overwrote: they may be gone, or live on in a replacement.
    `copied` are lines that a writer copied before it truncated them: the copy has them. They may be there twice
    where `copied_twice`: no program can help it if it was killed in that moment.
    """

    def __init__(self) -> None:
        self.lines: dict[bytes, Line] = {}
        self.order: dict[bytes, int] = {}
        self.names: set[str] = set()
        self.moved = False
        self.cut: set[bytes] = set()
        self.copied: set[bytes] = set()
        self.copied_twice = False

    def add(self, line: Line) -> None:
        """Told once the line has been written whole."""
        self.lines[line.data] = line
        self.order[line.data] = len(self.order)

    def expired(self) -> Counter[str]:
        """Count the expired records that were written, per schema key."""
        return Counter(line.schema for line in self.lines.values() if line.schema)

    def begin_anew(self) -> None:
        """Told before a writer empties a file: all lines so far may be gone then."""
        self.moved = True
        self.cut |= self.lines.keys()

    def uncounted(self) -> Counter[str]:
        """Count the expired records that a report may count or not, per schema key: a writer removed them, too."""
        return Counter(self.lines[data].schema for data in self.cut | self.copied if self.lines[data].schema)


class Archive:
    """A log in `folder`, laid anew by `lay`. The policy file lies beside the folder.

    `log` is the segment that writers come to: the current one, or a packed one, to which they append members.
    In one that is `crammed` there is no room for another name of a file that is not empty.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "audit"
        self.policy = root / "schemas.yaml"
        self.log = self.folder / CURRENT
        self.ledger = Ledger()
        self.strangers: set[str] = set()
        self.crammed = False
        self._serials = count(1)

    def fresh(self, schema: str = "api") -> Line:
        """Return a new record that has not expired."""
        return Line(self._record(schema, "2026-11-23T12:00:00Z"), "stays")

    def old(self, schema: str = "api") -> Line:
        """Return a new record that has expired."""
        return Line(self._record(schema, "2020-01-01T00:00:00Z"), "goes", f"{schema}:1")

    def blank(self, fate: Fate = "stays") -> Line:
        """Return a line of white space; it goes only with a segment that goes as a whole."""
        return Line(b" " * next(self._serials) + b"\n", fate)

    def torn(self) -> Line:
        """Return an unreadable line: a record that another was appended to."""
        return Line(self.old().data[:-9] + self.old().data, "stays")

    def _record(self, schema: str, timestamp: str) -> bytes:
        serial = next(self._serials)
        members = {"schema_name": schema, "timestamp": timestamp, "serial": serial, "text": "x" * (serial * 7 % 30)}
        return json.dumps(members).encode() + b"\n"

    def segment(self, name: str, lines: Iterable[Line], mode: int = 0o644, changed: int = QUIET) -> Path:
        """Write a segment of these lines; as root, give it to somebody else if its mode is odd.

        A packed one has a member, or frame, for each two of them.
        """
        path, lines = self.folder / name, list(lines)
        pairs = (lines[at : at + 2] for at in range(0, len(lines), 2))
        path.write_bytes(b"".join(packed(name, b"".join(line.data for line in pair)) for pair in pairs))
        for line in lines:
            self.ledger.add(line)
        self.ledger.names.add(name)
        if mode != 0o644:
            _dress(path, mode)
        os.utime(path, (changed, changed))
        return path

    def written(self, line: Line) -> bytes:
        """Return the bytes that a writer appends to `log` for a line."""
        return packed(self.log.name, line.data)

    def rotated(self, number: int) -> str:
        """Return the name that a rotation gives to `log`."""
        return f"{CURRENT}.{number}{self.log.suffix if self.log.name != CURRENT else ''}"

    def stranger(self, name: str, data: bytes) -> None:
        """Write a file that is no segment of this log: nobody may touch it."""
        (self.folder / name).write_bytes(data)
        self.strangers.add(name)


def _dress(path: Path, mode: int) -> None:
    """Give a file an owner, an attribute and a mode that no new file has, as far as we may."""
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    with contextlib.suppress(OSError):  # a file system without attributes
        os.setxattr(path, ATTRIBUTE, b"blue")
    path.chmod(mode)


def without_newline(line: Line) -> Line:
    """Return the same line as the unfinished end of a segment."""
    return line._replace(data=line.data.removesuffix(b"\n"))


def mixed(archive: Archive) -> None:
    """Every kind of segment: dropped, rewritten (three), kept; every kind of line; files of others beside it."""
    old, fresh, blank, torn = archive.old, archive.fresh, archive.blank, archive.torn
    archive.segment("logs-20260101T000000.jsonl", [old(), blank("goes"), old("debug_logs"), old()], mode=0o640)
    archive.segment(
        "logs-20260201T000000.jsonl",
        [blank(), old(), fresh(), old("debug_logs"), torn(), old(), fresh("debug_logs"), blank(), old()],
        mode=0o604,
    )
    archive.segment("logs-20260301T000000.jsonl", [fresh(), blank(), fresh("other"), without_newline(fresh())], 0o600)
    archive.segment("logs-20260401T000000.jsonl", [fresh(), old(), old(), without_newline(fresh())])
    archive.segment(CURRENT, [old(), fresh(), fresh()], changed=QUIET + 9)
    archive.stranger("logs-prod.jsonl", old().data)
    archive.stranger(".logs.jsonl.swp", b"not ours")


def rewrite(archive: Archive) -> None:
    """One segment, the one that writers append to, partly expired."""
    archive.segment(CURRENT, [archive.old(), archive.fresh(), archive.old(), archive.fresh()])


def drop(archive: Archive) -> None:
    """One segment, the one that writers append to, wholly expired."""
    archive.segment(CURRENT, [archive.old(), archive.old()])


def full(archive: Archive) -> None:
    """Lay the same in a folder that has no room for another name until the segment is empty."""
    drop(archive)
    archive.crammed = True


def packed_ones(archive: Archive) -> None:
    """Every kind of packed segment, in both codecs: dropped, rewritten, kept; and one that is cut off."""
    old, fresh, blank, torn = archive.old, archive.fresh, archive.blank, archive.torn
    archive.segment("logs-20260101T000000.jsonl.zst", [old(), blank("goes"), old("debug_logs")], mode=0o640)
    archive.segment("logs-20260201T000000.jsonl.gz", [blank(), old(), fresh(), torn(), old(), fresh()], mode=0o604)
    archive.segment("logs-20260202T000000.jsonl.zst", [fresh(), old(), old(), without_newline(fresh())])
    archive.segment("logs-20260301T000000.jsonl.gz", [fresh(), blank(), fresh("other")], 0o600)
    archive.segment(CURRENT, [old(), fresh()], changed=QUIET + 9)
    archive.stranger("logs-20260401T000000.jsonl.gz", packed(".gz", old().data + fresh().data)[:-5])


def repacked(archive: Archive) -> None:
    """One packed segment, partly expired, to which writers append members."""
    archive.log = archive.segment(f"{CURRENT}.1.gz", [archive.old(), archive.fresh(), archive.old(), archive.fresh()])


def packed_drop(archive: Archive) -> None:
    """One packed segment, wholly expired, to which writers append frames."""
    archive.log = archive.segment(f"{CURRENT}.1.zst", [archive.old() for _ in range(4)])


def crashed(archive: Archive) -> None:
    """Lay what killed jobs may leave: half a copy, a link too many, tails to be drained, one of them published."""
    archive.segment("logs-20260101T000000.jsonl", [archive.old(), archive.fresh()])
    archive.segment(CURRENT, [archive.fresh(), archive.old()])
    (archive.folder / ".logs-20260101T000000.jsonl.al-new").write_bytes(b"half a line")
    os.link(archive.log, archive.folder / f".{CURRENT}.al-old-00000001-{archive.log.stat().st_size}")
    _replaced(archive, ".logs-20260102T000000.jsonl.al-old-00000002", [archive.old(), archive.fresh()])
    _replaced(archive, ".logs-20260103T000000.jsonl.al-old-00000003", [])
    published = [archive.old(), archive.fresh(), archive.fresh()]
    accounted = _replaced(archive, f".{CURRENT}.al-old-00000004", published)
    (archive.folder / f"logs-late-00000004-{accounted}.jsonl").write_bytes(b"".join(line.data for line in published))


def _replaced(archive: Archive, name: str, tail: Iterable[Line]) -> int:
    """Lay a hidden old file whose first line is dealt with and whose tail is not; return that line's length."""
    dealt_with = archive.old().data
    data = [dealt_with]
    for line in tail:
        archive.ledger.add(line)
        data.append(line.data)
    (archive.folder / f"{name}-{len(dealt_with)}").write_bytes(b"".join(data))
    return len(dealt_with)


def swapped(archive: Archive) -> None:
    """Lay what jobs leave that are killed about the exchange: before it, after it, and after a faster rotation."""
    _built(archive, "logs-20260101T000000.jsonl", "00000001")
    done = _built(archive, "logs-20260201T000000.jsonl", "00000002")
    _exchange(done, archive.folder / "logs-20260201T000000.jsonl")
    late = archive.fresh()
    with done.open("ab") as file:
        file.write(late.data)
    archive.ledger.add(late)
    displaced = _built(archive, CURRENT, "00000003")
    rotated = archive.log.rename(archive.folder / f"{CURRENT}.1")
    archive.ledger.names.add(rotated.name)
    _exchange(displaced, archive.segment(CURRENT, [archive.fresh()]))
    dropped = archive.segment("logs-20260301T000000.jsonl", [archive.old()])
    os.link(dropped, dropped.with_name(f".{dropped.name}.al-old-00000004-{dropped.stat().st_size}"))
    for path in (dropped, archive.segment("logs-20260401T000000.jsonl", [archive.fresh()])):
        path.rename(path.with_name(f".{path.name}.al-new-0-0"))


def _built(archive: Archive, name: str, token: str) -> Path:
    """Lay a segment that has its second name, and a whole replacement; return the hidden name of that."""
    old, *fresh = archive.old(), archive.fresh(), archive.fresh()
    path = archive.segment(name, [old, *fresh])
    os.link(path, path.with_name(f".{name}.al-old-{token}-{path.stat().st_size}"))
    replacement = archive.folder / "replacement"
    size = replacement.write_bytes(b"".join(line.data for line in fresh))
    return replacement.rename(path.with_name(f".{name}.al-new-{replacement.stat().st_ino}-{size}"))


def _exchange(one: Path, other: Path) -> None:
    """Each name means the other's file then."""
    third = one.rename(one.with_name("third"))
    other.rename(one)
    third.rename(other)


SHAPES: dict[str, Callable[[Archive], None]] = {
    "mixed": mixed,
    "rewrite": rewrite,
    "drop": drop,
    "full": full,
    "crashed": crashed,
    "swapped": swapped,
    "packed": packed_ones,
    "repacked": repacked,
    "packeddrop": packed_drop,
}


def lay(root: Path, shape: str = "mixed") -> Archive:
    """Remove what is in `root` and lay an archive of this shape there."""
    shutil.rmtree(root, ignore_errors=True)
    archive = Archive(root)
    archive.folder.mkdir(parents=True)
    archive.folder.chmod(0o755)
    archive.policy.write_text(POLICY)
    SHAPES[shape](archive)
    return archive
