"""Judge what is right from the folder alone: told what was written, it reads back what is there.

It shares no code with the package, and knows of its hidden names only what operators are told of them.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import stat
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from packing import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from faults.archive import Archive, Line
    from faults.child import Ended

Kind = Literal["lost", "duplicated", "altered", "unfinished", "leftover", "misreported"]
KINDS: tuple[Kind, ...] = ("lost", "duplicated", "altered", "unfinished", "leftover", "misreported")
_OLD = re.compile(r"\..+\.al-old-[0-9a-f]{8}-([0-9]+)")
_NEW = re.compile(r"\..+\.al-new-([0-9]+)-([0-9]+)")
_LOCK = re.compile(r"\..+\.al-lock")
_LATE = re.compile(r"logs-late-[0-9a-f]{8}-[0-9]+\.jsonl(\.gz|\.zst)?")
_PACKED = re.compile(r"\.(gz|zst)(\.al-|$)")
RUNS = 3  # how many jobs, at the most, it may take to get to the end after a fault


class Finding(NamedTuple):
    """One way in which a folder, or a report about it, is wrong."""

    kind: Kind
    detail: str


class Dress(NamedTuple):
    """The metadata that a file keeps when it is rewritten."""

    owner: int
    group: int
    mode: int
    attributes: tuple[tuple[str, bytes], ...]


class File(NamedTuple):
    """One file of the folder."""

    inode: int
    changed: int
    dress: Dress
    data: bytes


@dataclass
class Reading:
    """The folder at one moment: what readers see, and what is hidden from them; of both what counts.

    `beneath` is all that hidden files hold, what is accounted for included.
    """

    visible: dict[str, File] = field(default_factory=dict)
    hidden: dict[str, File] = field(default_factory=dict)
    beneath: set[bytes] = field(default_factory=set)

    def lines(self) -> Counter[bytes]:
        """Count how often each line is there for readers; a file with two names is read twice, as they do."""
        return Counter(line for file in self.visible.values() for line in split(file.data))

    def hidden_lines(self) -> Counter[bytes]:
        """Count the lines of files that have no visible name."""
        seen = {file.inode for file in self.visible.values()}
        files = {file.inode: file for file in self.hidden.values() if file.inode not in seen}
        return Counter(line for file in files.values() for line in split(file.data))


def split(data: bytes) -> list[bytes]:
    """Return the lines of these bytes, each with its newline if it has one."""
    return [line for line in re.findall(rb"[^\n]*\n|[^\n]+", data) if line]


def read(folder: Path) -> Reading:
    """Read a folder back, without files that vanish meanwhile."""
    files = {}
    for name in filter(lambda name: not _LOCK.fullmatch(name), sorted(os.listdir(folder))):
        with contextlib.suppress(FileNotFoundError):
            files[name] = _file(folder / name)
    hidden, visible = _dealt_with(files)
    reading = Reading()
    for name, file in files.items():
        if name.startswith("."):
            reading.beneath |= set(split(_lines(name, file.data)))
            counts = hidden.get(file.inode, len(file.data))
            reading.hidden[name] = file._replace(data=_lines(name, file.data[counts:]))
        else:
            reading.visible[name] = file._replace(data=_lines(name, file.data[visible.get(file.inode, 0) :]))
    return reading


def _lines(name: str, data: bytes) -> bytes:
    """Return what other programs find in a file of this name, or for it; its bytes as they are if it is damaged."""
    codec = _PACKED.search(name)
    if not codec or not data:
        return data
    try:
        return bytes(gzip.decompress(data) if codec[1] == "gz" else zstd().decompress(data))
    except (EOFError, OSError, zlib.error, zstd().ZstdError):
        return data


def _dealt_with(files: Mapping[str, File]) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many bytes of which hidden and visible inodes don't count, by what the hidden names say.

    Where a file that was not meant was displaced, its replacement counts only for what was appended to it.
    """
    hidden = {file.inode: int(old[1]) for name, file in files.items() if (old := _OLD.fullmatch(name))}
    visible = {}
    for name, file in files.items():
        new = _NEW.fullmatch(name)
        if new and file.inode == int(new[1]):
            hidden[file.inode] = int(new[2])
        elif new and file.inode not in hidden:
            hidden[file.inode] = 0
            visible[int(new[1])] = int(new[2])
    return hidden, visible


