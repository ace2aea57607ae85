"""What `chattr` says of a segment is said of its replacement as well, or there is none."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, record
from command import NOW, cleanup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEGMENT = "logs-20250101T000000.jsonl"


def chattr(word: str, path: Path) -> None:
    """Set flags, or skip the test if that can't be done."""
    if shutil.which("chattr") is None or subprocess.run(["chattr", word, path], check=False).returncode:
        pytest.skip(f"chattr {word} can't be done here")


def flags(path: Path) -> str:
    """Return the project and the flags, without what the file system sets itself: extents, inline data, indexes."""
    said = subprocess.run(["lsattr", "-p", path], capture_output=True, text=True, check=True).stdout
    return " ".join(said.split()[:2]).translate(str.maketrans("eNIh", "----"))


@contextmanager
def own_disk(archive: Path, size: int, *mkfs: str) -> Iterator[Path]:
    """Put the archive's log on a new file system of this kind; skip the test if there can be none."""
    image, mounted = archive / "image", archive / "audit"
    with image.open("wb") as file:
        file.truncate(size)
    made = shutil.which(mkfs[0]) and not subprocess.run([*mkfs, image], check=False).returncode
    inside = {path.name: path.read_bytes() for path in mounted.iterdir()}
    if not made or subprocess.run(["mount", "-o", "loop", image, mounted], check=False).returncode:
        pytest.skip("no file system can be made and mounted here")
    try:
        shutil.rmtree(mounted / "lost+found", ignore_errors=True)
        for name, content in inside.items():
            (mounted / name).write_bytes(content)
        yield archive
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.fixture
def journaled(archive: Path) -> Iterator[Path]:
    """Put the archive on a file system with a journal and most of the flags."""
    with own_disk(archive, 64 << 20, "mkfs.ext4", "-q") as found:
        yield found


@pytest.fixture
def with_projects(archive: Path) -> Iterator[Path]:
    """Put the archive on a file system that knows projects."""
    with own_disk(archive, 320 << 20, "mkfs.xfs", "-q") as found:
        yield found


@pytest.mark.parametrize("word", ["+A", "+d", "+S", "+dA", "+s", "+j", "+c", "+m"])
def test_flags_are_kept(journaled: Path, word: str) -> None:
    """Where the file system has them."""
    segment = journaled / "audit" / SEGMENT
    chattr(word, segment)
    before, inode = flags(segment), segment.stat().st_ino
    done = cleanup(journaled, "--now", NOW)
    assert done.code == 0, done.out
    assert segment.stat().st_ino != inode
    assert flags(segment) == before


def test_flags_that_only_the_folder_has_are_not_given(archive: Path) -> None:
    """A new file has them from its folder."""
    chattr("+dA", archive / "audit")
    before = flags(archive / "audit" / SEGMENT)
    assert cleanup(archive, "--now", NOW).code == 0
    assert flags(archive / "audit" / SEGMENT) == before


def test_what_cannot_be_given_is_a_failure(with_projects: Path) -> None:
    """The segment stays as it is: in a user namespace of its own nobody may give a file to a project."""
    segment = with_projects / "audit" / SEGMENT
    give_to_project(segment)
    before = (flags(segment), segment.read_bytes())
    if subprocess.run(["unshare", "--user", "--map-root-user", "true"], check=False).returncode:
        pytest.skip("no user namespace can be made here")
    done = cleanup(with_projects, "--now", NOW, before=("unshare", "--user", "--map-root-user"))
    assert done.code == 3
    assert f"{SEGMENT}: Its project or extent size" in done.document["error"]
    assert (flags(segment), segment.read_bytes()) == before
    assert [path.name for path in entries(with_projects / "audit")] == [SEGMENT, "logs.jsonl"]


def give_to_project(segment: Path) -> None:
    if subprocess.run(["chattr", "-p", "4711", segment], check=False).returncode:
        pytest.skip("chattr has no projects")


@pytest.mark.parametrize("word", ["+i", "+a"])
def test_a_file_that_may_not_be_changed_is_not_replaced(archive: Path, word: str) -> None:
    """Nor does anything of an attempt stay, which nobody could remove."""
    segment = archive / "audit" / SEGMENT
    chattr(word, segment)
    try:
        done = cleanup(archive, "--now", NOW)
        assert (done.code, done.result["segments"]["failed"]) == (3, 1)
        assert segment.read_bytes() == record(days=400) + record(days=1)
        assert [path.name for path in entries(archive / "audit")] == [SEGMENT, "logs.jsonl"]
    finally:
        chattr(word.replace("+", "-"), segment)


def test_the_project_is_kept(with_projects: Path) -> None:
    """By which quotas count."""
    segment = with_projects / "audit" / SEGMENT
    give_to_project(segment)
    assert cleanup(with_projects, "--now", NOW).code == 0
    assert segment.read_bytes() == record(days=1)
    assert flags(segment).startswith("4711 ")
