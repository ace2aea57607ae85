"""Files that a person names replace nothing, or a file of their own kind: whatever else is there stays."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import looks, record, write_log
from command import cleanup, run

from asynclog.cli.files.user_named_file import NamedFile, OccupiedError
from asynclog.storage.local.directory import LogDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

# What each of the options makes, and what tells that it was refused.
OPTIONS = {
    "--plan-out": "something other than a plan of asynclog",
    "--metrics-file": "something other than metrics",
    "--html": "something other than a page of asynclog",
    "--csv": "something other than a table of asynclog",
}
CONTENTS = {
    "segment": record(days=1),
    "policy": b"schemas: []\n",
    "json": b'{\n  "format": 1,\n  "log": "/var/log/app"\n}\n',
    "report": b'{"status":"ok","result":{}}\n',
    "metrics of others": b"# HELP node_cpu_seconds_total Seconds.\n",
    "empty": b"",
}


@pytest.fixture(params=OPTIONS)
def option(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def dry_run(folder: Path, *words: str, **options: Any) -> Any:
    return cleanup(folder, "--dry-run", *words, **options)


def refused(folder: Path, option: str, place: Path | str) -> None:
    """Exit 2, said in a sentence that names it, before anything is done; and nothing of it has changed."""
    before = looks(folder)
    done = dry_run(folder, option, str(place), deadline=30)
    assert done.code == 2
    assert f"{option} {place}: {OPTIONS[option]}" in done.error
    assert looks(folder) == before


@pytest.mark.parametrize("kind", CONTENTS)
def test_no_file_of_another_kind_is_replaced(archive: Path, option: str, kind: str) -> None:
    """A segment of another log, a policy, what somebody else has written; an empty file may be a log that begins."""
    (archive / "there").write_bytes(CONTENTS[kind])
    refused(archive, option, "there")


@pytest.mark.parametrize("kind", ["link", "dangling link", "link to its own kind", "folder", "fifo", "socket"])
def test_nothing_but_a_regular_file_is_replaced(archive: Path, option: str, kind: str) -> None:
    """A FIFO is not waited for, and a link not followed."""
    there = archive / "there.prom"
    with ExitStack() as resources:
        match kind:
            case "link":
                there.symlink_to("schemas.yaml")
            case "dangling link":
                there.symlink_to("nowhere")
            case "link to its own kind":
                assert dry_run(archive, option, "own").code == 0
                there.symlink_to("own")
            case "folder":
                there.mkdir()
            case "fifo":
                os.mkfifo(there)
                resources.callback(os.close, os.open(there, os.O_RDWR))
            case _:
                resources.enter_context(socket.socket(socket.AF_UNIX)).bind(str(there))
        refused(archive, option, "there.prom")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make devices")
@pytest.mark.parametrize("form", [0o020000, 0o060000], ids=["characters", "blocks"])
def test_no_device_is_replaced(archive: Path, option: str, form: int) -> None:
    """As /dev/null would be."""
    os.mknod(archive / "there", 0o600 | form, os.makedev(1, 3) if form == 0o020000 else os.makedev(7, 99))
    refused(archive, option, "there")


@pytest.mark.parametrize("place", [".", "./", "..", "held/../"])
def test_a_folder_is_no_named_file(archive: Path, option: str, place: str) -> None:
    """However it is written."""
    (archive / "held").mkdir()
    refused(archive, option, place)


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_stream_is_no_named_file(archive: Path, option: str, place: str) -> None:
    """What is to go to stdout is what --json is for."""
    refused(archive, option, place)


def test_a_file_of_its_own_kind_is_replaced(archive: Path, option: str) -> None:
    """Again and again, and nothing temporary is left."""
    inodes = set()
    for _ in range(3):
        assert dry_run(archive, option, "own").code == 0
        inodes.add((archive / "own").stat().st_ino)
    assert len(inodes) > 1
    assert sorted(os.listdir(archive)) == ["audit", "own", "schemas.yaml"]


def test_one_kind_does_not_replace_the_other(archive: Path, option: str) -> None:
    """A plan is no metrics, a page no table, nor the other way round."""
    for other in sorted(OPTIONS.keys() - {option}):
        theirs = f"theirs{other}"
        assert dry_run(archive, other, theirs).code == 0
        refused(archive, option, theirs)


@pytest.mark.parametrize("option", ["--plan-out", "--html", "--csv"])
def test_a_file_in_the_logs_folder_is_refused_by_any_name(archive: Path, option: str) -> None:
    """Through a link to a folder below it, or one that leads back."""
    (archive / "audit/below").mkdir()
    (archive / "link").symlink_to("audit/below")
    before = looks(archive)
    for place in ("link/plan.json", "link/../plan.json", "audit/below/../below/plan.json"):
        done = dry_run(archive, option, place)
        assert (done.code, "log's own folder" in done.error) == (2, True)
    assert looks(archive) == before


def test_init_replaces_nothing_that_is_special(tmp_path: Path) -> None:
    """A FIFO where its configuration would be: exit 2, and nothing is written."""
    write_log(tmp_path / "audit", {"logs.jsonl": record()})
    os.mkfifo(tmp_path / "asynclog.yaml")
    before = looks(tmp_path)
    assert run("init", "--path", "audit/logs.jsonl", cwd=tmp_path, deadline=30).code == 2
    assert looks(tmp_path) == before


# ---- The moment of writing.


class Watched(NamedFile):
    """A named file whose folder changes between the last look and what follows it."""

    def __init__(self, path: Path, change: Callable[[], object]) -> None:
        super().__init__(str(path), lambda _, head: head.startswith(b"ours"))
        self._disk = Changing(self._folder, change)


class Changing(LogDirectory):
    """Does something, once, just before a name is given or two are exchanged."""

    def __init__(self, folder: int, change: Callable[[], object]) -> None:
        super().__init__(folder)
        self.changes = [change]

    def _renameat2(self, name: str, new: str, flags: int) -> None:
        while self.changes:
            self.changes.pop()()
        super()._renameat2(name, new, flags)


def put(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    match kind:
        case "file":
            path.write_bytes(b"theirs")
        case "link":
            path.symlink_to("nowhere")
        case "folder":
            path.mkdir()
        case _:
            os.mkfifo(path)


@pytest.mark.parametrize("kind", ["file", "link", "folder", "fifo"])
@pytest.mark.parametrize("was_there", [False, True])
def test_what_comes_in_the_very_moment_stays(tmp_path: Path, kind: str, was_there: bool) -> None:
    """Over nothing, or in place of what was to be replaced: it has its name, and nothing temporary is left."""
    there = tmp_path / "there"
    if was_there:
        there.write_bytes(b"ours")
    with closing(Watched(there, lambda: put(there, kind))) as file, pytest.raises(OccupiedError):
        file.write(b"ours, new")
    assert os.listdir(tmp_path) == ["there"]
    put(tmp_path / "expected", kind)
    assert there.lstat().st_mode == (tmp_path / "expected").lstat().st_mode
    assert kind != "file" or there.read_bytes() == b"theirs"


def test_a_file_that_vanishes_meanwhile_is_written_next_time(tmp_path: Path) -> None:
    """It is an error, and nothing is left over."""
    there = tmp_path / "there"
    there.write_bytes(b"ours")
    with closing(Watched(there, there.unlink)) as file:
        with pytest.raises(FileNotFoundError):
            file.write(b"ours, new")
        assert os.listdir(tmp_path) == []
        file.write(b"ours, new")
    assert there.read_bytes() == b"ours, new"


def test_a_replaced_folder_is_written_to_where_it_is(tmp_path: Path) -> None:
    """It is opened once: a link in its place leads nowhere."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").mkdir()

    def swap() -> None:
        (tmp_path / "folder").rename(tmp_path / "moved")
        (tmp_path / "folder").symlink_to("other")

    with closing(Watched(tmp_path / "folder/there", swap)) as file:
        file.write(b"ours")
    assert (os.listdir(tmp_path / "moved"), os.listdir(tmp_path / "other")) == (["there"], [])