def _file(path: Path) -> File:
    status = path.stat()
    attributes = tuple((name, os.getxattr(path, name)) for name in sorted(os.listxattr(path)))
    dress = Dress(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), attributes)
    return File(status.st_ino, status.st_mtime_ns, dress, path.read_bytes())


class Oracle:
    """Judges one archive, from when it was laid on. Every method answers with what is wrong, nothing where all is well.

    `ordered` is for archives where lines are told in the order in which they are written. Where leases are `weak`,
    old files may keep their hidden names.
    """

    def __init__(self, archive: Archive, *, ordered: bool = True, weak: bool = False) -> None:
        self.archive = archive
        self.ledger = archive.ledger
        self.ordered = ordered
        self.weak = weak
        self.before = read(archive.folder)
        self._strangers = {name: (self._names(self.before))[name] for name in archive.strangers}

    @staticmethod
    def _names(reading: Reading) -> dict[str, File]:
        return {**reading.visible, **reading.hidden}

    def read(self) -> Reading:
        """Read the folder now, without other people's files; what became of those is judged by `at_any_time`."""
        reading = read(self.archive.folder)
        for name in self.archive.strangers:
            reading.visible.pop(name, None)
            reading.hidden.pop(name, None)
        return reading

    def at_any_time(self) -> Iterator[Finding]:
        """Check what holds at every moment, a crash included: no line lost, none twice, none that nobody wrote."""
        reading = self.read()
        visible, hidden = reading.lines(), reading.hidden_lines()
        for line in self.ledger.lines.values():
            if (
                line.fate == "stays"
                and not visible[line.data]
                and not hidden[line.data]
                and not self._excused(line, reading)
            ):
                yield Finding("lost", _shown(line.data))
        for data, number in visible.items():
            if data not in self.ledger.lines:
                yield Finding("altered", f"nobody wrote {_shown(data)}")
            elif number > 1 and not (self.ledger.copied_twice and data in self.ledger.copied):
                yield Finding("duplicated", f"{number} times {_shown(data)}")
        for data, number in hidden.items():
            if number > 1 and not visible[data]:
                yield Finding("duplicated", f"hidden {number} times {_shown(data)}")
        yield from self._order(reading)
        yield from self._dress(reading)
        now = self._names(read(self.archive.folder))
        for name, file in self._strangers.items():
            if now.get(name) != file:
                yield Finding("altered", f"{name} is somebody else's file, and was touched")

    def _order(self, reading: Reading) -> Iterator[Finding]:
        if not self.ordered:
            return
        for name, file in reading.visible.items():
            places = [self.ledger.order[data] for data in split(file.data) if data in self.ledger.order]
            if places != sorted(places):
                yield Finding("altered", f"{name} has its lines in another order")

    def _dress(self, reading: Reading) -> Iterator[Finding]:
        """Check that an original segment keeps its metadata, and all of itself if nothing goes from it."""
        for name, file in self.before.visible.items():
            now = reading.visible.get(name)
            if now and now.dress != file.dress:
                yield Finding("altered", f"{name} was {file.dress} and is {now.dress}")
            goes = any(self._goes(data) for data in split(file.data))
            if now and not goes and now.data == file.data and now != file:
                yield Finding("altered", f"{name} had nothing that goes, and was touched")

    def _goes(self, data: bytes) -> bool:
        line = self.ledger.lines.get(data)
        return line is not None and line.fate == "goes"

    def _excused(self, line: Line, reading: Reading) -> bool:
        """Return whether a writer removed it, or wrote it over others, in a file that a killed job has hidden since."""
        begun_anew = self.ledger.cut or self.ledger.copied
        return line.data in self.ledger.cut or (bool(begun_anew) and line.data in reading.beneath)

    def at_the_end(self) -> Iterator[Finding]:
        """Check what holds once jobs have run undisturbed: all that, what expired is gone, and nothing else is left."""
        yield from self.at_any_time()
        reading = self.read()
        visible = reading.lines()
        for line in self.ledger.lines.values():
            if line.fate == "goes" and visible[line.data]:
                yield Finding("unfinished", f"still there: {_shown(line.data)}")
            if line.fate == "stays" and not visible[line.data] and line.data in reading.beneath - self.ledger.cut:
                yield Finding("unfinished", f"still hidden: {_shown(line.data)}")
        for name in reading.hidden:
            if not (self.weak and _OLD.fullmatch(name)):
                yield Finding("leftover", name)
        for name in reading.visible.keys() - self.ledger.names:
            if not _LATE.fullmatch(name):
                yield Finding("leftover", name)

    def expired(self, *, hidden: bool = True) -> Counter[str]:
        """Count the expired records that are there now, per schema key; those that readers don't see among them."""
        reading = self.read()
        there = reading.lines().keys() | (reading.hidden_lines().keys() if hidden else set())
        lines = (self.ledger.lines.get(data) for data in there)
        return Counter(line.schema for line in lines if line is not None and line.schema)

    def honest(self, ended: Ended, before: Counter[str]) -> Iterator[Finding]:
        """Whether a job's report is true, where `before` is what had expired when it began.

        Nobody may have written anything expired meanwhile.
        """
        if ended.status < 0:
            return  # it was killed, and says nothing
        gone, document = dict(before - self.expired()), ended.document
        if ended.status not in {0, 3}:
            if ended.status == 70 or b"should not happen" in ended.output:
                yield Finding("misreported", f"it broke down: {ended.errors[-400:]}{ended.output[-400:]!r}")
            if ended.status in {2, 4, 5} and gone:
                yield Finding("misreported", f"exit {ended.status}, but {gone} are gone")
            return
        if document is None:
            yield Finding("misreported", f"exit {ended.status} without a whole document")
            return
        told = document["result"]
        if not self._told(Counter(told["deleted_per_schema"]), Counter(gone)):
            yield Finding("misreported", f"{gone} are gone, {told['deleted_per_schema']} are told")
        if (document["status"] == "ok") != (ended.status == 0):
            yield Finding("misreported", f"exit {ended.status} with status {document['status']}")
        pending = sorted(name for name in self.read().hidden if name.startswith(".logs"))
        if sorted(told["recovery_pending"]) != pending and not self.weak:
            yield Finding("misreported", f"{pending} are hidden, {told['recovery_pending']} are told")
        left, overdue = self.expired(hidden=False).total(), sum(told["overdue"]["records"].values())
        unread = self.ledger.moved or told["segments"]["skipped"] or told["late_segments"]
        if ended.status == 0 and left != overdue and not (unread and (left or self.ledger.cut)):
            yield Finding("misreported", f"exit 0: {left} expired records are left, {overdue} are told")

    def _told(self, told: Counter[str], gone: Counter[str]) -> bool:
        """Whether a report's counts are those of what is gone; what a writer removed, too, it may count or not."""
        loose = self.ledger.uncounted()
        return all(abs(told[schema] - gone[schema]) <= loose[schema] for schema in told | gone)


def _shown(data: bytes) -> str:
    serial = re.search(rb'"serial": (\d+)', data)
    return f"serial {serial[1].decode()}" if serial and len(data) < 200 else repr(data[:80])


def judged(oracle: Oracle, ended: Ended, before: Counter[str], run: Callable[[], Ended]) -> list[Finding]:
    """Judge all that follows a fault: the folder as left, the report on it, the jobs that `run` starts then.

    These must get to the end, and one more must change nothing.
    """
    found = [*oracle.at_any_time(), *oracle.honest(ended, before)]
    for _ in range(RUNS):
        before = oracle.expired()
        ended = run()
        found += oracle.honest(ended, before)
        if ended.status:
            found.append(Finding("unfinished", f"the next job ended with {ended.status}: {_last_words(ended)}"))
        if not list(oracle.at_the_end()):
            break
    found += oracle.at_the_end()
    settled = oracle.read()
    run()
    if oracle.read() != settled:
        found.append(Finding("unfinished", "one more job changed the folder again"))
    return list(dict.fromkeys(found))


def _last_words(ended: Ended) -> str:
    return ended.errors[-300:] or ended.output[-300:].decode(errors="replace")
