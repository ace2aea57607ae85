"""Marks of expired lines: whatever a stretch looks like, exactly the marked lines are left out."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.errors import ConfigurationError
from asynclog.records.kernel import choose_reader
from asynclog.scan.expired_marks import ExpiredRanges, LineRange, choose_compact, invert, pack

Compact = Callable[[memoryview, bytes, int], tuple[int, int]]


@pytest.fixture(params=["native", "python"], scope="module")
def compact(request: pytest.FixtureRequest) -> Compact:
    try:
        return choose_compact(choose_reader(request.param))
    except ConfigurationError as error:
        pytest.skip(str(error))


def lines_of(content: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", content)


def compacted(compact: Compact, content: bytes, marks: bytes, cuts: list[int]) -> bytes:
    """Return what stays if the range is read in these parts."""
    kept, line = b"", 0
    for start, end in pairwise([0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]):
        part = bytearray(content[start:end])
        size, line = compact(memoryview(part), marks, line)
        kept += part[:size]
    assert line == content.count(b"\n")
    return kept


@given(
    st.lists(st.sampled_from([b"", b"a", b"bb", b"\r", b"\n", b"\n", b"\n\n"]), max_size=40).map(b"".join),
    st.lists(st.booleans(), max_size=40),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_what_is_not_marked_stays(compact: Compact, content: bytes, flags: list[bool], cuts: list[int]) -> None:
    """In order, byte for byte, wherever the parts end; lines beyond the marks stay; the other marks are the rest."""
    lines = lines_of(content)
    all_flags = flags[: len(lines)] + [False] * (len(lines) - len(flags))
    stays = b"".join(line for line, gone in zip(lines, all_flags, strict=True) if not gone)
    goes = b"".join(line for line, gone in zip(lines, all_flags, strict=True) if gone)
    assert compacted(compact, content, pack(bytes(flags)), cuts) == stays
    assert compacted(compact, content, invert(pack(bytes(all_flags))), cuts) == goes


def test_marks_are_bits() -> None:
    """The first line's is the lowest bit of the first byte."""
    assert pack(b"") == b""
    assert pack(b"\1" + bytes(7) + b"\0\1") == b"\1\2"
    assert pack(bytes(9)) == b"\0\0"


def test_stretches_note_only_what_has_expired() -> None:
    """One after the other that expired whole is one stretch without marks; what stays whole is none."""
    found = ExpiredRanges()
    for start, size, lines, marks in [
        (0, 10, 2, b"\3"),
        (10, 20, 9, b"\xff\1"),
        (30, 10, 3, b"\0"),
        (40, 10, 3, b"\5"),
        (50, 10, 1, b"\1"),
        (70, 10, 1, b"\1"),
    ]:
        found.add_block(start, memoryview(bytes(size)), lines, marks, lambda state, part: state + part)
    assert [stretch[:3] for stretch in found] == [(0, 30, b""), (40, 50, b"\5"), (50, 60, b""), (70, 80, b"")]
    assert [len(stretch.digest) for stretch in found] == [30, 10, 10, 10]
    assert found.size > 4 * 100


def test_stretches_cover_a_segment_or_not() -> None:
    """Only if each byte of it lies in one of them, and each line of that has expired."""
    first, second = LineRange(0, 10), LineRange(10, 20)
    assert ExpiredRanges([first, second]).covers(20)
    assert not ExpiredRanges([first, second]).covers(21)
    assert not ExpiredRanges([first, LineRange(11, 20)]).covers(20)
    assert not ExpiredRanges([second]).covers(20)
    assert not ExpiredRanges([first, second._replace(marks=b"\1")]).covers(20)
    assert ExpiredRanges().covers(0)
