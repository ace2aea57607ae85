"""Exactness of packed segments: what the slow judge says of the lines, however they are packed, by both readers."""

from __future__ import annotations

import gzip
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import strategies
from hostile import NOW
from hypothesis import given
from hypothesis import strategies as st
from judge import Definition, expected, instant, left_of, why_unjudged
from packing import gzip_member, skippable_frame, zstd, zstd_frame
from real_log import Log
from strategies import NOWS, SEGMENTS

from examples import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

SAME = ("deleted_per_schema", "records", "kept", "overdue")


class Packed(NamedTuple):
    """A segment: its name without the codec's suffix, its lines, and the file as it is packed."""

    suffix: str
    lines: bytes
    file: bytes


@st.composite
def packed(draw: st.DrawFn) -> Packed:
    """Draw a segment that is packed in any way: in members that end anywhere, each at a level of its own."""
    lines, suffix = draw(strategies.segments()), draw(st.sampled_from((".gz", ".zst", "")))
    if not suffix:
        return Packed(suffix, lines, lines)
    cuts = sorted(draw(st.lists(st.integers(min_value=0, max_value=len(lines)), max_size=3)))
    pieces = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    if suffix == ".gz":
        members = [gzip_member(piece, draw(st.integers(0, 9))) for piece in pieces]
        return Packed(suffix, lines, b"".join(members) + bytes(draw(st.sampled_from((0, 0, 1, 600)))))
    frames = b""
    for piece in pieces:
        level, checksum, known = draw(st.tuples(st.integers(-3, 9), st.booleans(), st.booleans()))
        frames += skippable_frame(draw(st.integers(0, 15)), piece[:9]) if draw(st.booleans()) else b""
        frames += zstd_frame(piece, level, checksum=checksum, size_known=known)
    return Packed(suffix, lines, frames)


def archives() -> st.SearchStrategy[dict[str, Packed]]:
    """Return a strategy for a few segments of all namings, each plain or packed."""
    return st.dictionaries(st.sampled_from(SEGMENTS[1:]), packed(), min_size=1, max_size=4)


def unpacked(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the lines of the files of a folder, by their names without a codec's suffix."""
    unpack = {".gz": gzip.decompress, ".zst": zstd().decompress}
    return {
        name.removesuffix(".gz").removesuffix(".zst"): unpack.get(name[name.rfind(".") :], bytes)(content)
        for name, content in contents.items()
    }


@examples(40)
@given(archive=archives(), policy=strategies.policies(), now=st.sampled_from(NOWS), reader=st.booleans())
async def test_a_run_leaves_and_counts_what_the_judge_does(
    archive: dict[str, Packed], policy: list[Definition], now: str, reader: bool
) -> None:
    """The dry run says the same, a second run is idle, and a plain copy of the log has the same figures."""
    files = {name + segment.suffix: segment.file for name, segment in archive.items()}
    lines = {name: segment.lines for name, segment in archive.items()}
    left = {name: left_of(content, policy, instant(now)) for name, content in lines.items()}
    counts = expected(lines.values(), policy, instant(now))
    unjudged = [why for content in lines.values() if (why := why_unjudged(content))]
    environment = {"ASYNCLOG_READER": "python" if reader else "native"}
    with TemporaryDirectory() as one, TemporaryDirectory() as other, patch.dict(os.environ, environment):
        log, plain = Log(one, files, policy), Log(other, lines, policy)
        before = log.looks()
        dry = await log.clean(now, dry_run=True)
        assert log.looks() == before
        real, twin = await log.clean(now), await plain.clean(now)
        contents = log.contents()
        assert unpacked(contents) == {name: content for name, content in left.items() if content is not None}
        assert unpacked(contents) == plain.contents()
        assert real["deleted_per_schema"] == counts.deleted_per_schema
        assert (real["records"]["scanned"], real["kept"]["unreadable"]) == (counts.scanned, counts.unreadable)
        for key in SAME:
            assert real[key] == dry[key] == twin[key], key
        assert real["segments"] == dry["segments"] == twin["segments"]
        assert sum(real["unjudged"]["reasons"].values()) == len(unjudged)
        after = log.looks()
        again = await log.clean(now)
        assert log.looks() == after
        assert again["records"]["deleted"] == 0


@examples(30)
@given(segment=packed(), bit=st.integers(min_value=0), policy=st.just([Definition("*", None, 0)]))
async def test_a_flipped_bit_never_makes_another_line_go(segment: Packed, bit: int, policy: list[Definition]) -> None:
    """A damaged segment stays as it is; one that still unpacks has lost what the judge says, and nothing else.

    A zstd frame without a checksum does not show every flip: then it has other lines, of which each is judged.
    """
    if not segment.suffix or not segment.file:
        return
    file = bytearray(segment.file)
    file[bit // 8 % len(file)] ^= 1 << bit % 8
    name = f"logs-20260101T000000.jsonl{segment.suffix}"
    with TemporaryDirectory() as place:
        log = Log(place, {name: bytes(file)}, policy)
        result = await log.clean(NOW)
        contents = log.contents()
        if "damaged" in result["unjudged"]["reasons"]:
            assert contents == {name: bytes(file)}
            return
        decompress = gzip.decompress if segment.suffix == ".gz" else zstd().decompress
        lines = decompress(bytes(file))
        assert unpacked(contents).get(name.removesuffix(segment.suffix)) == left_of(lines, policy, instant(NOW))
