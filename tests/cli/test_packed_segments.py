"""Whole runs over packed segments: what becomes of the lines in them is what becomes of plain ones."""

from __future__ import annotations

import gzip
import os
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import entries, looks, record, write_log, write_policy
from command import NOW, Done, cleanup, run
from packing import gzip_member, skippable_frame, zstd, zstd_frame

import asynclog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, YOUNG, TORN = record(days=400), record(days=1), b"torn\n"
LONG_AGO = 1_740_000_000  # seconds since 1970
NAME = "logs-20250101T000000.jsonl"
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip_member, ".zst": zstd_frame}
SUFFIXES = tuple(PACK)
MANY = OLD + b"\n" + YOUNG + OLD + TORN + YOUNG + OLD
STAYS = b"\n" + YOUNG + TORN + YOUNG

pytestmark = pytest.mark.parametrize("suffix", SUFFIXES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log whose current segment is plain, and has nothing to go."""
    write_policy(tmp_path)
    put(tmp_path, "logs.jsonl", YOUNG)
    return tmp_path


def put(folder: Path, name: str, content: bytes) -> Path:
    """Write a segment that nobody has written to for long."""
    write_log(folder / "audit", {name: content})
    os.utime(folder / "audit" / name, (LONG_AGO, LONG_AGO))
    return folder / "audit" / name


def unpack(path: Path) -> bytes:
    """Return what other programs see in a file."""
    data = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            return bytes(zstd().decompress(data))
    return data


def assert_left_alone(folder: Path, path: Path, reason: str, why: str = "damaged") -> None:
    """Every run says why, touches nothing, calls it no failure, and it counts as overdue once it is old."""
    before = looks(folder / "audit")
    for words in (("-n",), (), (), ("--no-catalog", "--double-check")):
        done = cleanup(folder, *words)
        assert done.code == 0, done.out
        assert (done.actions[path.name]["action"], done.actions[path.name]["unjudged"]) == ("skip", why)
        assert reason in done.actions[path.name]["reason"]
        assert done.result["unjudged"]["reasons"] == {why: 1}
        assert done.result["unjudged"]["bytes"] == path.stat().st_size
        assert done.result["deleted_per_schema"] == {}
        assert looks(folder / "audit") == before
    assert cleanup(folder, "--max-overdue", "7d").code == 3
    for command in ("check", "estimate", "explain"):
        done = inspect(folder, command)
        assert (done.code, done.result["unjudged"]["reasons"]) == (0, {why: 1})
    assert looks(folder / "audit") == before


def inspect(folder: Path, command: str, **options: Any) -> Done:
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    return run(command, *named, *(() if command == "check" else ("--now", NOW)), cwd=folder, **options)


# ---- What goes, and what stays.


@pytest.mark.parametrize("reader", ["native", "python"])
@pytest.mark.parametrize("words", [(), ("--double-check",), ("--io-limit", "1MB/s"), ("--jobs", "4")], ids=" ".join)
def test_a_dry_run_says_what_the_run_does(folder: Path, suffix: str, reader: str, words: tuple[str, ...]) -> None:
    """Whole segments go, others are rewritten: what stays is there byte for byte, in its order, and is packed."""
    pack = PACK[suffix]
    rewritten = put(folder, NAME + suffix, pack(MANY[:100]) + pack(MANY[100:]) + pack(b""))
    dropped = put(folder, f"logs-20250102T000000.jsonl{suffix}", pack(OLD * 3 + b"\n"))
    kept = put(folder, f"logs-20250103T000000.jsonl{suffix}", pack(YOUNG + TORN))
    before = looks(folder / "audit")
    env = {"ASYNCLOG_READER": reader}
    dry = cleanup(folder, "-n", "--debug", *words, env=env)
    assert looks(folder / "audit") == before
    real = cleanup(folder, "--debug", *words, env=env)
    assert (dry.code, real.code) == (0, 0)
    assert dry.result["deleted_per_schema"] == real.result["deleted_per_schema"] == {"app:1": 6}
    assert real.result["records"] == dry.result["records"] == {"scanned": 10, "deleted": 6, "kept": 4}
    assert real.result["kept"] == dry.result["kept"]
    assert real.result["kept"]["unreadable"] == 2
    for done in (dry, real):
        assert [done.actions[path.name]["action"] for path in (rewritten, dropped, kept)] == ["rewrite", "drop", "keep"]
    assert {path.name for path in entries(folder / "audit")} == {rewritten.name, kept.name, "logs.jsonl"}
    assert unpack(rewritten) == STAYS
    assert real.actions[rewritten.name]["bytes_after"] == rewritten.stat().st_size
    sizes = {name: found[5] for name, found in before.items()}
    assert real.result["bytes"]["freed"] == sizes[rewritten.name] - rewritten.stat().st_size + sizes[dropped.name]
    assert looks(folder / "audit")[kept.name] == before[kept.name]


def test_a_second_run_is_idle_and_reads_nothing(folder: Path, suffix: str) -> None:
    """What a rewrite has left is known, and what it has packed is not unpacked again."""
    put(folder, NAME + suffix, PACK[suffix](MANY))
    put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](YOUNG * 9))
    assert cleanup(folder).result["records"]["deleted"] == 3
    before = looks(folder / "audit")
    done = cleanup(folder)
    assert (done.result["records"], done.result["bytes"]["scanned"]) == ({"scanned": 12, "deleted": 0, "kept": 12}, 0)
    assert done.result["catalog"]["misses"] == 0
    assert looks(folder / "audit") == before
    assert cleanup(folder, "--no-catalog").result["records"] == done.result["records"]


def test_a_rewrite_keeps_owner_mode_attributes_and_time(folder: Path, suffix: str) -> None:
    """The file is another one, and looks like the first."""
    path = put(folder, NAME + suffix, PACK[suffix](MANY))
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    path.chmod(0o604)
    os.setxattr(path, "user.colour", b"blue")
    os.utime(path, (LONG_AGO, LONG_AGO))
    before = path.stat()
    assert cleanup(folder).result["records"]["deleted"] == 3
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid, after.st_mtime_ns) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
        before.st_mtime_ns,
    )
    assert os.getxattr(path, "user.colour") == b"blue"


@pytest.mark.parametrize(
    ("lines", "stays"),
    [
        (OLD + YOUNG[:-1], YOUNG[:-1]),
        (YOUNG + OLD[:-1], YOUNG),
        (
            OLD.replace(b"\n", b"\r\n") + YOUNG.replace(b"\n", b"\r\n") + b"\r\n",
            YOUNG.replace(b"\n", b"\r\n") + b"\r\n",
        ),
        (b"\xef\xbb\xbf" + OLD + OLD, b"\xef\xbb\xbf" + OLD),
        (b"\0" * 5000 + OLD + OLD, b"\0" * 5000 + OLD),
        (OLD * 30_000 + YOUNG + OLD * 30_000 + TORN, YOUNG + TORN),
        (OLD + b" " * 3_000_000 + b"\n" + YOUNG, b" " * 3_000_000 + b"\n" + YOUNG),
        (OLD + b"x" * 3_000_000 + b"\n" + YOUNG + OLD, b"x" * 3_000_000 + b"\n" + YOUNG),
    ],
    ids=["no newline", "no newline after an old one", "CRLF", "BOM", "NULs", "blocks", "long blank", "long torn"],
)
def test_lines_of_every_kind_are_judged_as_in_a_plain_file(
    folder: Path, suffix: str, lines: bytes, stays: bytes
) -> None:
    """The same figures, and the same bytes are left."""
    plain, packed = put(folder, NAME, lines), put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](lines))
    done = cleanup(folder, "--allow-delete-all", "--debug")
    assert (plain.read_bytes(), unpack(packed)) == (stays, stays)
    one, other = done.actions[plain.name], done.actions[packed.name]
    assert one["deleted_per_schema"] == other["deleted_per_schema"] != {}
    assert one["reason"] == other["reason"]


def test_empty_files_are_empty_segments(folder: Path, suffix: str) -> None:
    """One of no byte goes like a plain one; one that has a header says that it has no line, and stays."""
    put(folder, NAME + suffix, b"")
    header = put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](b""))
    done = cleanup(folder)
    assert (done.code, done.result["segments"]["emptied"], done.result["unjudged"]["segments"]) == (0, 1, 0)
    assert {path.name for path in entries(folder / "audit")} == {header.name, "logs.jsonl"}


def test_a_document_in_a_packed_file_stays(folder: Path, suffix: str) -> None:
    """It is no file of lines, whichever of its lines look like records."""
    path = put(folder, NAME + suffix, PACK[suffix](OLD + b"[\n" + OLD[:-1] + b",\n" + OLD + b"]\n"))
    assert_left_alone(folder, path, "line 2 is a piece of a document", "not_json_lines")


def test_lines_that_are_no_records_are_told_by_their_number(folder: Path, suffix: str) -> None:
    """And by their place among the unpacked bytes."""
    put(folder, NAME + suffix, PACK[suffix](YOUNG + TORN + OLD))
    (first, *_) = inspect(folder, "explain").result["segments"]
    assert (first["segment"], first["action"], first["schemas"]["app:1"]["expired"]) == (NAME + suffix, "rewrite", 1)
    (line,) = first["lines"]
    assert (line["line"], line["offset"]) == (2, len(YOUNG))


def test_estimate_counts_what_is_packed(folder: Path, suffix: str) -> None:
    """The records are those of the lines; what goes is bytes of the file."""
    path = put(folder, NAME + suffix, PACK[suffix](OLD * 1000))
    found = inspect(folder, "estimate").result
    assert found["schemas"]["app:1"]["records"] == 1001
    frees = found["totals"]["frees"][0]
    assert (frees["records"], frees["bytes"]) == (1000, path.stat().st_size)
    sizes = {"segments": 1, "bytes": path.stat().st_size, "unpacked_bytes": 1000 * len(OLD)}
    assert found["packed"] == sizes == cleanup(folder, "-n").result["packed"]


def test_estimate_says_which_sizes_are_of_lines_and_which_of_files(folder: Path, suffix: str) -> None:
    """A footnote, because the row of all frees fewer bytes than the rows above it; none if nothing is compressed."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
    assert "unpacked lines" not in run("estimate", *named, cwd=folder).out
    path = put(folder, NAME + suffix, PACK[suffix](OLD * 1000))
    lines = f"{1000 * len(OLD) / 1024:,.1f} KiB of lines"
    held = f"of files: 1 compressed segment of {path.stat().st_size} bytes holds {lines}\n"
    assert (
        f"\nSizes are of unpacked lines; what the first line says is {held}" in run("estimate", *named, cwd=folder).out
    )
    put(folder, NAME.replace("2025", "2024") + suffix, PACK[suffix](record("other")))
    text = run("estimate", *named, cwd=folder).out
    assert "\nSizes are of unpacked lines; what all of them free is of files: 2 compressed segments of " in text


@pytest.mark.anyio
async def test_records_are_streamed_with_their_unpacked_offsets(folder: Path, suffix: str) -> None:
    """In order, and none of a line that is no record."""
    put(folder, NAME + suffix, PACK[suffix](OLD + TORN) + PACK[suffix](YOUNG))
    found = [
        (each.segment, each.offset, each.line) async for each in asynclog.read_records(f"{folder}/audit/logs.jsonl")
    ]
    name = NAME + suffix
    assert found == [(name, 0, OLD), (name, len(OLD + TORN), YOUNG), ("logs.jsonl", 0, YOUNG)]


@pytest.mark.anyio
async def test_a_stream_of_records_does_not_end_in_silence(folder: Path, suffix: str) -> None:
    """Where a file is cut off, who reads it is told so."""
    put(folder, NAME + suffix, PACK[suffix](OLD * 3)[:-5])
    with pytest.raises(OSError, match="cut off"):
        [each async for each in asynclog.read_records(f"{folder}/audit/logs.jsonl")]


# ---- Rotations.


def test_what_is_renamed_is_not_unpacked_again(folder: Path, suffix: str) -> None:
    """logrotate gives each file the next number every night."""
    for number in (2, 1):
        put(folder, f"logs.jsonl.{number}{suffix}", PACK[suffix](record(days=20 + number) * number))
    assert cleanup(folder).result["catalog"]["misses"] >= 2
    for number in (2, 1):
        (folder / f"audit/logs.jsonl.{number}{suffix}").rename(folder / f"audit/logs.jsonl.{number + 1}{suffix}")
    done = cleanup(folder)
    assert (done.result["catalog"]["misses"], done.result["bytes"]["scanned"]) == (0, 0)
    assert done.result["records"]["scanned"] == 4


@pytest.mark.parametrize("other", [".gz", ".zst", ".xz", ""])
def test_another_name_is_another_codec(folder: Path, suffix: str, other: str) -> None:
    """The same file under a name that says something else is read as that, whatever the catalog knows of it."""
    if other == suffix:
        pytest.skip("it is the same")
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles: {default: {audit: "
        '{path: audit/logs.jsonl, schemas: schemas.yaml, segments: ["logs.jsonl", "logs-*.jsonl*"]}}}\n'
    )
    path = put(folder, NAME + suffix, PACK[suffix](OLD * 3))
    named = ("cleanup", "--now", NOW, "--json")
    assert run(*named, "-n", cwd=folder).result["records"]["deleted"] == 3
    renamed = path.rename(path.with_name(NAME + other))
    before = renamed.read_bytes()
    done = run(*named, cwd=folder)
    assert (done.code, done.result["records"]["deleted"]) == (0, 0)
    assert done.result["unjudged"]["reasons"] == {"packed" if other in {".xz", ""} else "damaged": 1}
    assert renamed.read_bytes() == before


def test_a_member_that_is_appended_is_read(folder: Path, suffix: str) -> None:
    """`gzip -c >> file`: the segment is another one then, and read from its beginning."""
    path = put(folder, NAME + suffix, PACK[suffix](YOUNG + OLD))
    assert cleanup(folder, "-n").result["records"]["deleted"] == 1
    with path.open("ab") as file:
        file.write(PACK[suffix](OLD + YOUNG + OLD))
    assert cleanup(folder).result["records"] == {"scanned": 6, "deleted": 3, "kept": 3}
    assert unpack(path) == YOUNG * 2


# ---- Writers.


def test_a_segment_that_is_open_for_writing_is_not_damaged(folder: Path, suffix: str) -> None:
    """A program may still be packing it: it has changed, and the next night it is whole."""
    content = PACK[suffix](MANY)
    path = put(folder, NAME + suffix, content[:-9])
    with path.open("ab") as writer:
        done = cleanup(folder)
        assert (done.code, done.actions[path.name]["unjudged"]) == (0, "changed")
        assert "somebody is writing to it" in done.actions[path.name]["reason"]
        assert path.read_bytes() == content[:-9]
        writer.write(content[-9:])
    assert cleanup(folder).result["records"]["deleted"] == 3
    assert unpack(path) == STAYS


def test_a_whole_segment_that_somebody_has_open_is_not_replaced(folder: Path, suffix: str) -> None:
    """Another member may come."""
    path = put(folder, NAME + suffix, PACK[suffix](MANY))
    before = path.read_bytes()
    with path.open("ab"):
        done = cleanup(folder)
        assert (done.code, done.result["records"]["deleted"]) == (0, 0)
        assert path.read_bytes() == before
    assert cleanup(folder).result["records"]["deleted"] == 3


@pytest.mark.matrix
@pytest.mark.parametrize("words", [(), ("--weak-leases",)], ids=" ".join)
def test_a_program_that_packs_meanwhile_loses_nothing(folder: Path, suffix: str, words: tuple[str, ...]) -> None:
    """It reads the plain segment, which stays until it has ended, and writes the packed one."""
    program = "gzip" if suffix == ".gz" else "zstd"
    plain = put(folder, "logs.jsonl.1", MANY * 20_000)
    try:
        packer = subprocess.Popen(["sh", "-c", f"{program} -q -c < {plain} > {plain}{suffix} && rm {plain}"])
    except FileNotFoundError:
        pytest.skip(f"{program} is not installed")
    with packer:
        while packer.poll() is None:
            assert cleanup(folder, "--allow-delete-all", *words).code == 0
    if packer.returncode:
        pytest.skip(f"{program} is not installed")
    os.utime(folder / f"audit/logs.jsonl.1{suffix}", (LONG_AGO, LONG_AGO))
    cleanup(folder, "--allow-delete-all", *words)
    assert unpack(folder / f"audit/logs.jsonl.1{suffix}") == STAYS * 20_000


# ---- What can't be unpacked.


def cut_off(content: bytes) -> bytes:
    return content[:-3]


def flipped(content: bytes) -> bytes:
    at = len(content) - 2  # of the checksum or the length
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def with_garbage(content: bytes) -> bytes:
    return content + b"\n" + OLD


def with_half_a_member(content: bytes) -> bytes:
    return content + content[:20]


def all_zeros(content: bytes) -> bytes:
    return bytes(len(content))


def plain_lines(content: bytes) -> bytes:
    del content
    return OLD * 3


@pytest.mark.matrix
@pytest.mark.parametrize(
    "damage",
    [cut_off, flipped, with_garbage, with_half_a_member, all_zeros, plain_lines],
    ids=lambda each: each.__name__,
)
def test_what_can_not_be_unpacked_is_left_alone(folder: Path, suffix: str, damage: Callable[[bytes], bytes]) -> None:
    """However much of it can be."""
    path = put(folder, NAME + suffix, damage(PACK[suffix](OLD * 3)))
    assert_left_alone(folder, path, "it can't be read: its compressed data is")


def test_a_damaged_segment_does_not_hinder_the_others(folder: Path, suffix: str) -> None:
    """They are cleaned, and its records are in no figure."""
    put(folder, NAME + suffix, PACK[suffix](OLD * 3)[:-3])
    other = put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](MANY))
    done = cleanup(folder)
    assert (done.code, done.result["records"]) == (0, {"scanned": 6, "deleted": 3, "kept": 3})
    assert unpack(other) == STAYS


