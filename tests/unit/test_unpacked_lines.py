"""The blocks of a packed segment: whole lines, each block good while the next one is made."""

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynclog.errors import DamagedError
from asynclog.scan.reading.unpacked_lines import BLOCK, Block, unpacked_lines


@given(st.lists(st.integers(1, BLOCK) | st.integers(1, 5 * BLOCK // 2), max_size=8), st.booleans())
def test_a_block_stays_as_it_is_while_the_next_one_is_made(sizes: list[int], is_whole: bool) -> None:
    lines = b"".join(b"{" + bytes([65 + number]) * size + b"\n" for number, size in enumerate(sizes))
    lines = lines if is_whole else lines[:-1]
    found = list(_looked_at_late(unpacked_lines(io.BytesIO(lines), len(lines))))
    assert b"".join(found) == lines
    assert all(block.endswith(b"\n") for block in found[:-1])


@pytest.mark.parametrize("before", [0, 5 * BLOCK // 2])
def test_a_line_is_too_long_whatever_stands_before_it(before: int) -> None:
    """The rest of a block may be of any size, and is what the buffer for a long line grows from."""
    lines = b"{" + b"a" * before + b"\n{" + b"b" * (40 << 20) + b"\n"
    with pytest.raises(DamagedError, match="more than 32 MiB"):
        list(unpacked_lines(io.BytesIO(lines), len(lines)))


def _looked_at_late(blocks: Iterator[Block]) -> Iterator[bytes]:
    """Yield the bytes of each block once the next one is there."""
    last = next(blocks, None)
    while last:
        following = next(blocks, None)
        assert last.judged == last.data
        yield bytes(last.data)
        last = following
