"""A segment that is mounted as a file, as in containers: who writes there knows nothing of what replaces it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from audit_log import LOCK, looks, record, write_log, write_policy
from command import cleanup

from asynclog.storage.local.linux.file_mounts import mounted_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, YOUNG = record(), record(days=1)
USER, OTHER = 1001, 1002
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root is needed to mount, and to give files away")


class Container:
    """A process with mounts of its own, in which the log's segment is mounted as `inside`; it runs what it is told."""

    def __init__(self, segment: Path, inside: Path, options: str) -> None:
        inside.touch()
        script = f'mount --bind -o {options} "$0" "$1" && echo ready && exec sh'
        words = ("unshare", "--mount", "sh", "-c", script, str(segment), str(inside))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def run(self, line: str) -> None:
        """Run one line of shell, to its end."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}; echo done\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log with a segment to be rewritten, and one to be dropped."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs.jsonl": OLD + YOUNG, "logs.jsonl.1": OLD})
    return tmp_path


@pytest.fixture
def container(folder: Path, request: pytest.FixtureRequest) -> Iterator[Container]:
    name, options = request.param
    container = Container(folder / "audit" / name, folder / "inside", options)
    yield container
    container.end()


@as_root
@pytest.mark.parametrize("container", [("logs.jsonl", "rw"), ("logs.jsonl.1", "rw")], indirect=True)
def test_a_segment_that_a_container_has_as_a_file_stays(folder: Path, container: Container) -> None:
    """What the container appends afterwards is in the log; a dry run says so, and the other segment is done."""
    name = next(name for name in ("logs.jsonl", "logs.jsonl.1") if is_mounted(folder, name))
    before = (folder / "audit" / name).read_bytes()
    warnings = cleanup(folder, "-n").result["warnings"]
    assert any(f"({name}) would be skipped" in warning and "/inside" in warning for warning in warnings)
    done = cleanup(folder)
    assert done.code == 0, done.out
    assert done.actions[name]["outcome"] == "skipped"
    assert done.actions[name]["outcome_reason"].startswith(f"it is mounted as a file, at {folder}/inside: ")
    assert done.result["deleted_per_schema"] == {"app:1": 1}
    line = record(days=1, text="later")
    (folder / "line").write_bytes(line)
    container.run(f"cat {folder}/line >> {folder}/inside")
    assert (folder / "audit" / name).read_bytes() == before + line


@as_root
@pytest.mark.parametrize("container", [("logs.jsonl", "ro")], indirect=True)
def test_a_container_that_only_reads_keeps_nothing(folder: Path, container: Container) -> None:
    """A log shipper has the old file until it opens the log anew, as after any rotation."""
    assert container.process.poll() is None
    done = cleanup(folder)
    assert done.result["deleted_per_schema"] == {"app:1": 2}
    assert (folder / "audit/logs.jsonl").read_bytes() == YOUNG


def test_without_a_mount_nothing_is_kept(folder: Path) -> None:
    """Nothing is said of mounts, and the lock is all that is left beside the segment."""
    done = cleanup(folder)
    assert done.result["deleted_per_schema"] == {"app:1": 2}
    assert set(os.listdir(folder / "audit")) == {"logs.jsonl", LOCK}


def is_mounted(folder: Path, name: str) -> bool:
    return name in mounted(folder / "audit")


def mounted(audit: Path, proc: str = "/proc") -> dict[str, str]:
    """Return what is found of the mounts of a folder's files."""
    descriptor = os.open(audit, os.O_RDONLY)
    try:
        return dict(mounted_files(descriptor, proc))
    finally:
        os.close(descriptor)


def told(folder: Path, *lines: str, user: int | None = None) -> dict[str, str]:
    """Return what is found by a /proc that has one other process, with these mounts: of `/log`, on device 8:1."""
    proc = folder / "proc"
    descriptor = os.open(folder / "audit", os.O_RDONLY)
    try:
        for name in ("self/fdinfo", "self/fd", "77"):
            (proc / name).mkdir(parents=True)
        (proc / "self/fdinfo" / str(descriptor)).write_text("mnt_id:\t1\n")
        (proc / "self/fd" / str(descriptor)).symlink_to("/log")
        (proc / "self/mountinfo").write_text("1 0 8:1 /a\\040b / rw - ext4 /dev/a rw\n")
        (proc / "77/mountinfo").write_text("".join(f"{line}\n" for line in lines))
        if user is not None:
            os.chown(proc / "77", user, user)
        before = looks(folder / "audit")
        found = dict(mounted_files(descriptor, str(proc)))
        assert looks(folder / "audit") == before
    finally:
        os.close(descriptor)
    return found


def test_paths_are_those_of_the_file_system(folder: Path) -> None:
    """Wherever the log's folder is mounted, and whatever stands before the path or in it."""
    found = told(folder, "9 2 8:1 /a\\040b/log/logs.jsonl /c\\040d rw,relatime master:3 - ext4 /dev/a rw")
    assert found == {"logs.jsonl": "/c d"}


@pytest.mark.parametrize(
    "line",
    [
        "9 2 8:2 /a\\040b/log/logs.jsonl /c rw - ext4 /dev/b rw",
        "9 2 8:1 /a\\040b/log/logs.jsonl /c ro - ext4 /dev/a rw",
        "9 2 8:1 /log/logs.jsonl /c rw - ext4 /dev/a rw",
        "9 2 8:1 /a\\040b/log /c rw - ext4 /dev/a rw",
        "9 2 8:1 /a\\040b/log/sub/logs.jsonl /c rw - ext4 /dev/a rw",
        "9 2 8:1 /a\\040b/log/gone.jsonl//deleted /c rw - ext4 /dev/a rw",
    ],
)
def test_other_mounts_are_none(folder: Path, line: str) -> None:
    """Of another device, path or depth, read-only, of the folder itself, or of a file that is gone."""
    assert told(folder, line) == {}


@as_root
@pytest.mark.parametrize(
    ("user", "mode", "counts"), [(0, 0o644, True), (USER, 0o644, True), (OTHER, 0o644, False), (OTHER, 0o664, True)]
)
def test_who_may_not_write_keeps_nothing(folder: Path, user: int, mode: int, counts: bool) -> None:
    """Anybody may mount a file that he sees, in a namespace of his own: that keeps no record for ever."""
    segment = folder / "audit/logs.jsonl"
    os.chown(segment, USER, USER)
    segment.chmod(mode)
    assert bool(told(folder, "9 2 8:1 /a\\040b/log/logs.jsonl /c rw - ext4 /dev/a rw", user=user)) is counts


def test_a_proc_that_does_not_tell_keeps_nothing(folder: Path) -> None:
    """As in a container without one."""
    assert mounted(folder / "audit", str(folder / "none")) == {}
