"""What is meant to bring a job down or to eat the machine: its segment fails or is told, and the others are done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import entries, of_many_schemas, record, write_log, write_policy
from command import NOW, Done, run, run_measured
from packing import zstd

import asynclog
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy
from asynclog.scan.classifiers import PythonClassifier
from asynclog.scan.schema_limits import MOST_COUNTS, MOST_KEYS, MOST_NAMES, USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MIB, TIB = 1 << 20, 1 << 40
OLD, YOUNG = record(days=400), record(days=1)
FIRST, SECOND = "logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl"
MOST = 300 * MIB
# What reads a whole log, of which the everyday run has the first two.
READ_ALL = [
    ("cleanup", "--dry-run"),
    ("check",),
    pytest.param(("explain",), marks=pytest.mark.thorough),
    pytest.param(("estimate",), marks=pytest.mark.thorough),
]


def within_memory(folder: Path, *words: str, reader: str = "", most: int = MOST) -> Done:
    """Run a command on the log and policy in this folder, in no more memory than any bomb may cost."""
    files = ("--path", f"{folder}/audit/logs.jsonl", "--schemas", f"{folder}/schemas.yaml")
    done, peak = run_measured(*words, *files, env={"ASYNCLOG_READER": reader} if reader else {})
    assert peak <= most
    return done


def sparse(path: Path, parts: Iterable[bytes | int]) -> None:
    """Write a file of bytes and, for each number, a hole of so many."""
    with path.open("wb") as file:
        for part in parts:
            if isinstance(part, int):
                file.seek(part, os.SEEK_CUR)
            else:
                file.write(part)
        file.truncate(file.tell())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_policy(tmp_path, "schema_name: '*', retention_days: 30")
    write_log(tmp_path / "audit", {SECOND: OLD})
    return tmp_path


@pytest.mark.matrix
@pytest.mark.parametrize("words", [("--jobs", "1"), ("--double-check",), ("--io-limit", "1MB/s")], ids=" ".join)
@pytest.mark.parametrize("reader", ["native", "python"])
def test_holes_are_neither_read_nor_filled(folder: Path, reader: str, words: tuple[str, ...]) -> None:
    """A segment of terabytes, of which a few lines are data: its expired lines go, and its holes stay holes."""
    segment = folder / "audit" / FIRST
    parts: list[bytes | int] = [
        OLD,
        YOUNG,
        b"x",
        100_000,
        b"\n",
        OLD,
        b'{"schema_name": "app',
        2 * TIB,
        b'"}\n',
        YOUNG,
        OLD,
        TIB,
        b"\n",
        OLD,
        TIB,
    ]
    sparse(segment, parts)
    done = within_memory(folder, "cleanup", "--now", NOW, "--json", *words, reader=reader)
    assert done.code == 0, done.out
    assert done.result["deleted_per_schema"] == {"app:1": 5}
    assert done.result["kept"]["unreadable"] == 4
    assert segment.stat().st_blocks * 512 <= 64 << 10
    assert segment.stat().st_size == sum(part if isinstance(part, int) else len(part) for part in parts) - 4 * len(OLD)
    with segment.open("rb") as file:
        assert file.read(len(YOUNG) + 9) == YOUNG + b"x" + bytes(8)
        file.seek(len(YOUNG) + 100_002 + 20 + 2 * TIB)
        assert file.read(len(YOUNG) + 4) == b'"}\n' + YOUNG + b"\0"


@pytest.mark.parametrize("words", READ_ALL, ids=" ".join)
def test_every_command_passes_over_holes(folder: Path, words: tuple[str, ...]) -> None:
    """The largest file that there can be is looked at in moments."""
    sparse(folder / "audit" / FIRST, [OLD, 8 * TIB])
    assert within_memory(folder, *words).code == 0


@pytest.mark.matrix
@pytest.mark.parametrize("reader", ["native", "python"])
@pytest.mark.parametrize("last", [b'"}\n', b"", b"\0\n"], ids=["whole", "torn", "with a NUL byte"])
def test_a_line_of_80_mib_is_held_in_memory_once(folder: Path, reader: str, last: bytes) -> None:
    """It may be a record; one with a NUL byte is none, and not held at all."""
    with (folder / "audit" / FIRST).open("wb") as file:
        file.write(OLD[:-2] + b', "more": "')
        for _ in range(80):
            file.write(b"x" * MIB)
        file.write(last)
    most = 180 * MIB  # a command takes 40 of them, and would take 200 if it held the line twice
    done = within_memory(folder, "cleanup", "-n", "--now", NOW, "--json", reader=reader, most=most)
    is_record = int(last == b'"}\n')
    assert done.result["deleted_per_schema"] == {"app:1": 1 + is_record}
    assert done.result["unjudged"]["reasons"] == ({} if is_record else {"no_record": 1})


@pytest.mark.parametrize("reader", ["native", "python"])
def test_blank_lines_of_any_length_are_blank(folder: Path, reader: str) -> None:
    """They are not held in memory either, and hinder no drop."""
    (folder / "audit" / FIRST).write_bytes(OLD + b" " * (3 * MIB) + b"\n" + OLD + b"\t" * (2 * MIB))
    done = run("cleanup", "--path", f"{folder}/audit/logs.jsonl", "--schemas", f"{folder}/schemas.yaml", "--json",
               env={"ASYNCLOG_READER": reader})  # fmt: skip
    assert done.result["segments"]["dropped"] == 2


def test_a_flood_of_blank_lines_is_not_parsed() -> None:
    """Gigabytes of them pack into megabytes, and what is no JSON takes a parser longest."""
    called: set[str] = set()
    reader = PythonClassifier(Cutoffs(Policy(), 0))
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code.co_name) if event == "call" else None)
    try:
        reader.add_block(0, memoryview(bytearray(b"\n\r\n \n")), None)
    finally:
        sys.setprofile(None)
    builder = reader.builder()
    assert (builder.blank, builder.unreadable) == (3, 0)
    assert "add_line" in called
    assert "parse" not in called


@pytest.mark.matrix
@pytest.mark.parametrize("reader", ["native", "python"])
@pytest.mark.parametrize("words", [("cleanup", "--allow-delete-all"), ("check",), ("explain",), ("estimate",)])
def test_a_segment_of_too_many_schema_keys_fails_alone(folder: Path, words: tuple[str, ...], reader: str) -> None:
    """It stays, which is told; the others are done."""
    inside = b"".join(of_many_schemas(100_000))
    (folder / "audit" / FIRST).write_bytes(inside)
    done = within_memory(folder, *words, "--json", reader=reader)
    assert done.code == 3
    assert f"{FIRST}: it can't be read: it has more than {MOST_KEYS:,} schema keys" in done.document["error"]
    assert (folder / "audit" / FIRST).read_bytes() == inside
    assert (folder / "audit" / SECOND).exists() == (words[0] != "cleanup")


def test_the_pieces_of_a_segment_have_too_many_keys_together(folder: Path) -> None:
    """Where none has alone: a segment of 50 MiB and more is read in several."""
    lines = (record(f"schema{number}", days=400, more="x" * 3000) for number in range(MOST_KEYS + 1))
    (folder / "audit" / FIRST).write_bytes(b"".join(lines))
    done = within_memory(folder, "cleanup", "--jobs", "2", "--json")
    assert f"{FIRST}: it can't be read: it has more than {MOST_KEYS:,} schema keys" in done.document["error"]
    assert (done.result["segments"]["dropped"], done.result["segments"]["failed"]) == (1, 1)


@pytest.mark.parametrize(
    "words", [READ_ALL[0], pytest.param(("check",), marks=pytest.mark.thorough), *READ_ALL[2:]], ids=" ".join
)
def test_a_log_of_too_many_schema_keys_fails_in_part(folder: Path, words: tuple[str, ...]) -> None:
    """No segment has too many, and all together have: some are judged, and the others fail."""
    for number in range(60):
        inside = b"".join(of_many_schemas(1000, 1000 * number))
        (folder / "audit" / f"logs-20250201T0000{number:02}.jsonl").write_bytes(inside)
    done = within_memory(folder, *words, "--json")
    assert done.code == 3
    assert f"with it the log has more than {MOST_KEYS:,} schema keys" in done.document["error"]


def test_many_segments_of_the_same_many_keys_fail_in_part(folder: Path) -> None:
    """What is known of each key in each segment takes memory as well."""
    inside = b"".join(of_many_schemas(10_000))
    many = MOST_COUNTS // (10_000 - USUAL) + 2
    for number in range(many):
        (folder / "audit" / f"logs-20250201T0000{number:02}.jsonl").write_bytes(inside)
    done = within_memory(folder, "check", "--json")
    assert done.result["segments"]["failed"] == 2
    assert f"too many segments have more than {USUAL} schema keys" in done.document["error"]


@pytest.mark.parametrize("names", [[5 * MIB], [2 * MIB, 2 * MIB + 1], [MIB] * 100], ids=["one", "two", "many"])
def test_schema_names_of_megabytes_fail_their_segment(folder: Path, names: list[int]) -> None:
    """They are JSON, and may be long, but not without end."""
    lines = (record(f"{number}".ljust(size, "x")) for number, size in enumerate(names))
    (folder / "audit" / FIRST).write_bytes(b"".join(lines))
    done = within_memory(folder, "cleanup", "--json")
    assert done.code == 3
    assert f"more than {MOST_NAMES:,} characters" in done.document["error"]
    assert not (folder / "audit" / SECOND).exists()


def test_catalogs_of_many_keys_are_written_bit_by_bit(folder: Path) -> None:
    """And what is known from there is not read again."""
    inside = b"".join(of_many_schemas(6000))
    for number in range(8):
        (folder / "audit" / f"logs-20250201T0000{number:02}.jsonl").write_bytes(inside)
    for path in (folder / "audit").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    hits = [within_memory(folder, "cleanup", "-n", "--json").result["catalog"]["hits"] for _ in range(2)]
    assert hits == [0, 9]


# ---- Packed segments.


PACKED = (".gz", ".zst")


def pack(folder: Path, suffix: str, parts: Iterable[bytes]) -> Path:
    """Write a packed segment that need not fit into memory."""
    path = folder / "audit" / f"{FIRST}{suffix}"
    compressor: Any = zlib.compressobj(1, wbits=31) if suffix == ".gz" else zstd().ZstdCompressor(1)
    with path.open("wb") as file:
        for part in parts:
            file.write(compressor.compress(part))
        file.write(compressor.flush())
    return path


# What is packed, and why it is left alone; None if it is judged, and a record in it expires.
BOMBS: dict[str, tuple[list[bytes], str | None]] = {
    "zeros": ([bytes(MIB)] * 2100, "damaged"),
    "an endless record": ([OLD[:-2] + b', "more": "', *[b"x" * MIB] * 70], "damaged"),
    "a record of 30 MiB": ([OLD[:-2] + b', "more": "', *[b"x" * MIB] * 30, b'"}\n'], None),
    "a torn line of 200 MiB": ([OLD, *[b"x" * MIB] * 200, b"\n" + OLD], None),
    "NULs before records": ([*[bytes(MIB)] * 200, b"\n" + OLD], None),
    "an array's line of 100 MiB": ([OLD + b"[", *[b"x" * MIB] * 100, b"\n" + OLD], "not_json_lines"),
    "blank lines": ([b"\n" * MIB] * 20 + [OLD], None),
    "blank lines of megabytes": ([(b" " * MIB) * 3 + b"\n", OLD] * 9, None),
}


@pytest.mark.matrix
@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_packed_takes_no_more_memory_than_any_bomb(folder: Path, suffix: str, bomb: str) -> None:
    """Of any ratio: it is left alone, untouched and with its reason; or its records are judged. So are the others."""
    parts, reason = BOMBS[bomb]
    path = pack(folder, suffix, parts)
    before = path.read_bytes()
    if bomb == "zeros" and suffix == ".gz":
        reason = "no_record"  # gzip makes a thousandth of them at best, which a log may be
    done = within_memory(folder, "cleanup", "--now", NOW, "--json", "--allow-delete-all")
    assert done.code == 0
    assert done.result["unjudged"]["reasons"] == ({reason: 1} if reason else {})
    if reason:
        assert path.read_bytes() == before
        assert done.result["deleted_per_schema"] == {"app:1": 1}
    else:
        assert done.result["deleted_per_schema"]["app:1"] > 1
    assert not (folder / "audit" / SECOND).exists()


@pytest.mark.parametrize("words", READ_ALL[1:3], ids=" ".join)
def test_every_command_ends_at_a_packed_bomb(folder: Path, words: tuple[str, ...]) -> None:
    """Each of them reads it, and says why it is left alone."""
    pack(folder, ".zst", [bytes(MIB)] * 2100)
    done = within_memory(folder, *words, "--json")
    assert (done.code, done.result["unjudged"]["reasons"]) == (0, {"damaged": 1})


@pytest.mark.parametrize("suffix", PACKED)
def test_holes_of_a_packed_segment_are_not_read(folder: Path, suffix: str) -> None:
    """Behind gzip they would be padding, of terabytes."""
    whole = pack(folder, suffix, [OLD]).read_bytes()
    kinds: list[list[bytes | int]] = [[whole, 2 * TIB], [2 * TIB], [whole, TIB, whole]]
    for parts in kinds:
        sparse(folder / "audit" / f"{FIRST}{suffix}", parts)
        done = within_memory(folder, "cleanup", "-n", "--now", NOW, "--json")
        assert (done.code, done.result["unjudged"]["reasons"]) == (0, {"damaged": 1})


@pytest.mark.anyio
@pytest.mark.parametrize("suffix", PACKED)
async def test_packed_records_are_streamed_past_a_huge_line(folder: Path, suffix: str) -> None:
    """With the offset that each has among the unpacked bytes."""
    pack(folder, suffix, [OLD, *[b"\0" * MIB] * 40, b"\n", YOUNG])
    found = [(each.segment, each.offset) async for each in asynclog.read_records(f"{folder}/audit/logs.jsonl")]
    assert found == [(f"{FIRST}{suffix}", 0), (f"{FIRST}{suffix}", len(OLD) + 40 * MIB + 1), (SECOND, 0)]


# ---- Configuration.


YAML: dict[str, Callable[[], str]] = {
    "lists": lambda: "schemas: [" + "[]," * 1_300_000 + "]",
    "rules": lambda: "schemas:\n" + "".join(f"  - {{schema_name: s{n}, retention_days: 30}}\n" for n in range(100_000)),
    "keys": lambda: "{" + ",".join(f"k{n}: 1" for n in range(500_000)) + "}",
    "text": lambda: "a\n" * 1_900_000,
    "one name": lambda: f"schemas:\n  - {{schema_name: {'n' * 3_000_000}, retention_days: x}}",
    "digits": lambda: f"schemas:\n  - {{schema_name: s, retention_days: {'1' * 4_000_000}}}",
    "directives": lambda: "".join(f"%TAG !a{n}! tag:x\n" for n in range(150_000)) + "--- a",
    "documents": lambda: "--- a\n" * 600_000,
    "depth": lambda: "[" * 4_000_000,
    "anchors": lambda: "schemas:\n" + "".join(f"  - &a{n} x\n" for n in range(300_000)),
    "NUL": lambda: "schemas: [{schema_name: a\0}]",
    "half a pair": lambda: 'schemas: [{schema_name: "\\ud800"}]',
}


@pytest.mark.parametrize("bomb", YAML)
def test_megabytes_of_yaml_are_an_error(folder: Path, bomb: str) -> None:
    """One that names the file, in one sentence of a bearable length."""
    (folder / "schemas.yaml").write_text(YAML[bomb]())
    done = within_memory(folder, "cleanup", "--json")
    assert done.code == 2
    assert done.error.startswith(f"{folder}/schemas.yaml")
    assert len(done.error) < 30_000


def test_a_policy_of_thousands_of_rules_is_none_of_them(folder: Path) -> None:
    """Ten thousand are read as ever."""
    rules = "".join(f"  - schema_name: s{n}\n    version: 1\n    retention_days: 30\n" for n in range(10_000))
    (folder / "schemas.yaml").write_text("schemas:\n" + rules)
    assert within_memory(folder, "check", "--json").result["message"].startswith("Valid: 10,000 rules")


REGISTRIES: dict[str, Callable[[], str]] = {
    "one line": lambda: '{"schema_name": "s", "x": [' + "[]," * 5_000_000 + "[]]}",
    "schemas": lambda: "".join(f'{{"schema_name": "s{n}"}}\n' for n in range(500_000)),
    "digits": lambda: '{"schema_name": "s", "version": ' + "1" * 5000 + "}",
    "depth": lambda: '{"schema_name": "s", "x": ' + "[" * 900_000,
}


@pytest.mark.parametrize("bomb", REGISTRIES)
def test_a_registry_without_end_is_an_error(folder: Path, bomb: str) -> None:
    """One that names the file and the line."""
    (folder / "audit" / "logs_schemas.jsonl").write_text(REGISTRIES[bomb]())
    done = run("cleanup", "--json", "--path", f"{folder}/audit/logs.jsonl")
    assert done.code == 2
    assert done.error.startswith(f"{folder}/audit/logs_schemas.jsonl:")


@pytest.mark.parametrize("words", [("cleanup",), ("apply", "plan.json")], ids=lambda words: words[0])
def test_a_sparse_file_is_no_configuration(folder: Path, words: tuple[str, ...]) -> None:
    """Nor a plan; it is not read to its end."""
    for name in ("asynclog.yaml", "plan.json"):
        sparse(folder / name, [b'{"profiles": "', TIB])
    (folder / "schemas.yaml").write_text("schemas: []")
    given = () if words[0] == "cleanup" else ("--path", f"{folder}/audit/logs.jsonl")
    done = run(*words, *given, "--json", cwd=folder)
    assert (done.code, "it has a NUL byte" in done.error) == (2, True)


PATHS = {"NUL": "a\0b", "half a pair": "a\ud800", "long name": "a" * 300, "long": "/".join("a" * 2100)}


@pytest.mark.parametrize("option", ["path", "schemas", "state", "config"])
@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.anyio
async def test_a_path_that_no_file_can_have_is_refused(folder: Path, option: str, kind: str) -> None:
    """In Python, where nothing has looked at it before; the sentence says which option it is."""
    options = {"path": f"{folder}/audit/logs.jsonl", "schemas": f"{folder}/schemas.yaml"} | {option: PATHS[kind]}
    with pytest.raises(asynclog.ConfigurationError, match=f"--{option}.* can't be a path"):
        await asynclog.plan_cleanup(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["NUL", "long name", "long"])
@pytest.mark.parametrize("key", ["path", "schemas", "state"])
def test_a_configured_path_that_no_file_can_have_is_refused(folder: Path, key: str, kind: str) -> None:
    """The sentence says where it stands."""
    audit = {"path": "audit/logs.jsonl", "schemas": "schemas.yaml"}
    profile: dict[str, object] = {"audit": audit}
    (profile if key == "state" else audit)[key] = PATHS[kind]
    (folder / "asynclog.yaml").write_text(json.dumps({"profiles": {"default": profile}}))
    done = run("check", "--json", cwd=folder)
    assert done.code == 2
    assert done.error.startswith(f"{folder}/asynclog.yaml: profile default: ")


@pytest.mark.anyio
async def test_records_are_streamed_past_holes(folder: Path) -> None:
    """With the offset that each has."""
    sparse(folder / "audit" / FIRST, [OLD, b'{"schema_name', TIB, b'"}\n', YOUNG])
    found = [(each.segment, each.offset) async for each in asynclog.read_records(f"{folder}/audit/logs.jsonl")]
    assert found == [(FIRST, 0), (FIRST, len(OLD) + 13 + TIB + 3), (SECOND, 0)]
    with pytest.raises(asynclog.ConfigurationError):
        [each async for each in asynclog.read_records("\0")]


@pytest.mark.parametrize("jobs", ["0", "1025", "99999999", "9" * 5000])
def test_more_workers_than_any_machine_has_are_refused(folder: Path, jobs: str) -> None:
    """Each would have its memory."""
    done = run("cleanup", "--path", f"{folder}/audit/logs.jsonl", "--jobs", jobs, "--json")
    assert (done.code, "--jobs" in done.error) == (2, True)


@pytest.fixture
def small_disk(folder: Path) -> Path:
    """Put the log's folder on a file system of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    for path in (folder / "audit").iterdir():
        path.unlink()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", folder / "audit"], check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    return folder


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_rewrite_that_does_not_fit_is_not_begun(small_disk: Path, jobs: str) -> None:
    """It has failed, with what it needs and what is free; drops need no room, and go first."""
    audit = small_disk / "audit"
    try:
        write_log(audit, {FIRST: OLD + YOUNG * (5 * MIB // len(YOUNG)), SECOND: OLD * (MIB // len(OLD))})
        before = (audit / FIRST).read_bytes()
        done = within_memory(small_disk, "cleanup", "--now", NOW, "--jobs", jobs, "--json")
        assert done.code == 3
        assert (done.result["segments"]["dropped"], done.result["segments"]["failed"]) == (1, 1)
        assert "There is no room on the disk for what stays of it" in done.document["error"]
        assert {path.name: path.read_bytes() for path in audit.glob("logs*")} == {FIRST: before}
    finally:
        subprocess.run(["umount", audit], check=True)


@pytest.mark.parametrize("suffix", PACKED)
def test_a_packed_rewrite_that_does_not_fit_is_not_begun(small_disk: Path, suffix: str) -> None:
    """How small it will be packed is not known, but no larger than it was: as much has to be free."""
    audit = small_disk / "audit"
    try:
        noise = [record(days=1, text=os.urandom(1000).hex()) for _ in range(5 * MIB // 1100)]
        segment = pack(small_disk, suffix, [OLD, *noise])
        before = segment.read_bytes()
        assert 4.5 * MIB < len(before) < 6 * MIB
        write_log(audit, {SECOND: OLD * (MIB // len(OLD))})
        done = within_memory(small_disk, "cleanup", "--now", NOW, "--json", "--allow-delete-all")
        assert done.code == 3
        assert (done.result["segments"]["dropped"], done.result["segments"]["failed"]) == (1, 1)
        assert "There is no room on the disk for what stays of it" in done.document["error"]
        assert {path.name: path.read_bytes() for path in entries(audit)} == {segment.name: before}
    finally:
        subprocess.run(["umount", audit], check=True)
