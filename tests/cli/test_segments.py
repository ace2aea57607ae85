"""Which files are segments of a log, their order, and what happens to everything else in the folder."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, looks, record, write_log, write_policy
from command import NOW, cleanup, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command import Done

OLD, YOUNG = record(days=400), record(days=1)
SEGMENTS = [  # of logs.jsonl, in their order where the names give one
    "logs-20251231T235959.jsonl",
    "logs-20260101T000000.jsonl",
    "logs-20260101T000000-1.jsonl",
    "logs-20260101T000000-2.jsonl",
    "logs-20260101T000000-10.jsonl",
    "logs-20260101T000001.jsonl",
    "logs-20260103.jsonl",
    "logs.jsonl-20260104",
    "logs.jsonl-20260104-13",
    "logs.jsonl.2026-01-04T20-00-00",
    "logs-20260105T000000.jsonl",
    "logs-2026-01-06T13-04-05.000.jsonl",
    "logs_20260107T000000.jsonl",
]
OTHER_SEGMENTS = ["logs.jsonl", "logs.jsonl.1", "logs.jsonl.2", "logs.jsonl.10", "logs-late-00c0ffee-1234.jsonl"]
OTHERS = [
    "logs_schemas.jsonl",
    *("logs-prod.jsonl", "logs-prod-20260101T000000.jsonl", "logs-prod.jsonl.1", "logsx.jsonl", "xlogs.jsonl"),
    *("log.jsonl", "logs.json", "logs.jsonl~", "logs.jsonl.bak", "logs.jsonl.1~", "logs.jsonl.", ".logs.jsonl.swp"),
    *("Logs.jsonl", "LOGS.JSONL", "logs-.jsonl", "logs-20260101T000000.jsonl.tmp", "logs-20260101T000000.json"),
    *("logs-20260101T00000.jsonl", "logs-20260101T0000000.jsonl", "logs-2026010T000000.jsonl", "logs-2026.jsonl"),
    *("logs-20260101T000000-.jsonl", "logs-20260101T000000-x.jsonl", "logs-20260101T000000--1.jsonl"),
    *("logs-20260101t000000.jsonl", "logs-20260101 000000.jsonl"),
    *("logs.jsonl.-1", "logs.jsonl.1a", "logs.jsonl.1.2", "logs.jsonl-2026010", "logs.jsonl-20260101x"),
    *("logs-late-00c0ffe-1.jsonl", "logs-late-00c0ffee.jsonl", "logs-late-00c0ffeg-1.jsonl", "logs-late-1.jsonl"),
    *("logs.jsonl.zip", "logs.jsonl.gz.zst", "logs.jsonl.tar.gz", "logs.jsonlgz", "logs-20260132.jsonl"),
    *("logs.jsonl\n", "\nlogs.jsonl", "logs-20260101T000000.jsonl\n", "logs.jsonl.1\n", "logs.jsonl "),
    *(
        "logs.jsonl.\u0661",
        "logs-\uff12\uff10\uff12\uff16\uff10\uff11\uff10\uff11.jsonl",
        "logsXjsonl",
        "logs-2026010\u00b2.jsonl",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder in which every file has one expired record, its name a segment's or not."""
    folder = tmp_path_factory.mktemp("names")
    write_policy(folder)
    write_log(folder / "audit", dict.fromkeys([*SEGMENTS, *OTHER_SEGMENTS, *OTHERS], OLD))
    return folder


@pytest.fixture(scope="module")
def cleaned(folder: Path) -> Done:
    """Return what a cleanup of that folder says."""
    return cleanup(folder)


@pytest.mark.parametrize("name", [*SEGMENTS, *OTHER_SEGMENTS])
def test_a_segments_name_is_recognised(folder: Path, cleaned: Done, name: str) -> None:
    """Its one record has expired, so that the whole segment is dropped."""
    assert cleaned.actions[name]["action"] == "drop"
    assert not (folder / "audit" / name).exists()


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_that_only_resembles_a_segments_is_none(folder: Path, cleaned: Done, name: str) -> None:
    """By full match, never by prefix: the file is no part of the report and stays."""
    assert name not in cleaned.actions
    assert (folder / "audit" / name).read_bytes() == OLD


def test_segments_are_ordered_by_time_then_number(cleaned: Done) -> None:
    """-2 comes before -10, which text order would turn round; rotated ones count from the base file."""
    assert cleaned.code == 0
    assert [name for name in cleaned.actions if name in SEGMENTS] == SEGMENTS
    assert cleaned.result["segments"]["total"] == len(SEGMENTS) + len(OTHER_SEGMENTS)