def test_what_stands_between_frames_is_no_damage(folder: Path, suffix: str) -> None:
    """Zeros behind gzip, as tapes have it; skippable frames of zstd."""
    if suffix == ".gz":
        content = gzip_member(MANY) + bytes(4096) + gzip_member(OLD)
    else:
        content = skippable_frame(3, b"x" * 100) + zstd_frame(MANY) + skippable_frame(0, b"") + zstd_frame(OLD)
    path = put(folder, NAME + suffix, content)
    assert cleanup(folder).result["records"]["deleted"] == 4
    assert unpack(path) == STAYS


@pytest.mark.parametrize("packed", ["xz", "bz2", "lz4", "zip"])
def test_formats_that_are_not_read_are_told(folder: Path, suffix: str, packed: str) -> None:
    """By a pattern they are segments, too; none of their bytes is taken for a line."""
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles: {default: {audit: "
        '{path: audit/logs.jsonl, schemas: schemas.yaml, segments: ["logs.jsonl", "logs-*"]}}}\n'
    )
    path = put(folder, f"{NAME}.{packed}", OLD * 3)
    put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](OLD))
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["records"]["deleted"], done.result["unjudged"]["reasons"]) == (0, 1, {"packed": 1})
    assert "gzip and zstd can be" in done.actions[path.name]["reason"]
    assert path.read_bytes() == OLD * 3


