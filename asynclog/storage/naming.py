"""Names in a log's folder: those of its segments, and the hidden ones of a commit under way."""

import fnmatch
import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple, Self

from asynclog.timestamps import parse_instant

_PACKED = r"(?:\.gz|\.zst)?"
_OF_ANOTHER_KIND = ("_schemas.jsonl", "_holds.jsonl", ".sig")
_NEW = ".al-new"
_NUMBER = "(0|[1-9][0-9]{0,19})"
_HIDDEN = re.compile(rf"\.(.+)\.al-old-([0-9a-f]{{8}})-{_NUMBER}", re.DOTALL)
_BUILT = re.compile(rf"\.(.+)\.al-new-{_NUMBER}-{_NUMBER}", re.DOTALL)
_MOST_BYTES, _MOST_INODE = 2**63 - 1, 2**64 - 1

# Bytes that a name may have, so that each of ours has at most 255, whatever numbers come to stand in it.
LONGEST_SEGMENT = 255 - len(f".{_NEW}-{_MOST_INODE}-{_MOST_BYTES}")
LONGEST_BASE = LONGEST_SEGMENT - len(f"-late-00000000-{_MOST_BYTES}")


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
        self._late = re.compile(f"{stem}-late-({digits})-{_NUMBER}{suffix}{_PACKED}")
        self._known = re.compile(f"(?:{stem}{suffix}|{dated}|{rotated}){_PACKED}")
        self._globs = [re.compile(fnmatch.translate(pattern)) for pattern in patterns]

    def late(self, token: str, offset: int) -> str:
        """Return the segment for what a writer appended, from byte `offset` on, to a file that had been replaced."""
        return f"{self.stem}-late-{token}-{offset}{self.suffix}"

    def match(self, name: str) -> bool:
        """Whether a file of this name is a segment of the log."""
        if name.startswith(".") or self._is_apart(name):
            return False
        return any(pattern.fullmatch(name) for pattern in self._globs or [self._known]) or bool(self.late_token(name))

    def is_neighbour(self, name: str) -> bool:
        """Whether a file of this name looks as if it belonged to the log, and is neither a segment nor known."""
        if self._is_apart(name) or name.startswith("."):
            return False
        return name.startswith(self.stem) and not self.match(name)

    def _is_apart(self, name: str) -> bool:
        return name in self._apart or (name.endswith(_OF_ANOTHER_KIND) and name != self.base)

    def begun(self, name: str) -> int | None:
        """When a segment was begun as its name says it (ns since 1970, in UTC); None where that names no time."""
        known = self._known.fullmatch(name)
        time = _digits(known[1] or known[4] or "") if known else ""
        return parse_instant(f"{time[:4]}-{time[4:6]}-{time[6:8]}T{time[8:10]}:{time[10:12]}:{time[12:]}Z")

    def late_token(self, name: str) -> str | None:
        """Return the token in the name of a segment that a job of ours has made; None in any other name."""
        match = self._late.fullmatch(name)
        return match[1] if match and int(match[2]) <= _MOST_BYTES else None

    def is_renamed_later(self, name: str) -> bool:
        """Whether a rotation gives the file another name: the base file, and those with a number from the newest."""
        known = self._known.fullmatch(name)
        return name == self.base or (known is not None and known[3] is not None)

    def order(self, name: str) -> tuple[int, int, int, str]:
        """Sorts by the time in the name, then by its number; late ones and the base file come last."""
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

    def owns(self, name: str) -> bool:
        """Whether this is a hidden name that a job of this log gives."""
        if not name.startswith("."):
            return False
        hidden = OldLink.parse(name) or StagedFile.parse(name)
        if hidden is not None:
            return self.match(hidden.segment)
        return name.endswith(_NEW) and self.match(name[1 : -len(_NEW)])


class OldLink(NamedTuple):
    """A hidden link to a file that is being replaced: `.<segment>.al-old-<token>-<accounted>`.

    Its first `processed_bytes` have been dealt with; what lies beyond was appended by a writer meanwhile. The token is
    random, for inode numbers come back soon. Only its first digit says whether its last four are of the digest of the
    accounted bytes: 6 of the kernel's, 5 of Python's. Those between stay the same as long as the file does.
    """

    segment: str
    token: str
    processed_bytes: int

    @classmethod
    def of(cls, segment: str, processed_bytes: int, chance: bytes) -> Self:
        """Return a name that four random bytes make."""
        return cls(segment, f"0{chance.hex()[1:]}", processed_bytes)

    def advanced(self, processed_bytes: int, digest: bytes) -> Self:
        """Return the name once so many bytes are accounted for; an empty digest is not known."""
        maker, check = _shown(digest) if digest else ("0", self.token[4:])
        return self._replace(token=f"{maker}{self.token[1:4]}{check}", processed_bytes=processed_bytes)

    def may_have(self, digest: bytes) -> bool:
        """Whether the accounted bytes can have had this digest. What another reader has made can't be compared."""
        maker, check = _shown(digest)
        return self.token[0] != maker or self.token[4:] == check

    def is_origin(self, token: str) -> bool:
        """Whether a late segment with this token comes from the same file, most likely."""
        return token[1:4] == self.token[1:4]

    def __str__(self) -> str:
        return f".{self.segment}.al-old-{self.token}-{self.processed_bytes}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        match = _HIDDEN.fullmatch(name)
        return cls(match[1], match[2], int(match[3])) if match and int(match[3]) <= _MOST_BYTES else None


class StagedFile(NamedTuple):
    """The hidden name of a replacement that is whole: `.<segment>.al-new-<inode>-<size>`, both 0 where a segment goes.

    After the swap it is the name of the file that was displaced: whether it is still the replacement, the inode tells.
    """

    segment: str
    inode: int
    size: int

    def __str__(self) -> str:
        return f"{new_name(self.segment)}-{self.inode}-{self.size}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        match = _BUILT.fullmatch(name)
        if match is None or int(match[2]) > _MOST_INODE or int(match[3]) > _MOST_BYTES:
            return None
        return cls(match[1], int(match[2]), int(match[3]))


def _shown(digest: bytes) -> tuple[str, str]:
    """Return what a token can tell of a digest. Python's is a CRC-32, of 4 bytes; the kernel's has more."""
    return "5" if len(digest) == 4 else "6", f"{zlib.crc32(digest) & 0xFFFF:04x}"


def length(name: str) -> int:
    """In bytes, as the file system counts."""
    return len(name.encode("utf-8", "surrogateescape"))


def new_name(segment: str) -> str:
    """Return the hidden name under which a segment's replacement is built; worthless until that is whole."""
    return f".{segment}{_NEW}"


def _digits(time: str) -> str:
    """Return the time in a name as YYYYMMDDHHMMSS; what it does not say is zeros."""
    return time[: len("YYYYMMDDTHHMMSS")].replace("T", "").replace("-", "").ljust(14, "0")


def _split(base: str) -> tuple[str, str]:
    stem, dot, suffix = base.rpartition(".")
    return (stem, dot + suffix) if stem else (base, "")