@pytest.mark.parametrize("stem", ["a.b+c", "lo[g]s", "logs-20260101", "журнал"])
def test_a_stem_is_taken_literally(tmp_path: Path, stem: str) -> None:
    """Whatever it holds is no pattern."""
    write_policy(tmp_path)
    mine = [f"{stem}.jsonl", f"{stem}-20260101T000000.jsonl", f"{stem}.jsonl.1"]
    others = ["aXb+c.jsonl", "a.bb+c.jsonl", "logs.jsonl", "xx.jsonl", "logs-20260101-20260101T00000.jsonl"]
    write_log(tmp_path / "audit", dict.fromkeys([*mine, *others], OLD))
    done = cleanup(tmp_path, "--path", f"audit/{stem}.jsonl")
    assert (done.code, set(done.actions)) == (0, set(mine))
    assert {path.name for path in entries(tmp_path / "audit")} == set(others)


def test_compressed_segments_are_recognised_and_left_alone(tmp_path: Path) -> None:
    """They are told as skipped, each with its reason, and no byte of them changes."""
    write_policy(tmp_path)
    names = [
        name + ending for name in [*SEGMENTS, *OTHER_SEGMENTS] for ending in (".gz", ".zst", ".xz", ".bz2", ".lz4")
    ]
    write_log(tmp_path / "audit", dict.fromkeys(names, OLD))
    before = looks(tmp_path)
    done = cleanup(tmp_path)
    assert (done.code, set(done.actions), done.result["segments"]["skipped"]) == (0, set(names), len(names))
    assert all(action["action"] == "skip" and action["reason"] for action in done.actions.values())
    assert looks(tmp_path) == before


@pytest.mark.parametrize("kind", ["symlink", "dangling", "hard link", "fifo", "socket", "folder"])
def test_what_is_no_regular_file_is_skipped_with_its_reason(archive: Path, kind: str) -> None:
    """It is never opened for writing nor waited for, what it leads to stays, and the others are done."""
    aside = archive / "aside.jsonl"
    aside.write_bytes(OLD)
    name = archive / "audit" / "logs-20240101T000000.jsonl"
    if kind == "hard link":
        name.hardlink_to(aside)
    elif kind == "fifo":
        os.mkfifo(name)
    elif kind == "socket":
        socket_at(name)
    elif kind == "folder":
        name.mkdir()
    else:
        name.symlink_to(aside if kind == "symlink" else "nowhere")
    before, reader, lease = looks(archive), reader_of(name), lease_on(aside)
    done = cleanup(archive)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})
    assert done.actions[name.name]["action"] == "skip"
    assert (
        kind.replace("dangling", "symbolic").replace("symlink", "symbolic") in done.actions[name.name]["reason"].lower()
    )
    assert done.result["segments"]["skipped"] == 1
    after = looks(archive)
    assert all(after[kept] == before[kept] for kept in (f"audit/{name.name}", "aside.jsonl"))
    assert not reader.poll(0), "a pipe that had a writer tells a hang-up"
    assert fcntl.fcntl(lease, fcntl.F_GETLEASE) == fcntl.F_RDLCK, "an open for writing takes a lease away"
    os.close(lease)


@pytest.mark.skipif(os.geteuid() != 0, reason="root is needed to mount")
@pytest.mark.parametrize("name", ["logs-20240101T000000.jsonl", ".logs.jsonl.al-old-00000000-9", "logs.txt"])
def test_what_may_not_be_examined_keeps_nothing_else(archive: Path, name: str) -> None:
    """A user's own FUSE mount is closed even to root: it stops no job, and what is behind it is told."""
    target = archive / "audit" / name
    target.mkdir()
    with mounted_by_another(target):
        done = cleanup(archive)
        assert (done.code, done.result["deleted_per_schema"]) == (3 if name.startswith(".") else 0, {"app:1": 1})
        if name.endswith(".jsonl"):
            assert done.actions[name]["reason"] == "it can't be examined: Permission denied"
            assert done.result["unjudged"]["reasons"] == {"special": 1}
        for words in (("check",), ("estimate", "--now", NOW), ("explain", "--now", NOW)):
            command = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
            assert run(*words, *command, cwd=archive).code == 0


