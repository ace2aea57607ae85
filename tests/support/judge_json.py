"""The slow judge's JSON: RFC 8259 as a walk over tokens, and UTF-8 by its definition in RFC 3629.

Written to be obvious, not fast, without any JSON or regular-expression library and without recursion. It
says which members the one object of a line has, in order, or why the line is no such object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 500
WHITE_SPACE = b" \t\r\n"
SHORT_ESCAPES = {
    b'"': '"',
    b"\\": "\\",
    b"/": "/",
    b"b": "\b",
    b"f": "\f",
    b"n": "\n",
    b"r": "\r",
    b"t": "\t",
}
SCALARS = ("string", "integer", "number", "true", "false", "null")


class Unreadable(Exception):  # noqa: N818 - a verdict, not an error of the judge
    """The line is not a record; the text says why."""


class Token(NamedTuple):
    """A piece of JSON: `text` is a string's decoded value or a number as it is written, else empty."""

    kind: str
    text: str = ""


def tokens(line: bytes) -> Iterator[Token]:
    """Split a line into JSON tokens; every byte belongs to one or is white space."""
    at = 0
    while at < len(line):
        if line[at] in WHITE_SPACE:
            at += 1
        else:
            token, at = token_at(line, at)
            yield token


def token_at(line: bytes, at: int) -> tuple[Token, int]:
    """Return the token that starts at a byte, and where it ends."""
    first = line[at : at + 1]
    if first in (b"{", b"}", b"[", b"]", b":", b","):
        return Token(first.decode()), at + 1
    if first == b'"':
        return string_at(line, at + 1)
    if first == b"-" or is_digit(first):
        return number_at(line, at)
    for word in (b"true", b"false", b"null"):
        if line.startswith(word, at):
            return Token(word.decode()), at + len(word)
    raise Unreadable(f"no token starts at byte {at}")


def string_at(line: bytes, at: int) -> tuple[Token, int]:
    """Read a string, starting after its opening quote."""
    points: list[int] = []
    while True:
        if at >= len(line):
            raise Unreadable("a string has no end")
        if line[at] == ord('"'):
            return Token("string", "".join(map(chr, paired(points)))), at + 1
        if line[at] < 0x20:
            raise Unreadable("a control character in a string")
        point, at = escape_at(line, at + 1) if line[at] == ord("\\") else utf8_at(line, at)
        points.append(point)


def escape_at(line: bytes, at: int) -> tuple[int, int]:
    """Read an escape, starting after its backslash: a code point, or half of a surrogate pair."""
    letter = line[at : at + 1]
    if letter in SHORT_ESCAPES:
        return ord(SHORT_ESCAPES[letter]), at + 1
    digits = line[at + 1 : at + 5]
    if letter != b"u" or len(digits) != 4 or any(digit not in b"0123456789abcdefABCDEF" for digit in digits):
        raise Unreadable("no such escape")
    return int(digits, 16), at + 5


def paired(points: list[int]) -> list[int]:
    """Join each high surrogate with a low one right after it; only escapes can make them."""
    joined: list[int] = []
    for point in points:
        if joined and 0xD800 <= joined[-1] <= 0xDBFF and 0xDC00 <= point <= 0xDFFF:
            joined[-1] = 0x10000 + (joined[-1] - 0xD800) * 0x400 + (point - 0xDC00)
        else:
            joined.append(point)
    return joined


def utf8_at(line: bytes, at: int) -> tuple[int, int]:
    """Read one character of UTF-8: shortest form, no surrogates, nothing above U+10FFFF."""
    lead = line[at]
    if lead < 0x80:
        return lead, at + 1
    if 0xC0 <= lead <= 0xDF:
        length, point, smallest = 2, lead - 0xC0, 0x80
    elif 0xE0 <= lead <= 0xEF:
        length, point, smallest = 3, lead - 0xE0, 0x800
    elif 0xF0 <= lead <= 0xF7:
        length, point, smallest = 4, lead - 0xF0, 0x10000
    else:
        raise Unreadable("no character starts with this byte")
    rest = line[at + 1 : at + length]
    if len(rest) != length - 1 or any(not 0x80 <= byte <= 0xBF for byte in rest):
        raise Unreadable("a character is cut short")
    for byte in rest:
        point = point * 0x40 + (byte - 0x80)
    if point < smallest or 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
        raise Unreadable("overlong, a surrogate, or beyond Unicode")
    return point, at + length


