"""How segments are packed: told by the name, or by how the file begins."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from asynclog.scan.chunks import ReadFailure, split, with_segment
from asynclog.segments import Fingerprint, Segment
from asynclog.storage.codecs import HEAD, PLAIN, codec_for, is_packed
from asynclog.storage.local.segment_reader import LocalReader, LocalReadStore
from asynclog.storage.segment_reader import Hole, Part


@pytest.mark.parametrize("name", ["logs.jsonl", "logs.jsonl.1", "logs.jsonl-20260101", "a.gz.jsonl"])
def test_lines_are_plain_unless_the_name_says_otherwise(name: str) -> None:
    """Numbers and dates of a rotation are no codecs."""
    assert codec_for(name) is PLAIN


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"])
def test_a_packed_segment_is_one_unit_of_work_and_is_not_read(tmp_path: Path, suffix: str) -> None:
    """No codec reads these as yet: none of their bytes is taken for a line."""
    path = tmp_path / f"logs.jsonl{suffix}"
    path.write_bytes(b"{}\n" * 1000)
    segment = Segment(path.name, Fingerprint.of(path.stat()))
    (chunk,) = split(segment, 100)
    failure = with_segment(LocalReadStore(str(tmp_path)), chunk, lambda *_: None)
    assert failure == ReadFailure("it is compressed, and compressed segments are left alone", "packed")


def test_how_a_packed_file_begins_tells_it_whatever_its_name() -> None:
    """And no line of JSON begins so."""
    assert all(is_packed(pack(b"{}\n")[:HEAD]) for pack in (gzip.compress, bz2.compress, lzma.compress))
    assert not is_packed(b'{"a": 1}\n'[:HEAD])
    assert not is_packed(b"")


def test_plain_lines_are_read_and_written_as_they_are() -> None:
    """Nothing comes between a segment and its replacement."""
    parts: list[Part] = [memoryview(b"{}\n"), Hole(5)]
    assert PLAIN.encode(parts) is parts
    reader = LocalReader(0)
    assert PLAIN.decode(reader) is reader
