"""Seeded lines: ordinary records as products write them, hostile ones, and either kind damaged."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from hostile import CATALOGUE

NAMES = ("auth.events", "debug_logs", "mxcp.endpoints", "n", "eight_by", "zoë's logs", "東京", "🦉", "x" * 255)
VERSIONS = ("1", "1", "2", "0", "17", "999999999", "null")
STRINGS = (
    *("", "tool", "user19@example.com", "select name, total from orders where region = 'north'", "}, {", "\x7f"),
    *("café", "Ελένη", "東京都", "🦉🦉", "\u00a0\u2028", 'he said "no"', "C:\\logs\\\n\ttail", "timestamp"),
)
# JSON texts that json.dumps would not write, but others do.
LITERALS = (
    *('"\\/path\\/\\b\\f"', '"\\u0074imestamp"', '"\\uD83E\\uDD89 \\u20ac"', '"half \\ud83e"', "[ ]", "{ }"),
    *("1e400", "-0", "1.5E-3", "123456789012345678901234567890", "0.0", "-1e+05", "true", "false", "null"),
)
BAD_VERSIONS = ("1.0", "-1", "01", "1e0", '"1"', "true", "[1]", "1000000000", "-0", "9" * 30, "")
BAD_NAMES = ('""', '"\\u0061pp"', '"a\\/b"', '"\\ud800"', f'"{"x" * 256}"', "null", "1", '"\xa0\x01"', '["app"]')
# Places where one byte makes or breaks a value; it takes the place of the question mark.
PLACES = (
    *rb'"?" "\?" "\u00?9" ? -? 1? 1.? 1e? 0?1 nul? [?] [1?2] [[]?{}] {"a"?1} {"a":1?"b":2} {"a"?:1}'.split(),
    *b'"\xc3?" "\xe0?\xbf" "\xed?\x80" "\xf0?\x80\x80" "\xf4\x8f?\xbf"'.split(),
)
# What damage is done with: syntax, bytes at the edges of UTF-8, escapes good and bad, words.
PIECES = (
    [bytes([byte]) for byte in b'"\\{}[],: \t\r\n\0\x0b\x1f+-.019eEtfnTZz'],
    b"\x7f \x80 \xa0 \xbf \xc1 \xc2\xbf \xe0\x9f \xed\xa0\x80 \xf0\x90 \xf4\x90 \xff".split(),
    [b"\\" + bytes([byte]) for byte in range(0x20, 0x7F)],
    [b"\xef\xbb\xbf", b"\\u0073", b"\\u00g0", b"null", b"NaN", b'"timestamp": 1, ', b'"": {}, '],
)
_NO_NEWLINE = [byte for byte in range(256) if byte != 0x0A]
_SHORT = [case.line for case in CATALOGUE if len(case.line) < 2_000]


class Line(NamedTuple):
    """Some bytes without a newline; `ordinary` where no reader may be in doubt about them."""

    text: bytes
    ordinary: bool


def block(random: Random) -> list[Line]:
    """Return a few lines that may stand in one buffer."""
    return [each for _ in range(random.choice((1, 2, 8, 64))) for each in _lines(random)]


def _lines(random: Random) -> list[Line]:
    kind = random.random()
    if kind < 0.02:
        return [Line(random.choice((b"", b"\r", b" \t \r")), ordinary=False)]
    if kind < 0.4:
        return [Line(ordinary(random), ordinary=True)]
    if kind < 0.6:
        return [Line(hostile(random), ordinary=False)]
    source = ordinary(random) if kind < 0.9 else hostile(random)
    return [Line(part, ordinary=False) for part in damaged(random, source).split(b"\n")]


def ordinary(random: Random, **fields: str) -> bytes:
    """Return a record with keys in any order and spacing; `fields` replaces JSON texts of its members."""
    members = {
        "schema_name": _text(random, random.choice(NAMES)),
        "schema_version": random.choice(VERSIONS),
        "timestamp": f'"{timestamp(random)}"',
        **{key: value(random, 3) for key in random.sample(("input_data", "error", "user_id", "é", ""), 3)},
    }
    if random.random() < 0.1:
        del members["schema_version"]
    return written(random, list((members | fields).items()))


def written(random: Random, members: list[tuple[str, str]]) -> bytes:
    """Return the object of these members, as one of the usual writers would space it."""
    if random.random() < 0.3:
        random.shuffle(members)
    comma, colon = random.choice(((", ", ": "), (", ", ": "), (",", ":"), (" ,\t", " : ")))
    inside = comma.join(f'"{key}"{colon}{text}' for key, text in members)
    return f"{{{inside}}}{random.choice(('', '', '', chr(13), ' '))}".encode()


def value(random: Random, levels: int) -> str:
    """Return the JSON text of a value that is nested at most so many levels."""
    kind = random.random()
    if kind < 0.5 or not levels:
        return _text(random, random.choice(STRINGS))
    if kind < 0.7:
        return random.choice(LITERALS)
    items = [value(random, levels - 1) for _ in range(random.randrange(4))]
    if kind < 0.8:
        return f"[{', '.join(items)}]"
    keys = ("id", "timestamp", "schema_name", "timestamp", "schema_version", "\\u0069d")
    members = [f'"{random.choice(keys)}": {item}' for item in items]
    return f"{{{', '.join(members)}}}"


def _text(random: Random, string: str) -> str:
    escaped = random.random() < 0.3 and string not in NAMES
    return json.dumps(string, ensure_ascii=escaped)


def timestamp(random: Random) -> str:
    """Return an instant from 2000 to 2200 in one of the forms that count."""
    day = datetime(2000, 1, 2, tzinfo=UTC) + timedelta(days=random.randrange(73_000))
    moment = day + timedelta(seconds=random.choice((0, 86_399, random.randrange(86_400))))
    fraction = f".{random.randrange(10**9):09d}"[: random.choice((0, 2, 4, 7, 10))]
    hours, minutes = random.choice((0, 1, 5, 14, 23)), random.choice((0, 30, 59))
    offset = random.choice(("Z", "Z", "z", f"+{hours:02d}:{minutes:02d}", f"-{hours:02d}{minutes:02d}"))
    return f"{moment:%Y-%m-%d}{random.choice('TTt ')}{moment:%H:%M:%S}{fraction}{offset}"


def hostile(random: Random) -> bytes:
    """Return a line that a reader could easily take for what it isn't."""
    match random.randrange(8):
        case 7:
            return fragment(random)
        case 0 | 1:
            byte = bytes([random.choice(_NO_NEWLINE)])
            return ordinary(random, user_id="?").replace(b"?", random.choice(PLACES).replace(b"?", byte), 1)
        case 2:
            return random.choice(_SHORT)
        case 3:
            return ordinary(random, schema_version=random.choice(BAD_VERSIONS))
        case 4:
            return ordinary(random, schema_name=random.choice(BAD_NAMES))
        case 5:
            return ordinary(random, timestamp=f'"{_worn(random, timestamp(random))}"')
        case _:
            repeated = random.choice(("timestamp", "schema_name", "schema_version", "time\\u0073tamp", "error"))
            whole = ordinary(random).rstrip()
            return whole[:-1] + f', "{repeated}": {random.choice(LITERALS)}}}'.encode()


