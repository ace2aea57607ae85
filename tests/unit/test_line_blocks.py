"""Blocks of whole lines: nothing lost, nothing twice, in memory that does not grow."""

import os
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.errors import ChangedError
from asynclog.scan.reading.line_blocks import SIZES, Sizes, whole_lines
from asynclog.storage.local.reading.byte_ranges import parts_of
from asynclog.storage.local.reading.segment_reader import LocalReader
from asynclog.storage.segment_reader import Hole

MIB = 1 << 20


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def lines_of(path: Path, start: int, end: int, size: int, sizes: Sizes = SIZES) -> list[tuple[int, bytes]]:
    """(offset, line) for every line of the range, as the blocks have them."""
    found = []
    with opened(path) as descriptor:
        for offset, block in whole_lines(LocalReader(descriptor), start, end, size, sizes):
            position = offset
            for line in re.findall(rb"[^\n]*\n|[^\n]+", block):
                found.append((position, line))
                position += len(line)
    return found


@given(st.lists(st.binary(max_size=9).map(lambda part: re.sub(rb"[\n\0]", b"", part)), max_size=9), st.data())
def test_pieces_of_a_segment_hold_each_line_once(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    """However a segment is cut up, and however small the blocks, every line is in exactly one piece."""
    content = b"{" + b"\n{".join(parts)
    path = tmp_path_factory.getbasetemp() / "segment"
    path.write_bytes(content)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(content) - 1)), max_size=4)))
    edges = [0, *[cut for cut in cuts if cut < len(content)], len(content)]
    sizes = Sizes(data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20)))
    found = [line for start, end in pairwise(edges) for line in lines_of(path, start, end, len(content), sizes)]
    expected, offset = [], 0
    for line in content.split(b"\n"):
        expected.append((offset, line + b"\n"))
        offset += len(line) + 1
    last_offset, last = expected.pop()
    if last[:-1]:
        expected.append((last_offset, last[:-1]))
    assert found == expected


def test_what_lies_beyond_a_piece_is_not_read_with_it(tmp_path: Path) -> None:
    """But for a look at where its last line ends: a scan reads each byte once."""
    path, line = tmp_path / "segment", b"{" + b" " * 97 + b"}\n"
    path.write_bytes(line * 40_000)
    size = path.stat().st_size
    before = bytes_read()
    for start in range(0, size, MIB):
        lines_of(path, start, min(start + MIB, size), size)
    assert bytes_read() - before < size * 1.15


def bytes_read() -> int:
    """Return how many bytes this process has ever asked for and got, as Linux counts them."""
    counts = Path("/proc/self/io").read_text()
    return int(re.findall(r"rchar: (\d+)", counts)[0])


def test_a_line_of_64_mib_is_one_line(tmp_path: Path) -> None:
    """A line that is much longer than a block comes whole, and the ones around it too."""
    path = tmp_path / "segment"
    long = b"{" + b"x" * (64 * MIB) + b"}\n"
    path.write_bytes(b"{}\n" + long + b"{}\n")
    assert [(offset, len(line)) for offset, line in lines_of(path, 0, len(long) + 6, len(long) + 6)] == [
        (0, 3),
        (3, len(long)),
        (3 + len(long), 3),
    ]


def test_a_gigabyte_of_nul_bytes_takes_no_memory(tmp_path: Path) -> None:
    """A line that can be no object is not kept in memory: one byte of it stands for all."""
    path = tmp_path / "segment"
    with path.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 30)
        file.write(b"\n{}\n")
    tracemalloc.start()
    found = lines_of(path, 0, (1 << 30) + 4, (1 << 30) + 4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(0, b"\0"), ((1 << 30) + 1, b"{}\n")]
    assert peak < 8 * MIB


@pytest.mark.parametrize(
    ("line", "stands"),
    [
        (b"{" + b"x" * (2 * MIB) + b"\0", b"\0"),
        (b"{\0" + b"x" * (2 * MIB), b"\0"),
        (b" " * (2 * MIB) + b"\0" + b"{", b"\0"),
        (b"x" * (2 * MIB), b"x"),
        (b"\t" * (2 * MIB) + b"[", None),
        (b"\r" * (2 * MIB), b" "),
        (b" " * (2 * MIB) + b"{", None),
    ],
    ids=["NUL at the end", "NUL in front", "NUL behind spaces", "text", "list", "blank", "object behind spaces"],
)
@pytest.mark.parametrize("end", [b"\n", b""], ids=["newline", "none"])
def test_a_byte_stands_for_a_long_line_that_is_none(
    tmp_path: Path, line: bytes, stands: bytes | None, end: bytes
) -> None:
    """Where its first bytes, or any NUL byte, show that it is no record."""
    path = tmp_path / "segment"
    path.write_bytes(b"{}\n" + line + end + (b"{}" if end else b""))
    size = path.stat().st_size
    found = [(0, b"{}\n"), (3, stands or line + end), *([(4 + len(line), b"{}")] if end else [])]
    assert lines_of(path, 0, size, size) == found


@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(0, 300_000)), max_size=12), st.data())
def test_ranges_are_told_with_their_holes(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes | int], data: st.DataObject
) -> None:
    """Bytes and holes together are the file's bytes; small holes may be told as zeros."""
    path = tmp_path_factory.getbasetemp() / "sparse"
    with path.open("wb") as file:
        for part in parts:
            file.write(part) if isinstance(part, bytes) else file.seek(part, os.SEEK_CUR)
        file.truncate(file.tell())
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    with opened(path) as descriptor:
        found = [
            bytes(len(part)) if isinstance(part, Hole) else bytes(part) for part in parts_of(descriptor, start, end)
        ]
        assert b"".join(found) == content[start:end]
        with pytest.raises(ChangedError):
            list(parts_of(descriptor, start, len(content) + 1))


def test_a_segment_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    """Where the file ends before its size was reached, that is told, and not taken for its end."""
    path = tmp_path / "segment"
    path.write_bytes(b"{}\n")
    with pytest.raises(ChangedError):
        lines_of(path, 0, 10, 10)
