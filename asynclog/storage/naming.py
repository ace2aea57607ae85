"""The names in a log's folder that are those of its segments, and their order."""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from asynclog.storage.codecs import NAME_SUFFIXES, packed_suffix
from asynclog.storage.hidden_names import LONGEST_SEGMENT, MAX_BYTES, NUMBER, hidden_segment
from asynclog.storage.rotated_names import MXCPS, Addition, of_mxcp, parse_additions

_LATE = re.compile(f"-late-([0-9a-f]{{8}})-{NUMBER}")
_OF_ANOTHER_KIND = ("_schemas.jsonl", "_holds.jsonl", ".sig")
_ROTATED_KINDS = ("_schemas", "_holds")
_ENDINGS = (".log", ".json", ".jsonl", ".ndjson", ".txt")  # that logrotate's `addextension` puts behind all
_LAST = (4, "", 0)  # the sort key of what nothing was added to

# Bytes that a log's base name may have: its late segments have names, too, and hidden ones.
LONGEST_BASE = LONGEST_SEGMENT - len(f"-late-00000000-{MAX_BYTES}")


class _Parts(NamedTuple):
    """The parts of a segment's name beside the base: the token of a late one, and what rotators have added."""

    late: str = ""
    additions: tuple[Addition, ...] = ()


class SegmentNaming:
    """The names that a log's segments have.

    For `logs.jsonl`: the base file itself; `logs` + what a rotator adds + `.jsonl`, such as MXCP's
    `logs-YYYYMMDDTHHMMSS[-n].jsonl`; either of them + what a rotator adds, such as `logs.jsonl.1`; our own
    `logs-late-<token>-<offset>.jsonl`; each also packed. What rotators add is for `rotated_names` to say. Where
    `patterns` (globs) are given, these and the late ones instead; `more_names` (globs) come beside the usual ones.
    Files that are `apart` are the configuration's own, and neither segments nor neighbours, whatever a pattern says;
    nor are registries, lists of holds and signatures of any log, rotated or not.
    """

    def __init__(
        self,
        base: str,
        patterns: Iterable[str] = (),
        apart: Iterable[str] = (),
        more_names: Iterable[str] = (),
    ) -> None:
        self.base = base
        self.lock = f".{base}.al-lock"  # the lock file's, which stays: it is neither a segment nor left behind
        self.stem, self.suffix = _split(base)
        self._apart = {f"{self.stem}_schemas.jsonl", *apart}
        self._mxcps = re.compile(f"{re.escape(self.stem)}{MXCPS}{re.escape(self.suffix)}")
        self._globs = _compiled(patterns)
        self._more = _compiled(more_names)

    def late_name(self, token: str, offset: int, source: str = "") -> str:
        """Return the segment for what a writer appended, from byte `offset` on, to a file that had been replaced.

        What was appended to a packed `source` is packed like that one.
        """
        name, packed = f"{self.stem}-late-{token}-{offset}{self.suffix}", packed_suffix(source)
        return name if name.endswith(packed) else name + packed

    def match(self, name: str) -> bool:
        """Return whether a file of this name is a segment of the log."""
        if name.startswith(".") or self._is_apart(name):
            return False
        if self._globs:
            return any(pattern.fullmatch(name) for pattern in self._globs) or bool(self.late_token(name))
        if self._mxcps.fullmatch(name) or self._parse(name) is not None:
            return True
        return any(pattern.fullmatch(name) for pattern in self._more)

    def is_rotated(self, name: str) -> bool:
        """Return whether a rotator, or who packs files, gives the base file this name."""
        parts = self._parse(name) if name != self.base else None
        return parts is not None and not parts.late

    def is_neighbour(self, name: str) -> bool:
        """Return whether a file of this name looks as if it belonged to the log, and is neither a segment nor known."""
        if self._is_apart(name) or name.startswith("."):
            return False
        return name.startswith(self.stem) and not self.match(name)

    def _is_apart(self, name: str) -> bool:
        if name in self._apart or (name.endswith(_OF_ANOTHER_KIND) and name != self.base):
            return True
        return any(kind in name and not self.stem.endswith(kind) and _is_rotated(name, kind) for kind in _ROTATED_KINDS)

    def start_time(self, name: str) -> int | None:
        """Return when a segment was begun, by its name (ns since 1970, in UTC); None if that names no time.

        Behind MXCP's own time that of a rotation says nothing. Most rotators name the end, or the day.
        """
        parts = self._parse(name)
        return next((addition.instant for addition in parts.additions if addition.time), None) if parts else None

    def late_token(self, name: str) -> str | None:
        """Return the token in the name of a segment that a job of ours has made; None in any other name."""
        parts = self._parse(name) if "-late-" in name else None
        return parts.late if parts and parts.late and not parts.additions else None

    def is_renamed_later(self, name: str) -> bool:
        """Return whether a rotation renames the file: the base file, and those with a number from the newest."""
        parts = self._parse(name)
        return name == self.base or bool(parts and parts.additions and parts.additions[-1].is_renumbered)

    def sort_key(self, name: str) -> tuple[tuple[int, str, int], tuple[int, str, int], str]:
        """Sort by the time in the name, then by its number; late ones and the base file come last.

        A late one that was rotated comes first: nobody writes to it any more.
        """
        parts = self._parse(name)
        if parts is None or (parts.late and parts.additions):
            return ((0, "", 0), _LAST, name)
        if parts.late:
            return ((3, "", 0), _LAST, name)
        first, second, *_ = (*(addition.sort_key for addition in parts.additions), _LAST, _LAST)
        return (first, second, name)

    def _parse(self, name: str) -> _Parts | None:
        """Return the parts of a usual name; None if it is none."""
        if found := self._mxcps.fullmatch(name):  # the most common ones, and ten times as fast as the others
            return _Parts("", (of_mxcp(found),))
        for rest in _unpacked(name.removeprefix(self.stem)) if name.startswith(self.stem) else ():
            late = _LATE.match(rest)
            if late and int(late[2]) > MAX_BYTES:
                return None
            additions = self._additions(rest[late.end() :] if late else rest)
            if additions is not None:
                return _Parts(late[1] if late else "", additions)
        return None

    def _additions(self, rest: str) -> tuple[Addition, ...] | None:
        """Return what was added before the log's suffix and behind it; None if that is not all there is."""
        if not self.suffix:
            return parse_additions(rest)
        at = rest.find(self.suffix)
        while at >= 0:
            before, behind = parse_additions(rest[:at]), _behind(rest[at + len(self.suffix) :])
            if before is not None and behind is not None and _may_follow(before, behind):
                return before + behind
            at = rest.find(self.suffix, at + 1)
        return None

    def is_temporary(self, name: str) -> bool:
        """Return whether this is a hidden name that a job of this log gives."""
        segment = hidden_segment(name)
        return segment is not None and self.match(segment)

    def is_stray(self, name: str) -> bool:
        """Return whether this is a hidden name of a job that no job of this log knows as its own."""
        return name.startswith(".") and hidden_behind(name) is not None and not self.is_temporary(name)


