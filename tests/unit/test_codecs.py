"""How segments are packed: told by the name; all that a file holds is unpacked, or it is damaged."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from packing import gzip_member, gzip_trailer, skippable_frame, zstd, zstd_frame

from asynclog.errors import DamagedError
from asynclog.scan.chunks import split
from asynclog.scan.reading.read_segment import ReadFailure, with_segment
from asynclog.segments import Fingerprint, Segment
from asynclog.storage.codecs import HEAD, LEFT_ALONE, PLAIN, Stream, codec_for, is_packed, looks_packed, packed_suffix
from asynclog.storage.local.reading.segment_reader import LocalReadStore
from asynclog.storage.segment_reader import Hole, Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINES = b'{"schema_name": "app"}\n' * 3 + b"torn\n\nno newline"
MIB = 1 << 20
WITH_A_CHECKSUM = {".gz": gzip_member, ".zst": zstd_frame}


@pytest.fixture(params=["gzip", "isal", "zstd"])
def suffix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the suffix of a codec, which works with this library from now on."""
    if request.param == "zstd":
        return ".zst"
    _read_gzip_with(request.param, monkeypatch)
    return ".gz"


@pytest.fixture(params=["gzip", "isal"])
def _gzip_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read gzip with this library from now on."""
    _read_gzip_with(request.param, monkeypatch)


def _read_gzip_with(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library == "gzip":
        monkeypatch.setitem(sys.modules, "isal.igzip", None)
    elif not find_spec("isal"):
        pytest.skip("isal is not installed")


def pack(suffix: str, data: bytes, **options: Any) -> bytes:
    return WITH_A_CHECKSUM[suffix](data, **options)


def unpacked(suffix: str, file: bytes, step: int = MIB) -> bytes:
    """Return what is unpacked of a file that is read in parts of this size."""
    codec = codec_for(f"logs.jsonl{suffix}")
    assert codec
    view = memoryview(bytearray(file))
    return drained(codec.decode(view[at : at + step] for at in range(0, len(file), step)))


def drained(stream: Stream, size: int = 1000) -> bytes:
    """Read a stream to its end, at which it stays."""
    window, found = memoryview(bytearray(size)), bytearray()
    while got := stream.readinto(window):
        found += window[:got]
    assert stream.readinto(window) == 0
    return bytes(found)


def packed_like(suffix: str, head: bytes, parts: Iterable[Part]) -> bytes:
    codec = codec_for(f"logs.jsonl{suffix}")
    assert codec
    return b"".join(bytes(part) for part in codec.encode(head, parts) if isinstance(part, memoryview))


# ---- Names, and how a file begins.


@pytest.mark.parametrize("name", ["logs.jsonl", "logs.jsonl.1", "logs.jsonl-20260101", "a.gz.jsonl", "gz", "logs.GZ"])
def test_lines_are_plain_unless_the_name_says_otherwise(name: str) -> None:
    """Numbers and dates of a rotation are no codecs, and letters have their case."""
    assert codec_for(name) is PLAIN
    assert (is_packed(name), packed_suffix(name)) == (False, "")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_segment_is_one_unit_of_work(tmp_path: Path, suffix: str) -> None:
    """It can only be read from its beginning."""
    path = tmp_path / f"logs.jsonl.1{suffix}"
    path.write_bytes(bytes(1000))
    assert (is_packed(path.name), packed_suffix(path.name)) == (True, suffix)
    assert len(split(Segment(path.name, Fingerprint.of(path.stat())), 100)) == 1


@pytest.mark.parametrize("suffix", [".xz", ".bz2", ".lz4", ".zip"])
def test_what_no_codec_reads_is_left_alone(tmp_path: Path, suffix: str) -> None:
    """None of its bytes is taken for a line, whatever they are; it is not even opened."""
    path = tmp_path / f"logs.jsonl{suffix}"
    path.write_bytes(b"{}\n" * 1000)
    segment = Segment(path.name, Fingerprint.of(path.stat()))
    path.unlink()
    assert (codec_for(path.name), is_packed(path.name), packed_suffix(path.name)) == (None, True, suffix)
    assert len(split(segment, 100)) == 1
    failure = with_segment(LocalReadStore(str(tmp_path)), segment, 3000, lambda *_: None)
    assert failure == ReadFailure(LEFT_ALONE, "packed")


@pytest.mark.parametrize("module", ["gzip", "bz2", "lzma", "zstd"])
def test_how_a_packed_file_begins_tells_it_whatever_its_name(module: str) -> None:
    """And no line of JSON begins so."""
    compress = zstd().compress if module == "zstd" else import_module(module).compress
    assert looks_packed(compress(b"{}\n")[:HEAD])
    for line in (b'{"a": 1}\n', b"", b"BZh9 is text\n", b"PK", b"\0" * HEAD, b"\xef\xbb\xbf{}\n"):
        assert not looks_packed(line[:HEAD])


# ---- What is unpacked.


def test_plain_lines_are_read_and_written_as_they_are() -> None:
    """Nothing comes between a segment and its replacement."""
    parts: list[Part] = [memoryview(b"{}\n"), Hole(5)]
    assert PLAIN.encode(b"", parts) is parts
    assert drained(PLAIN.decode(parts), 4) == b"{}\n\0\0\0\0\0"


@pytest.mark.parametrize("step", [1, 7, MIB])
def test_all_members_and_frames_are_unpacked(suffix: str, step: int) -> None:
    """Empty ones among them, each at a level of its own, and wherever a part of the file ends."""
    file = pack(suffix, LINES) + pack(suffix, b"") + pack(suffix, LINES * 9, level=1) + pack(suffix, b"{}\n", level=9)
    assert unpacked(suffix, file, step) == LINES + LINES * 9 + b"{}\n"


def test_what_is_larger_than_any_buffer_is_unpacked(suffix: str) -> None:
    """Of data that packs well and of data that does not."""
    for data in (LINES * 100_000, os.urandom(3 * MIB) + LINES):
        assert unpacked(suffix, pack(suffix, data)) == data


@pytest.mark.parametrize("zeros", [1, 512, MIB])
@pytest.mark.usefixtures("_gzip_library")
def test_zeros_behind_a_gzip_file_are_padding(zeros: int) -> None:
    """As tapes have it; a member may follow them, which gzip(1) reads, too."""
    assert unpacked(".gz", gzip_member(LINES) + bytes(zeros)) == LINES
    assert unpacked(".gz", gzip_member(LINES) + bytes(zeros) + gzip_member(b"{}\n")) == LINES + b"{}\n"


@pytest.mark.usefixtures("_gzip_library")
def test_every_field_of_a_gzip_header_is_passed_over() -> None:
    """A name, a comment, extra bytes, a checksum of the header."""
    extra, name, comment = b"\x04\x00abcd", b"logs.jsonl\0", b"a comment\0"
    for flags, fields in ((4, extra), (8, name), (16, comment), (1, b""), (30, extra + name + comment)):
        head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields
        head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & 2 else b""
        assert unpacked(".gz", head + gzip_member(LINES)[10:]) == LINES


@pytest.mark.parametrize("step", [3, MIB])
def test_skippable_frames_are_skipped(step: int) -> None:
    """Before, between and behind the others, of any of the 16 kinds; what pzstd writes begins with one."""
    one, other = skippable_frame(0, b"four"), skippable_frame(15, os.urandom(300))
    file = one + zstd_frame(LINES) + other + one + zstd_frame(b"{}\n") + other
    assert unpacked(".zst", file, step) == LINES + b"{}\n"
    assert unpacked(".zst", one, step) == b""


def test_a_frame_without_a_checksum_is_read() -> None:
    """The format has it as an option, and not every writer takes it."""
    assert unpacked(".zst", zstd_frame(LINES, checksum=False)) == LINES


def test_a_gzip_file_of_no_byte_has_no_line(suffix: str) -> None:
    """`gzip -c < /dev/null` makes a file that has a header; zstd takes a file without one for damaged."""
    assert unpacked(suffix, pack(suffix, b"")) == b""
    if suffix == ".gz":
        assert unpacked(suffix, b"") == b""


# ---- What is damaged.


def small(suffix: str) -> bytes:
    return pack(suffix, LINES) + pack(suffix, b"{}\n")


def test_a_stream_that_is_cut_anywhere_is_damaged(suffix: str) -> None:
    """Only between two members is a cut not to be seen: what stands before that is whole."""
    file, border = small(suffix), len(pack(suffix, LINES))
    for end in range(1, len(file)):
        if end == border:
            assert unpacked(suffix, file[:end]) == LINES
            continue
        with pytest.raises(DamagedError, match=r"cut off|damaged"):
            unpacked(suffix, file[:end])


@pytest.mark.parametrize(
    "garbage", [b"\1", b"\n", b"{}\n", b"\x1f", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", bytes(range(100, 140))]
)
def test_garbage_behind_the_last_member_is_damage(suffix: str, garbage: bytes) -> None:
    """Who knows what it was: gzip(1) and zstd(1) complain of it, too."""
    with pytest.raises(DamagedError):
        unpacked(suffix, small(suffix) + garbage)


def test_no_flipped_bit_changes_what_is_read(suffix: str) -> None:
    """Each is damage, unless it is one of those that say nothing of the lines.

    Such are in the header, and behind the last bit of a gzip member, up to the next byte.
    """
    file, harmless = small(suffix), set()
    for bit in range(len(file) * 8):
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = unpacked(suffix, bytes(flipped))
        except DamagedError:
            continue
        assert found == LINES + b"{}\n", f"bit {bit}"
        harmless.add(bit // 8)
    header = 10 if suffix == ".gz" else 6
    border = len(pack(suffix, LINES))
    unused = {border - 9, len(file) - 9} if suffix == ".gz" else set()
    assert harmless <= {*range(header), *range(border, border + header)} | unused


@pytest.mark.parametrize("field", ["crc", "length"])
def test_a_gzip_trailer_that_does_not_fit_is_damage(suffix: str, field: str) -> None:
    """Of the first member, too, although others follow."""
    if suffix != ".gz":
        pytest.skip("of gzip only")
    for second in (b"", gzip_member(b"{}\n")):
        with pytest.raises(DamagedError, match="damaged"):
            unpacked(suffix, gzip_member(LINES)[:-8] + gzip_trailer(LINES, wrong=field) + second)


def test_a_frame_that_wants_too_much_memory_is_damaged() -> None:
    """128 MiB is what a decoder has to have by default, as `zstd --long` needs; more it need not."""
    assert unpacked(".zst", zstd_frame(LINES * 9, window=27)) == LINES * 9
    for window in (28, 30, 31):
        with pytest.raises(DamagedError, match="memory"):
            unpacked(".zst", zstd_frame(LINES * 9, window=window))


def test_the_other_codec_s_file_is_damaged(suffix: str) -> None:
    """The name says how it is read, and nothing else does; plain lines are no packed file either."""
    other = gzip_member(LINES) if suffix == ".zst" else zstd_frame(LINES)
    for file in (other, LINES, b"\0" * 100, b"\n"):
        with pytest.raises(DamagedError):
            unpacked(suffix, file)


def test_a_hole_is_neither_filled_nor_waited_for(suffix: str) -> None:
    """A small one reads as zeros; a large one is damage at once, behind a gzip file, too, where it would be padding."""
    codec = codec_for(f"a{suffix}")
    assert codec
    for size in (MIB, MIB + 1, 1 << 50):
        parts: list[Part] = [memoryview(bytearray(small(suffix))), Hole(size)]
        if suffix == ".gz" and size == MIB:
            assert drained(codec.decode(parts)) == LINES + b"{}\n"
            continue
        with pytest.raises(DamagedError, match="damaged" if size == MIB else f"a hole of {size:,} bytes"):
            drained(codec.decode(parts))


def test_random_bytes_are_damaged(suffix: str) -> None:
    """They raise nothing else, whatever they begin with."""
    for start in range(0, len(small(suffix)), 3):
        for _ in range(8):
            with suppress(DamagedError):
                assert unpacked(suffix, small(suffix)[:start] + os.urandom(60)) in {b"", LINES}


def test_an_error_of_the_disk_stays_one(suffix: str) -> None:
    """It is not damage: the next night may read the file."""

    def parts() -> Iterable[Part]:
        yield memoryview(bytearray(small(suffix)[:20]))
        raise OSError(5, "Input/output error")

    codec = codec_for(f"a{suffix}")
    assert codec
    with pytest.raises(OSError, match="Input/output error") as caught:
        drained(codec.decode(parts()))
    assert not isinstance(caught.value, DamagedError)


# ---- What is written.


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("parts", [[], [b""], [b"{}\n"], [LINES * 1000, b"{}\n", b""]], ids=len)
def test_what_is_packed_is_what_other_programs_unpack(suffix: str, parts: list[bytes]) -> None:
    """One member, or one frame, that has a checksum, so that a later reader knows it from a damaged one."""
    given = [memoryview(bytearray(part)) for part in parts]
    file = packed_like(suffix, pack(suffix, LINES)[:HEAD], [*given, Hole(70_000)])
    decompress = gzip.decompress if suffix == ".gz" else zstd().decompress
    assert decompress(file) == b"".join(parts) + bytes(70_000)
    assert unpacked(suffix, file) == b"".join(parts) + bytes(70_000)
    for end in (1, 4):
        with pytest.raises(DamagedError):
            unpacked(suffix, file[:-end] + bytes(byte ^ 255 for byte in file[-end:]))


def test_a_gzip_replacement_has_the_level_of_its_original() -> None:
    """As far as a header says it: `-1`, `-9`, and all between are one. Its time is none, and it has no name."""
    for level, flags in ((1, 4), (2, 4), (6, 0), (8, 0), (9, 2)):
        head = gzip.compress(LINES, level)[:8] + bytes([{1: 4, 2: 4, 9: 2}.get(level, 0)]) + b"\x03"
        file = packed_like(".gz", head, [memoryview(LINES * 50)])
        assert (file[:4], file[4:8], file[8]) == (b"\x1f\x8b\x08\0", bytes(4), flags)
        likely = {4: 1, 0: 6, 2: 9}[flags]
        assert file[10:] == zlib.compressobj(likely, wbits=-15).compress(b"") + raw_deflate(LINES * 50, likely)


def raw_deflate(data: bytes, level: int) -> bytes:
    compressor = zlib.compressobj(level, wbits=31)
    return (compressor.compress(data) + compressor.flush())[10:]


@pytest.mark.parametrize(("level", "likely"), [(1, 1), (2, 2), (3, 3), (9, 12), (12, 12), (19, 19), (22, 19)])
def test_a_zstd_replacement_has_the_window_of_its_original(level: int, likely: int) -> None:
    """A frame does not say its level, but the window that it has by default; that of a small one says nothing."""
    data = b"".join(b'{"n": %d}\n' % number for number in range(20_000))
    original = zstd_frame(data, level=level, size_known=False)
    if level in {9, 22}:
        original = zstd_frame(data, level=level, size_known=False, window=22 if level == 9 else 27)
    file = packed_like(".zst", original[:HEAD], [memoryview(data)])
    assert file == zstd_frame(data, level=likely, size_known=False)


@pytest.mark.parametrize(
    "head", [b"", b"\x28\xb5\x2f\xfd", zstd_frame(b"small")[:HEAD], skippable_frame(0, b"x" * 20)[:HEAD], b"\x1f\x8b"]
)
def test_a_head_that_does_not_tell_the_level_means_the_usual_one(head: bytes) -> None:
    """Nothing that a file begins with is in the way."""
    data = LINES * 1000
    assert packed_like(".zst", head, [memoryview(data)]) == zstd_frame(data, level=3, size_known=False)
    assert packed_like(".gz", head, [memoryview(data)])[10:] == raw_deflate(data, 6)
