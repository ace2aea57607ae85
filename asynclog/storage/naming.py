"""Which names in a log's folder are those of its segments, and in which order these are."""

import fnmatch
import re
from collections.abc import Iterable

from asynclog.storage.codecs import NAME_SUFFIXES, PACKED_SUFFIXES
from asynclog.storage.hidden_names import LONGEST_SEGMENT, MAX_BYTES, NUMBER, hidden_segment
from asynclog.timestamps import parse_instant

_PACKED = f"(?:{'|'.join(map(re.escape, NAME_SUFFIXES))})?"
_OF_ANOTHER_KIND = ("_schemas.jsonl", "_holds.jsonl", ".sig")

# Bytes that a log's base name may have: its late segments have names, too, and hidden ones.
LONGEST_BASE = LONGEST_SEGMENT - len(f"-late-00000000-{MAX_BYTES}")


class SegmentNaming:
    """The names that a log's segments have.

    For `logs.jsonl`: the base file itself; MXCP's `logs-YYYYMMDDTHHMMSS[-n].jsonl`; logrotate's `logs.jsonl.N`,
    `logs.jsonl-YYYYMMDD[-HH…]` and `logs-YYYYMMDD.jsonl`; our own `logs-late-<token>-<offset>.jsonl`; each also
    with `.gz` or `.zst`. Where `patterns` (globs) are given, these and the late ones instead. Files that are `apart`
    are the configuration's own, and neither segments nor neighbours, whatever a pattern says; nor are registries,
    lists of holds and signatures of any log.
    """

    def __init__(self, base: str, patterns: Iterable[str] = (), apart: Iterable[str] = ()) -> None:
        self.base = base
        self.lock = f".{base}.al-lock"  # the lock file's, which stays: it is neither a segment nor left behind
        self.stem, self.suffix = _split(base)
        self._apart = {f"{self.stem}_schemas.jsonl", *apart}
        stem, suffix = re.escape(self.stem), re.escape(self.suffix)
        digits = "[0-9a-f]{8}"
        dated = rf"{stem}-([0-9]{{8}}(?:T[0-9]{{6}}(?:-([0-9]+))?)?){suffix}"
        rotated = rf"{stem}{suffix}(?:\.([0-9]+)|-([0-9]{{8}}(?:-[0-9]{{2,6}})?))"
        self._late = re.compile(f"{stem}-late-({digits})-{NUMBER}{suffix}{_PACKED}")
        self._known = re.compile(f"(?:{stem}{suffix}|{dated}|{rotated}){_PACKED}")
        self._globs = [re.compile(fnmatch.translate(pattern)) for pattern in patterns]

    def late_name(self, token: str, offset: int) -> str:
        """Return the segment for what a writer appended, from byte `offset` on, to a file that had been replaced."""
        return f"{self.stem}-late-{token}-{offset}{self.suffix}"

    def match(self, name: str) -> bool:
        """Return whether a file of this name is a segment of the log."""
        if name.startswith(".") or self._is_apart(name):
            return False
        return any(pattern.fullmatch(name) for pattern in self._globs or [self._known]) or bool(self.late_token(name))

    def is_neighbour(self, name: str) -> bool:
        """Return whether a file of this name looks as if it belonged to the log, and is neither a segment nor known."""
        if self._is_apart(name) or name.startswith("."):
            return False
        return name.startswith(self.stem) and not self.match(name)

    def _is_apart(self, name: str) -> bool:
        return name in self._apart or (name.endswith(_OF_ANOTHER_KIND) and name != self.base)

    def start_time(self, name: str) -> int | None:
        """Return when a segment was begun, by its name (ns since 1970, in UTC); None if that names no time."""
        known = self._known.fullmatch(name)
        time = _digits(known[1] or known[4] or "") if known else ""
        return parse_instant(f"{time[:4]}-{time[4:6]}-{time[6:8]}T{time[8:10]}:{time[10:12]}:{time[12:]}Z")

    def late_token(self, name: str) -> str | None:
        """Return the token in the name of a segment that a job of ours has made; None in any other name."""
        match = self._late.fullmatch(name)
        return match[1] if match and int(match[2]) <= MAX_BYTES else None

    def is_renamed_later(self, name: str) -> bool:
        """Return whether a rotation renames the file: the base file, and those with a number from the newest."""
        known = self._known.fullmatch(name)
        return name == self.base or (known is not None and known[3] is not None)

    def sort_key(self, name: str) -> tuple[int, int, int, str]:
        """Sort by the time in the name, then by its number; late ones and the base file come last."""
        if self.late_token(name):
            return (3, 0, 0, name)
        known = self._known.fullmatch(name)
        if known is None:
            return (0, 0, 0, name)
        dated, number, rotation, day = known.groups()
        if dated or day:
            return (1, int(_digits(dated or day)), int(number or 0), name)
        if rotation:
            return (2, -int(rotation), 0, name)
        return (4, 0, 0, name)

    def is_temporary(self, name: str) -> bool:
        """Return whether this is a hidden name that a job of this log gives."""
        segment = hidden_segment(name)
        return segment is not None and self.match(segment)

    def is_stray(self, name: str) -> bool:
        """Return whether this is a hidden name of a job that no job of this log knows as its own."""
        return name.startswith(".") and hidden_behind(name) is not None and not self.is_temporary(name)


def hidden_behind(name: str) -> str | None:
    """Return the segment that a hidden name of ours is about, although somebody has packed the file since."""
    suffix = next((suffix for suffix in PACKED_SUFFIXES if name.endswith(suffix)), "")
    return hidden_segment(name.removesuffix(suffix))


def length(name: str) -> int:
    """Return the length of a name in bytes, as the file system counts."""
    return len(name.encode("utf-8", "surrogateescape"))


def _digits(time: str) -> str:
    """Return the time in a name as YYYYMMDDHHMMSS; what it does not say is zeros."""
    return time[: len("YYYYMMDDTHHMMSS")].replace("T", "").replace("-", "").ljust(14, "0")


def _split(base: str) -> tuple[str, str]:
    stem, dot, suffix = base.rpartition(".")
    return (stem, dot + suffix) if stem else (base, "")