def _compiled(globs: Iterable[str]) -> list[re.Pattern[str]]:
    return [re.compile(fnmatch.translate(glob)) for glob in globs]


def hidden_behind(name: str) -> str | None:
    """Return the segment that a hidden name of ours is about, although somebody has packed the file since."""
    return hidden_segment(name.removesuffix(packed_suffix(name)))


def length(name: str) -> int:
    """Return the length of a name in bytes, as the file system counts."""
    return len(name.encode("utf-8", "surrogateescape"))


def _unpacked(name: str) -> Iterator[str]:
    """Yield a name as it is, and without what packing has added."""
    yield name
    if name.endswith(NAME_SUFFIXES):
        yield name.rpartition(".")[0]


def _behind(text: str) -> tuple[Addition, ...] | None:
    """Return what was added behind a log's suffix; None if it was anything else."""
    additions = parse_additions(text)
    if additions is None and text.endswith(_ENDINGS):
        return parse_additions(text.rpartition(".")[0]) or None
    return additions


def _may_follow(before: tuple[Addition, ...], behind: tuple[Addition, ...]) -> bool:
    """Return whether these stand before and behind a suffix: a file that a number was added to gets no more."""
    return len(before) + len(behind) <= 2 and not (behind and before and before[-1].is_renumbered)


def _is_rotated(name: str, kind: str) -> bool:
    """Return whether this is a rotated registry, or list of holds."""
    stem, found, _ = name.rpartition(kind)
    return SegmentNaming(f"{stem}{found}.jsonl").is_rotated(name)


def _split(base: str) -> tuple[str, str]:
    stem, dot, suffix = base.rpartition(".")
    return (stem, dot + suffix) if stem else (base, "")
