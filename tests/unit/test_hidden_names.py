"""The names that a commit gives: they fit, they come back as they were, and whatever only resembles one is not ours."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, record, write_log
from command import NOW, cleanup, run
from hypothesis import given
from hypothesis import strategies as st

from asynclog.storage.hidden_names import LONGEST_SEGMENT, OldLink, StagedFile, new_name
from asynclog.storage.naming import LONGEST_BASE, SegmentNaming, length

if TYPE_CHECKING:
    from pathlib import Path

MOST = 2**63 - 1
OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"

names = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20)
numbers = st.one_of(st.integers(0, MOST), st.integers(0, 99).map(lambda number: f"{number:03}"), st.text("0123456789٣"))
tokens = st.from_regex("[0-9a-f]{8}", fullmatch=True)


@given(names, tokens, numbers, numbers)
def test_what_is_parsed_has_that_very_name(segment: str, token: str, one: int | str, other: int | str) -> None:
    """`-007` would come back as `-7`, which is another file."""
    for name in (f".{segment}.al-old-{token}-{one}", f".{segment}.al-new-{one}-{other}"):
        found = OldLink.parse(name) or StagedFile.parse(name)
        assert found is None or str(found) == name


@given(names, tokens, st.integers(0, MOST), st.integers(0, 2**64 - 1))
def test_what_is_given_is_parsed(segment: str, token: str, size: int, inode: int) -> None:
    """Whatever sizes and inodes a file system has."""
    assert OldLink.parse(str(OldLink(segment, token, size))) == OldLink(segment, token, size)
    assert StagedFile.parse(str(StagedFile(segment, inode, size))) == StagedFile(segment, inode, size)
    assert SegmentNaming("logs.jsonl").late_token(SegmentNaming("logs.jsonl").late_name(token, size)) == token


@pytest.mark.parametrize(
    "name",
    [
        f".{SEGMENT}.al-old-00c0ffee-007",
        f".{SEGMENT}.al-old-00c0ffee-{MOST + 1}",
        f".{SEGMENT}.al-old-00c0ffee-{'9' * 200}",
        f".{SEGMENT}.al-old-00c0ffee-٣",
        f".{SEGMENT}.al-old-00C0FFEE-7",
        f".{SEGMENT}.al-new-01-7",
        f".{SEGMENT}.al-new-1-{MOST + 1}",
        f".{SEGMENT}.al-new-{2**64}-7",
        "logs-late-00c0ffee-007.jsonl",
        f"logs-late-00c0ffee-{MOST + 1}.jsonl",
        "logs-late-00c0ffee-٣.jsonl",
    ],
)
def test_a_name_that_is_not_ours_blocks_nothing(archive: Path, name: str) -> None:
    """It is left, and the segment that it names is cleaned."""
    (archive / "audit" / name).write_bytes(OLD)
    before = looks(archive / "audit")[name]
    done = cleanup(archive)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})
    assert done.result["recovery_pending"] == []
    assert looks(archive / "audit")[name] == before


LEFT = "app-20250101T000000.jsonl"


def hidden(folder: Path, *names: str) -> list[str]:
    """Make hidden files of 85 bytes, as a killed job leaves them."""
    for name in names:
        (folder / "audit" / name).write_bytes(b"x" * 84 + b"\n")
    return sorted(names)


@pytest.mark.parametrize(
    "name",
    [
        f".{LEFT}.al-old-00c0ffee-0",
        f".{LEFT}.al-new-1-85",
        f".{LEFT}.al-new",
        f".{SEGMENT}.al-old-00c0ffee-0.gz",
        f".{SEGMENT}.al-new-1-85.zst",
        f".{LEFT}.al-old-00c0ffee-0.xz",
    ],
)
def test_hidden_files_that_no_job_sees_to_are_told(archive: Path, name: str) -> None:
    """Of a segment that has another pattern now, or packed by somebody: by each command, and by no job removed."""
    names = hidden(archive, name)
    before = looks(archive / "audit")[name]
    for words in (["-n"], [], ["--metrics-file", "m.prom"]):
        done = cleanup(archive, *words)
        (warning,) = done.result["warnings"]
        assert (done.code, done.result["recovery_pending"]) == (0, names)
        for word in (name, "1 hidden file of 85 bytes", "do not remove it", "audit.segments"):
            assert word in warning
    assert re.search("^asynclog_recovery_pending_bytes.* 85(.0)?$", (archive / "m.prom").read_text(), re.MULTILINE)
    done = run("check", "--strict", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", cwd=archive)
    assert (done.code, name in done.out) == (3, True)
    assert looks(archive / "audit")[name] == before


def test_hidden_files_of_another_log_are_its_own_affair(archive: Path) -> None:
    """Of one that an enabled profile has, or a lock file; not of one that is switched off. Folders are none."""
    ours = f".{SEGMENT}.al-old-00c0ffee-0.gz"
    hidden(archive, f".{LEFT}.al-old-00c0ffee-0", ".app.jsonl.al-new-1-85", ".app.jsonl.al-old-00c0ffee-0.gz")
    (archive / "audit" / f".{LEFT}.al-old-00c0ffee-1").mkdir()
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
    words = ("check", "--strict", "--config", "asynclog.yaml")
    for enabled, code in ((True, 0), (False, 3)):
        profiles = {
            "us": {"audit": {"path": "audit/logs.jsonl", "schemas": "schemas.yaml"}},
            "app": {"audit": {"path": "audit/app.jsonl", "schemas": "schemas.yaml", "enabled": enabled}},
        }
        (archive / "asynclog.yaml").write_text(json.dumps({"asynclog": 1, "profile": "us", "profiles": profiles}))
        assert run(*words, cwd=archive).code == code
    assert run("check", "--strict", *named, cwd=archive).code == 3
    (archive / "audit/.app.jsonl.al-lock").touch()
    assert run("check", "--strict", *named, cwd=archive).code == 0
    hidden(archive, ours)
    assert cleanup(archive).result["recovery_pending"] == [ours]


def test_a_reported_hidden_file_is_drained_as_the_warning_says(archive: Path) -> None:
    """Once the log's names are again what they were, the next job publishes what a writer appended to it."""
    line = record(days=1, schema="late")
    (archive / "audit" / f".{LEFT}.al-old-00c0ffee-{len(OLD)}").write_bytes(OLD + line)
    assert len(cleanup(archive).result["recovery_pending"]) == 1
    audit = {"path": "audit/logs.jsonl", "schemas": "schemas.yaml", "segments": ["*.jsonl"]}
    (archive / "asynclog.yaml").write_text(json.dumps({"profiles": {"default": {"audit": audit}}}))
    done = run("cleanup", "--now", NOW, "--json", cwd=archive)
    assert done.result["recovery_pending"] == []
    (late,) = done.result["late_segments"]
    assert line in (archive / "audit" / late).read_bytes()
    assert run("check", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", cwd=archive).code == 0


def test_the_longest_names_fit() -> None:
    """All that may ever be called by the longest base's name, and by the longest segment's."""
    base = SegmentNaming("é" * (LONGEST_BASE // 2 - 3) + ".jsonl")
    late = base.late_name("00c0ffee", MOST)
    assert length(base.base) == LONGEST_BASE
    assert length(late) == LONGEST_SEGMENT
    for segment in (late, "x" * LONGEST_SEGMENT):
        hidden = (OldLink(segment, "00c0ffee", MOST), StagedFile(segment, 2**64 - 1, MOST), new_name(segment))
        assert max(length(str(name)) for name in hidden) == 255


def test_a_segment_whose_hidden_names_would_not_fit_is_overdue(archive: Path) -> None:
    """It is read and told, and nothing is begun; one byte less, and it is cleaned."""
    fits, long = "a" * LONGEST_SEGMENT, "b" * (LONGEST_SEGMENT + 1)
    write_log(archive / "audit", {fits: OLD + YOUNG, long: OLD + YOUNG})
    audit = {"path": "audit/logs.jsonl", "schemas": "schemas.yaml", "segments": ["a*", "b*"]}
    (archive / "asynclog.yaml").write_text(json.dumps({"profiles": {"default": {"audit": audit}}}))
    before = looks(archive / "audit")[long]
    done = run("cleanup", "--now", NOW, "--json", cwd=archive)
    assert done.code == 0, done.out
    assert (archive / "audit" / fits).read_bytes() == YOUNG
    assert done.result["overdue"]["records"] == {"app:1": 1}
    assert "too long" in done.actions[long]["reason"]
    assert looks(archive / "audit")[long] == before


@pytest.mark.parametrize("words", [("cleanup",), ("check",), ("explain",), ("estimate",)], ids=" ".join)
def test_a_log_whose_late_segments_would_not_fit_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Before anything is touched; one byte less, and it is taken."""
    for size, code in ((LONGEST_BASE, 0), (LONGEST_BASE + 1, 2)):
        base = tmp_path / f"{'x' * (size - 6)}.jsonl"
        base.write_bytes(YOUNG)
        (tmp_path / "schemas.yaml").write_text("schemas: []")
        done = run(*words, "--path", os.fspath(base), "--schemas", "schemas.yaml", "--json", cwd=tmp_path)
        assert done.code == code