def fragment(random: Random) -> bytes:
    """Return a value or a member with signs around it, as documents have them on a line of their own, or almost so."""
    middle = random.choice(
        ("", value(random, 3), value(random, 3), f'"key": {value(random, 2)}', '"key": {', '"key": [')
    )
    middle = random.choice((middle, ordinary(random).decode()))
    before = "".join(random.choices("[, ", k=random.choice((0, 0, 1, 3))))
    behind = "".join(random.choices(",]} ", k=random.choice((0, 1, 1, 3))))
    return f"{before}{middle}{behind}".encode()


def _worn(random: Random, text: str) -> str:
    """Return a timestamp with a character changed, lost or added, or on a day near the edges."""
    at = random.randrange(len(text))
    other = random.choice("0123456789:-+.,TtZz /é")
    match random.randrange(4):
        case 0:
            return random.choice(("1999-12-31", "2000-01-01", "2200-12-31", "2201-01-01", "2100-02-29")) + text[10:]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return text[:at] + other + text[at:]
        case _:
            return text[:at] + other + text[at + 1 :]


def damaged(random: Random, line: bytes) -> bytes:
    """Return a line that something happened to, one to four times; it may have become several lines."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        here = random.randrange(len(line) + 1)
        there = min(len(line), here + random.choice((1, 1, random.randrange(1, 30))))
        match random.randrange(6):
            case 0 if here < len(line):
                line = line[:here] + bytes([line[here] ^ 1 << random.randrange(8)]) + line[here + 1 :]
            case 1:
                line = line[:here] + random.choice(random.choice(PIECES)) + line[here + 1 :]
            case 2:
                line = line[:here] + random.choice(random.choice(PIECES)) + line[here:]
            case 3:
                line = line[:here] + line[there:]
            case 4:
                line = line[:there] + line[here:]
            case _:
                other = ordinary(random)
                line = line[:here] + other[random.randrange(len(other)) :]
    return line