@contextmanager
def mounted_by_another(target: Path) -> Iterator[None]:
    """Mount a FUSE file system of user 5 for the `with`. It needs no server: nobody else gets as far as that."""
    libc = ctypes.CDLL(None, use_errno=True)
    server = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=5,group_id=60"
    try:
        if libc.mount(b"test", os.fsencode(target), b"fuse", 0, options.encode()):
            pytest.skip(f"FUSE can't be mounted here: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.umount2(os.fsencode(target), 2)
    finally:
        os.close(server)


def socket_at(path: Path) -> None:
    """Leave a socket's name in a folder whose own path may be too long for one."""
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def reader_of(path: Path) -> select.poll:
    """Watch a FIFO's reading end, if it is one."""
    watch = select.poll()
    if path.is_fifo():
        watch.register(os.open(path, os.O_RDONLY | os.O_NONBLOCK), select.POLLHUP)
    return watch


def lease_on(path: Path) -> int:
    """Return a descriptor with a read lease, which the first open for writing takes away."""
    fd = os.open(path, os.O_RDONLY)
    fcntl.fcntl(fd, 10, signal.SIGURG)  # F_SETSIG: the default signal would end the tests
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    return fd


@pytest.mark.parametrize("inside", [b"", b"\n", b" \r\n\t\n\n"])
def test_empty_and_blank_files_are_left_alone(archive: Path, inside: bytes) -> None:
    """No record in them has expired, so that nothing is to be deleted."""
    file = archive / "audit" / "logs-20240101T000000.jsonl"
    file.write_bytes(inside)
    before = looks(file)
    done = cleanup(archive, "--debug")
    assert (done.code, done.result["segments"]["dropped"]) == (0, 0)
    assert done.actions.get(file.name, {"action": "keep"})["action"] == "keep"
    assert looks(file) == before


def test_the_program_leaves_no_file_of_its_own(archive: Path) -> None:
    """Neither a hidden one nor a segment: a cleanup without a writer beside it makes no late segment."""
    before = set(os.listdir(archive / "audit"))
    assert cleanup(archive).result["late_segments"] == []
    assert set(os.listdir(archive / "audit")) == before


def configured(folder: Path, globs: str, *words: str) -> Done:
    """Clean a log whose segments an asynclog.yaml names by glob."""
    write_policy(folder)
    audit = f"audit: {{path: audit/logs.jsonl, schemas: schemas.yaml, segments: {globs}}}"
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{{audit}}}}}\n")
    return run("cleanup", "--now", NOW, *words, cwd=folder)


@pytest.mark.parametrize(
    ("globs", "segments"),
    [
        ('"audit-*.jsonl"', ["audit-.jsonl", "audit-1.jsonl"]),
        ('["audit-1.*", "*.log"]', ["a.log", "audit-1.jsonl"]),
        ('"*.jsonl"', ["audit-.jsonl", "audit-1.jsonl", "logs.jsonl"]),
        ('"audit-[0-9].jsonl"', ["audit-1.jsonl"]),
        ('"nothing-*"', []),
    ],
)
def test_configured_globs_name_the_segments_instead(tmp_path: Path, globs: str, segments: list[str]) -> None:
    """One or a list; late ones count all the same, the registry and a folder below never do."""
    late = "logs-late-00c0ffee-12.jsonl"
    names = ["a.log", "audit-.jsonl", "audit-1.jsonl", "logs.jsonl", "logs-20260101T000000.json", late]
    write_log(tmp_path / "audit", dict.fromkeys([*names, "logs_schemas.jsonl"], OLD))
    write_log(tmp_path / "audit" / "below", {"audit-1.jsonl": OLD})
    done = configured(tmp_path, globs, "--json")
    assert (done.code, sorted(done.actions)) == (0, sorted([*segments, late]))
    assert [path.name for path in entries(tmp_path / "audit")] == sorted(
        {*names, "logs_schemas.jsonl", "below"} - {*segments, late}
    )


HOSTILE = [
    b"audit-\x1b[31mred.jsonl",
    b"audit-a\nb.jsonl",
    b"audit-\xff\xfe.jsonl",
    b"audit-\x7f\xc2\x9b.jsonl",
    b"audit-'\"\\.jsonl",
]


@pytest.mark.parametrize("words", [("--json", "--debug"), ("--debug", "-n")])
def test_names_that_could_harm_a_terminal_are_escaped(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Control characters and bytes that are no UTF-8 reach neither text nor JSON raw, and their files are done."""
    write_log(tmp_path / "audit", {os.fsdecode(name): OLD + YOUNG for name in HOSTILE})
    done = configured(tmp_path, '"audit-*"', *words)
    assert done.code == 0
    for said in (done.out, done.err):
        said.encode()
        assert all(letter.isprintable() or letter == "\n" for letter in said)
        assert "a\nb" not in said
    if "--json" in words:
        assert len(json.loads(done.out)["result"]["actions"]) == len(HOSTILE)
    left = OLD + YOUNG if "-n" in words else YOUNG
    assert {(tmp_path / "audit" / os.fsdecode(name)).read_bytes() for name in HOSTILE} == {left}