def number_at(line: bytes, at: int) -> tuple[Token, int]:
    """Read a number; without fraction and exponent it is an integer."""
    start = at
    if line[at : at + 1] == b"-":
        at += 1
    at = at + 1 if line[at : at + 1] == b"0" else digits_at(line, at)
    whole = at
    if line[at : at + 1] == b".":
        at = digits_at(line, at + 1)
    if line[at : at + 1] in (b"e", b"E"):
        sign = line[at + 1 : at + 2] in (b"+", b"-")
        at = digits_at(line, at + 2 if sign else at + 1)
    return Token("number" if at > whole else "integer", line[start:at].decode()), at


def digits_at(line: bytes, at: int) -> int:
    """Return the end of a run of at least one digit."""
    if not is_digit(line[at : at + 1]):
        raise Unreadable("a number lacks a digit")
    while is_digit(line[at : at + 1]):
        at += 1
    return at


def is_digit(byte: bytes) -> bool:
    """Return whether this is one ASCII digit (at the end of a line it is empty)."""
    return len(byte) == 1 and byte in b"0123456789"


@dataclass
class Walk:
    """A walk over the tokens of one object; `open` holds the brackets that are not yet closed."""

    open: list[str] = field(default_factory=list)
    expect: str = "value"
    key: str = ""
    members: list[tuple[str, Token]] = field(default_factory=list)

    def step(self, token: Token) -> None:
        """Take the next token. Raise Unreadable if it may not follow here."""
        if not self.open and token.kind != "{":
            raise Unreadable("the line is not an object")
        match self.expect, token.kind:
            case (("value" | "first value"), ("{" | "[")):
                self.take(token)
                self.open.append(token.kind)
                self.expect = "first key" if token.kind == "{" else "first value"
            case (("value" | "first value"), kind) if kind in SCALARS:
                self.take(token)
                self.expect = "comma"
            case (("first key" | "key"), "string"):
                self.key = token.text if len(self.open) == 1 else self.key
                self.expect = "colon"
            case "colon", ":":
                self.expect = "value"
            case "comma", ",":
                self.expect = "key" if self.open[-1] == "{" else "value"
            case (("first key" | "comma"), "}") if self.open[-1] == "{":
                self.close()
            case (("first value" | "comma"), "]") if self.open[-1] == "[":
                self.close()
            case _:
                raise Unreadable(f"{token.kind} where {self.expect} was expected")

    def take(self, value: Token) -> None:
        """Note a value of the outermost object."""
        if len(self.open) == 1:
            self.members.append((self.key, value))
        if value.kind in ("{", "[") and len(self.open) == DEEPEST:
            raise Unreadable("nested too deep")

    def close(self) -> None:
        """Leave the innermost bracket."""
        self.open.pop()
        self.expect = "comma" if self.open else "nothing"


def members(line: bytes) -> list[tuple[str, Token]]:
    """Return the members of a line's one object, in order, including duplicates."""
    walk = Walk()
    for token in tokens(line):
        walk.step(token)
    if walk.expect != "nothing":
        raise Unreadable("the object has no end")
    return walk.members


Value = Token | list[tuple[str, "Value"]]  # of an array only its opening bracket


def nested_members(line: bytes) -> list[tuple[str, Value]]:
    """Return the members of a line's one object, with those of the objects in it; of arrays nothing."""
    members(line)  # refuses all that is no such object
    top: list[tuple[str, Value]] = []
    around: list[list[tuple[str, Value]] | None] = []  # the objects that are open, None for an array
    pieces = list(tokens(line))
    for before, piece in zip([Token(""), *pieces], pieces, strict=False):
        key = keys_before(around, before)
        if piece.kind in ("}", "]"):
            around.pop()
        elif piece.kind in (":", ","):
            continue
        elif piece.kind == "string" and around and around[-1] is not None and before.kind != ":":
            around[-1].append((piece.text, Token("pending")))
        else:
            inner: list[tuple[str, Value]] = [] if around else top
            value: Value = inner if piece.kind == "{" else piece
            if key is not None and around[-1] is not None:
                around[-1][-1] = (key, value)
            if piece.kind in ("{", "["):
                around.append(inner if piece.kind == "{" else None)
    return top


def keys_before(around: list[list[tuple[str, Value]] | None], before: Token) -> str | None:
    """Return the key whose value comes next; None if what comes next is no value of an object."""
    if before.kind == ":" and around and around[-1]:
        return around[-1][-1][0]
    return None