# ---- The level.


def test_a_rewrite_packs_about_as_well(folder: Path, suffix: str) -> None:
    """A segment that was packed as small as can be is not twice as large for one record less."""
    lines = OLD + b"".join(record(days=1, n=number, text=f"{number * 7919 % 1000:x}" * 5) for number in range(4000))
    if suffix == ".gz":
        fast, small = gzip_member(lines, 1), gzip_member(lines, 9)
    else:  # of a size that is not known, as `zstd -c` writes it: a small frame of a known size does not tell its level
        fast, small = zstd_frame(lines, 1, size_known=False), zstd_frame(lines, 19, size_known=False)
    for number, content in enumerate((fast, small), start=1):
        path = put(folder, f"logs-2025010{number}T000000.jsonl{suffix}", content)
        assert cleanup(folder).result["records"]["deleted"] == 1
        assert len(content) * 0.9 < path.stat().st_size < len(content) * 1.1
        assert unpack(path) == lines[len(OLD) :]
    if suffix == ".gz":
        assert zlib.decompress(path.read_bytes(), wbits=31) == lines[len(OLD) :], "it is one member"


def test_a_plan_is_applied_as_it_was_approved(folder: Path, suffix: str) -> None:
    """Although a dry run can't know how small a rewrite will be packed."""
    path = put(folder, NAME + suffix, PACK[suffix](MANY))
    dropped = put(folder, f"logs-20250102T000000.jsonl{suffix}", PACK[suffix](OLD * 3))
    assert cleanup(folder, "-n", "--plan-out", "plan.json").code == 0
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    done = run("apply", "plan.json", *named, cwd=folder)
    assert (done.code, done.result["records"]["deleted"]) == (0, 6)
    assert unpack(path) == STAYS
    assert not dropped.exists()
