"""The hidden names of a commit under way, in the folder of a log: a job that comes after a kill reads them again."""

import re
import zlib
from typing import NamedTuple, Self

NUMBER = "(0|[1-9][0-9]{0,19})"
MAX_BYTES = 2**63 - 1
_MAX_INODE = 2**64 - 1
_NEW = ".al-new"
_HIDDEN = re.compile(rf"\.(.+)\.al-old-([0-9a-f]{{8}})-{NUMBER}", re.DOTALL)
_BUILT = re.compile(rf"\.(.+)\.al-new-{NUMBER}-{NUMBER}", re.DOTALL)

# Bytes that a segment's name may have, so that each of these has at most 255, whatever numbers come to stand in it.
LONGEST_SEGMENT = 255 - len(f".{_NEW}-{_MAX_INODE}-{MAX_BYTES}")


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
        """Return whether the accounted bytes can have this digest. What another reader has made can't be compared."""
        maker, check = _shown(digest)
        return self.token[0] != maker or self.token[4:] == check

    def begun_anew(self, chance: bytes) -> Self:
        """Return the name once nothing of the file is accounted for any more."""
        return self._replace(token=f"0{self.origin}{chance.hex()[:4]}", processed_bytes=0)

    @property
    def origin(self) -> str:
        """The part that the tokens of all late segments of this file have in common, and hardly any other token has."""
        return origin(self.token)

    def __str__(self) -> str:
        return f".{self.segment}.al-old-{self.token}-{self.processed_bytes}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        match = _HIDDEN.fullmatch(name)
        return cls(match[1], match[2], int(match[3])) if match and int(match[3]) <= MAX_BYTES else None


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
        if match is None or int(match[2]) > _MAX_INODE or int(match[3]) > MAX_BYTES:
            return None
        return cls(match[1], int(match[2]), int(match[3]))


def origin(token: str) -> str:
    """Return the part of a token that stays the same as long as an old file does."""
    return token[1:4]


def new_name(segment: str) -> str:
    """Return the hidden name under which a segment's replacement is built; worthless until that is whole."""
    return f".{segment}{_NEW}"


def hidden_segment(name: str) -> str | None:
    """Return the segment that a hidden name of ours is about; None if it is no such name."""
    if not name.startswith("."):
        return None
    hidden = OldLink.parse(name) or StagedFile.parse(name)
    if hidden is not None:
        return hidden.segment
    return name[1 : -len(_NEW)] if name.endswith(_NEW) else None


def _shown(digest: bytes) -> tuple[str, str]:
    """Return what a token can tell of a digest. Python's is a CRC-32, of 4 bytes; the kernel's has more."""
    return "5" if len(digest) == 4 else "6", f"{zlib.crc32(digest) & 0xFFFF:04x}"
