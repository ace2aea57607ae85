"""RFC 8259, to the letter and in constant memory: for the lines on which a library's limits would decide.

Such are lines that a library refuses although the grammar allows them (1e400, a lone surrogate, an integer of 5,000
digits), that hide something from it (a key that stands twice), or that would become a thousand times their size in
objects. It is slower than orjson by far, and seldom needed.
"""

import codecs
import re
from collections.abc import Iterator

Line = bytes | memoryview  # a long one is not copied
MAX_DEPTH = 500  # levels, the record itself among them; the only limit that is ours

# Without possessive quantifiers: before Python 3.11.5 they match what they should not.
_text = re.compile(rb'[^"\\\x00-\x1f]*').match
_escapes = re.compile(rb'(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})){1,1000}').match
_scalar = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?|true|false|null").match
_space = re.compile(rb"[ \t\r\n]*").match
_CHUNK = 1 << 20  # bytes
_CLOSING = {0x7B: 0x7D, 0x5B: 0x5D}  # { and }, [ and ]
FOLLOWS = "it is not JSON: something follows the object"
_COMMA, _OBJECT, _QUOTE = 0x2C, 0x7B, 0x22


class LineError(ValueError):
    """The reason why a line is not a record, in words, and the byte at fault; None if no byte is to blame."""

    def __init__(self, what: str, at: int | None = None) -> None:
        super().__init__(what, at)
        self.what = what
        self.at = at


def members(line: Line) -> Iterator[tuple[Line, Line]]:
    """Yield (key, value) of the one object on this line, both as they are written, and in their order.

    Raise LineError, maybe after some of them, if the line is anything but one object.
    """
    check_encoding(line)
    at = past_space(line, 0)
    if line[at : at + 1] != b"{":
        raise LineError("it is no JSON object", at)
    at = past_space(line, at + 1)
    while line[at : at + 1] != b"}":
        key_end = string_end(line, at)
        start = past_colon(line, key_end)
        end = value_end(line, start)
        yield line[at:key_end], line[start:end]
        at = past_space(line, end)
        if line[at : at + 1] == b",":
            at = past_space(line, at + 1)
            if line[at : at + 1] == b"}":
                raise LineError("it is not JSON: there is a comma too many", at)
        elif line[at : at + 1] != b"}":
            raise LineError("it is not JSON: a comma is missing", at)
    if past_space(line, at + 1) != len(line):
        raise LineError(FOLLOWS, past_space(line, at + 1))


def past_space(line: Line, at: int) -> int:
    """Return where the white space that begins here, if any, ends."""
    space = _space(line, at)
    return space.end() if space else at


def past_colon(line: Line, at: int) -> int:
    """Return where the value behind the colon that must come next begins."""
    at = past_space(line, at)
    if line[at : at + 1] != b":":
        raise LineError("it is not JSON: a colon is missing", at)
    return past_space(line, at + 1)


def string_end(line: Line, at: int) -> int:
    """Return where the string that has to begin here ends, its quotes included."""
    if line[at : at + 1] != b'"':
        raise LineError("it is not JSON: a string is missing", at)
    at += 1
    while True:
        text = _text(line, at)
        at = text.end() if text else at
        if line[at : at + 1] == b'"':
            return at + 1
        escapes = _escapes(line, at)
        if escapes is None:
            raise LineError("it is not JSON: a string does not end, or has what no string may have", at)
        at = escapes.end()


def check_encoding(line: Line) -> None:
    """Raise LineError if the line is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(line) + 1, _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(line[start : start + _CHUNK], final=start + _CHUNK > len(line))
        except UnicodeDecodeError as error:
            raise LineError("it is not UTF-8", start - pending + error.start) from None


def value_end(line: Line, at: int, deepest: int = MAX_DEPTH) -> int:
    """Return where the value that begins here ends. Walk containers without recursion, `deepest` - 1 levels at most."""
    opened = bytearray()
    while True:
        first = line[at] if at < len(line) else 0
        if first in _CLOSING:
            opened.append(first)
            if len(opened) == deepest:
                raise LineError(f"it is nested deeper than {deepest} levels", at)
            at = past_space(line, at + 1)
            if line[at : at + 1] != bytes([_CLOSING[first]]):
                at = _item(line, at, first)
                continue
        elif first == _QUOTE:
            at = string_end(line, at)
        else:
            scalar = _scalar(line, at)
            if scalar is None:
                raise LineError("it is not JSON: a value is missing", at)
            at = scalar.end()
        while opened:
            at = past_space(line, at)
            byte = line[at] if at < len(line) else 0
            at += 1
            if byte == _COMMA:
                at = _item(line, past_space(line, at), opened[-1])
                break
            if byte != _CLOSING[opened.pop()]:
                raise LineError("it is not JSON: a comma or a bracket is missing", at - 1)
        else:
            return at


def _item(line: Line, at: int, container: int) -> int:
    """Return where the value of an item of the container begins: in an object, behind its key."""
    return past_colon(line, string_end(line, at)) if container == _OBJECT else at
