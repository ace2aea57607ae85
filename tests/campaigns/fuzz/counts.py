"""The kernel's counts of a line and of buffers, and those of known answers."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from asynclog.records._kernel import Row, Scanner
    from asynclog.records.kernel_fields import Layout
    from fuzz.buffers import Exactly

    Fields = tuple[str, str, str] | Layout

Answer = tuple[str, int, int] | Literal["blank", "unreadable", "fragment", "uncertain"]  # name, version, instant
Key = tuple[str, int]
Span = tuple[int, int]
# Rows, blank lines, where uncertain and where expired lines stand.
Census = tuple[list["Row"], int, list[Span], list[Span]]

FIELDS = ("schema_name", "schema_version", "timestamp")
NEVER = 1 << 63  # as a horizon: no record is a future one


def answer(kernel: type[Scanner], exactly: Exactly, line: bytes, fields: Fields = FIELDS) -> Answer:
    """Say what the kernel thinks of one line, which has no newline yet."""
    scanner = kernel(fields, lambda _name, _version: None, NEVER)
    with exactly(line + b"\n") as buffer:
        uncertain, *_ = scanner.scan(buffer, False)
    rows, blank = scanner.counts()
    if uncertain or blank:
        return "uncertain" if uncertain else "blank"
    name, version, _, _, instant, *_ = rows[0]
    assert instant is not None
    return name, version, instant


def in_pieces(scanner: Scanner, exactly: Exactly, content: bytes, base: int, random: Random) -> Census:
    """Scan whole lines through buffers that end anywhere, as a reader of files would."""
    uncertain, gone = list[Span](), list[Span]()
    start = end = 0
    while start < len(content):
        end = min(len(content), max(start, end) + random.randrange(1, 2 * len(content)))
        with exactly(content[start:end]) as buffer:
            in_doubt, marks, lines, read = scanner.scan(buffer, True)
        spans = list(lines_of(content[start : start + read], base + start))
        assert lines == len(spans)
        for first, last, line in zip(*[iter(array("q", in_doubt))] * 3, strict=True):
            assert spans[line] == (base + start + first, base + start + last)
            uncertain.append(spans[line])
        gone += [span for number, span in enumerate(spans) if marks[number // 8] >> number % 8 & 1]
        start += read
    rows, blank = scanner.counts()
    return [tidied(row) for row in rows], blank, uncertain, gone


def tidied(row: Row) -> Row:
    """Put the days of a row in order."""
    numbers = iter(array("q", row[-1]))
    return (*row[:-1], packed(sorted(zip(numbers, numbers, numbers, strict=True))))


def packed(days: Sequence[tuple[int, int, int]]) -> bytes:
    """Pack days as the kernel does."""
    return array("q", [number for day in days for number in day]).tobytes()


def counted(
    lines: Sequence[bytes],
    answers: Sequence[Answer],
    base: int,
    cutoffs: Mapping[Key, int | None],
    horizon: int,
) -> Census:
    """Count answers the slow way."""
    blank, records = 0, dict[Key, list[tuple[int, int]]]()
    uncertain, gone = list[Span](), list[Span]()
    start = base
    for line, said in zip(lines, answers, strict=True):
        span = start, start + len(line)
        start = span[1]
        if isinstance(said, tuple):
            name, version, instant = said
            records.setdefault((name, version), []).append((instant, len(line)))
            if has_expired(instant, cutoffs[name, version], horizon):
                gone.append(span)
        elif said == "blank":
            blank += 1
        else:
            uncertain.append(span)
    rows = [row(key, found, cutoffs[key], horizon) for key, found in records.items()]
    return rows, blank, uncertain, gone


def row(key: Key, found: Sequence[tuple[int, int]], cutoff: int | None, horizon: int) -> Row:
    """Count the records of one schema key, of which each has an instant and a size."""
    known = [instant for instant, _ in found if instant <= horizon]
    gone = [(instant, size) for instant, size in found if has_expired(instant, cutoff, horizon)]
    expired = [size for _, size in gone]
    kept = [instant for instant in known if not has_expired(instant, cutoff, horizon)]
    sizes: dict[int, list[int]] = {}
    for instant, size in found:
        sizes.setdefault(instant // (86_400 * 10**9), []).append(size)
    return (
        *key,
        len(found),
        sum(size for _, size in found),
        min(known, default=None),
        max(known, default=None),
        len(expired),
        sum(expired),
        len(found) - len(known),
        min(kept, default=None),
        max((instant for instant, _ in gone), default=None),
        packed([(day, len(sizes[day]), sum(sizes[day])) for day in sorted(sizes)]),
    )


def has_expired(instant: int, cutoff: int | None, horizon: int) -> bool:
    """Whether a record of this instant goes."""
    return cutoff is not None and instant < cutoff and instant <= horizon


def lines_of(content: bytes, start: int) -> Iterator[Span]:
    """Yield where each whole line stands."""
    for line in content.split(b"\n")[:-1]:
        yield start, start + len(line) + 1
        start += len(line) + 1
