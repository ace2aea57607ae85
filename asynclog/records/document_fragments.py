"""Whether a line is a piece of a document that spans several lines: then its file is not JSON Lines. Pure.

Such a document may hold whole records on lines of their own, so that no line of its file can be judged alone.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from asynclog.records.parser import LONG
from asynclog.records.strict_json import Line, LineError, check_encoding, past_colon, past_space, value_end

_SIGNS = re.compile(rb"[\[\]{}, \t\r\n]*")
_LEADING = re.compile(rb"[\[, \t\r\n]*")
_closing_brace = re.compile(rb"\}").search
_FIRST = frozenset(b'[{"-0123456789tfn')  # of a value
_TRAILING = b",]} \t\r\n"
_CHUNK = 1 << 16  # bytes
_OPENING = (b"[", b"{")
_BRACKET = b"["
_BRACE = 0x7B  # {
_NEXT = frozenset(b",]}")  # what a line begins with that goes on behind a value
_FOLLOWING = frozenset(b",:]}")  # what may stand behind a value or key
_BEFORE = frozenset(b"[{,:")  # behind what a value or key may stand
_SINGLE = _FOLLOWING | _BEFORE


class Part(NamedTuple):
    """The lines of one piece of a segment: where it starts (bytes), how many there are, and its first fragment.

    `fragment` counts the piece's lines from 1; None without one. With one `lines` may be too few.
    """

    start: int
    lines: int
    fragment: int | None


def first_fragment(parts: Iterable[Part]) -> int | None:
    """Return the number of a segment's first fragment among its lines, from 1; None without one."""
    before = 0
    for part in sorted(parts):
        if part.fragment is not None:
            return before + part.fragment
        before += part.lines
    return None


def is_fragment(line: Line) -> bool:
    """Return whether a line that is neither blank nor a record is a piece of a document.

    It is if it has brackets, braces and commas only; or, after any of `[` and `,`, one JSON value or one member (whose
    value may be an opening bracket alone), and then only `,`, `]` and `}`. A value needs at least one such sign around
    it. It is, too, if it begins with `,`, `]` or `}`, and JSON goes on to its end: so begins what comes behind a record
    that stands alone on a line of a document. Torn records, records on one line, text, lone values and NUL bytes are
    no fragments.
    """
    signs = _SIGNS.match(line)
    if signs and signs.end() == len(line):
        return True
    if _goes_on(line):
        return True
    start, trailing = _value_start(line), _trailing(line)
    if line[start] not in _FIRST:
        return False  # it is text
    if line[start] == _BRACE and past_space(line, 0) == start and not _closing_brace(line, trailing):
        return False  # it is torn: an object that begins the line ends among the signs at its end, or nowhere
    if len(line) <= LONG:
        try:
            whole = orjson.loads(line)
        except orjson.JSONDecodeError:
            pass
        else:
            return type(whole) is list and len(whole) == 1
    try:
        found = _is_piece(line, start, trailing)
        if found:
            check_encoding(line)
    except LineError:
        return False
    return found


def _goes_on(line: Line) -> bool:
    """Return whether the line goes on behind a value of a document, in as many tokens as there are."""
    at = past_space(line, 0)
    if line[at] not in _NEXT:
        return False
    try:
        is_behind_value = True
        while at < len(line):
            byte = line[at]
            if is_behind_value and byte not in _FOLLOWING:
                return False
            is_behind_value = byte not in _BEFORE
            at = past_space(line, at + 1 if byte in _SINGLE else _end(line, at))
        check_encoding(line)
    except LineError:
        return False
    return True


def _value_start(line: Line) -> int:
    """Return where the first value or member may begin: behind the signs, or at the bracket of an empty array."""
    leading = _LEADING.match(line)
    start = leading.end() if leading else 0
    before = bytes(line[:start]).rstrip() if line[start : start + 1] == b"]" else b""
    return len(before) - 1 if before.endswith(_BRACKET) else start


def _is_piece(line: Line, start: int, trailing: int) -> bool:
    """Return whether the value or member at `start` ends right before the signs at the line's end. Raise LineError."""
    end = _end(line, start)
    after = past_space(line, end)
    if line[start : start + 1] == b'"' and line[after : after + 1] == b":":
        value = past_colon(line, after)
        opens = line[value : value + 1] in _OPENING and value + 1 >= trailing
        return opens or _end(line, value) >= trailing
    signs, is_followed = bytes(line[past_space(line, 0) : start]).strip(), after < len(line)
    if end >= trailing:
        return bool(signs) or is_followed
    # The brackets in front of it, behind the last comma, may also be where an array begins that is the one value.
    for before in range(signs.rpartition(b",")[2].count(_BRACKET) - 1, -1, -1):
        end = _array_end(line, end)
        if end >= trailing:
            return bool(before) or b"," in signs or past_space(line, end) < len(line)
    return False


def _end(line: Line, at: int) -> int:
    """Return where the value at `at` ends, however deep it is nested. Raise LineError."""
    return value_end(line, at, len(line) + 1)


def _array_end(line: Line, at: int) -> int:
    """Return where the array ends of which an item has ended at `at`. Raise LineError."""
    at = past_space(line, at)
    while line[at : at + 1] == b",":
        at = past_space(line, _end(line, past_space(line, at + 1)))
    if line[at : at + 1] != b"]":
        raise LineError("it is not JSON: a bracket is missing", at)
    return at + 1


def _trailing(line: Line) -> int:
    """Return where the signs begin that the line ends with, the value's own brackets among them."""
    at = len(line)
    while at:
        begin = max(0, at - _CHUNK)
        left = bytes(line[begin:at]).rstrip(_TRAILING)
        if left:
            return begin + len(left)
        at = begin
    return 0
