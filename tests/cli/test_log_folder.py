"""The log's folder: one job at a time, whose it is, and who else may write to it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import LOCK, held, is_clean, looks, record, write_log, write_policy
from command import NOW, cleanup, finish, is_open, start, until

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, YOUNG = record(days=400), record(days=1)
WORDS = ("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
ROOT = os.geteuid() == 0
NOBODY = 65534
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give files to others")


@pytest.fixture
def holder(archive: Path) -> Iterator[int]:
    """Hold the archive's log as another job."""
    with held(archive / "audit") as lock:
        yield lock


@pytest.mark.parametrize("words", [(), ("--lock-wait", "1s")])
def test_a_second_job_on_the_folder_is_exit_4(archive: Path, holder: int, words: tuple[str, ...]) -> None:
    """At once, or when the wait is over; a dry run takes no lock and goes on."""
    before = looks(archive)
    done = cleanup(archive, *words)
    assert done.code == 4
    assert str(archive / "audit") in done.error
    assert cleanup(archive, "-n").result["deleted_per_schema"] == {"app:1": 1}
    assert looks(archive) == before
    assert holder


def test_lock_wait_waits_for_the_folder(archive: Path, holder: int) -> None:
    """The job starts when the other ends."""
    process = start(*WORDS, "--lock-wait", "1h", cwd=archive)
    until(lambda: is_open(process.pid, archive / "audit"))
    assert process.poll() is None
    fcntl.flock(holder, fcntl.LOCK_UN)
    assert finish(process).code == 0
    assert is_clean(archive)


def test_a_signal_ends_the_wait_for_the_folder(archive: Path, holder: int) -> None:
    """Nothing was touched, and the exit code is the signal's."""
    before = looks(archive)
    process = start(*WORDS, "--json", "--lock-wait", "1h", cwd=archive)
    until(lambda: is_open(process.pid, archive / "audit"))
    process.terminate()
    done = finish(process)
    assert (done.code, done.document["status"]) == (143, "error")
    assert looks(archive) == before
    assert holder


def test_two_profiles_of_one_folder_wait_for_each_other(tmp_path: Path) -> None:
    """As by their timers' commands, with `--lock-wait`: both exit 0."""
    write_policy(tmp_path)
    profiles = "".join(f"  {name}: {{audit: {{path: audit/{name}.jsonl, schemas: schemas.yaml}}}}\n" for name in "ab")
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n{profiles}")
    names = [f"{log}-20250101T{n:06d}.jsonl" for log in "ab" for n in range(20)]
    write_log(tmp_path / "audit", dict.fromkeys(names, OLD + YOUNG))
    words = ("cleanup", "--quiet", "--lock-wait", "1h", "--now", NOW, "--profile")
    both = [start(*words, profile, cwd=tmp_path) for profile in "ab"]
    assert [finish(process) for process in both] == [(0, "", "")] * 2
    assert {(tmp_path / "audit" / name).read_bytes() for name in names} == {YOUNG}


@pytest.fixture
def users(archive: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the archive where an ordinary user reaches it, and the words that make a command that user's."""
    plain = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if ROOT else []
    reading = [*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # python may be in root's home
    words = next((words for words in (plain, reading) if starts(words)), None)
    if words is None:
        pytest.skip("an ordinary user can't start this interpreter")
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(archive, place, dirs_exist_ok=True)
        Path(place).chmod(0o755)
        yield Path(place), words


def starts(before: list[str]) -> bool:
    """Whether these words start this very interpreter with its own library and the package."""
    words = [*before, sys.executable, "-c", "import asynclog, os; print(os.__file__)"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() == os.__file__


def test_an_ordinary_user_cleans_a_log_of_their_own(users: tuple[Path, list[str]]) -> None:
    """No capability is needed, and who else may write to the folder is the user's own business."""
    folder, before = users
    if ROOT:
        for path in [folder / "audit", *(folder / "audit").iterdir()]:
            os.chown(path, NOBODY, NOBODY)
    (folder / "audit").chmod(0o777)
    done = cleanup(folder, before=before)
    assert (done.code, done.result["records"]["deleted"]) == (0, 1)
    assert is_clean(folder)


@needs_root
@pytest.mark.parametrize(("given", "code"), [("folder", 3), ("segments", 2)])
def test_an_ordinary_user_changes_nothing_of_somebody_elses(
    users: tuple[Path, list[str]], given: str, code: int
) -> None:
    """A segment whose owner they can't restore stays as it is: exit 3. In a folder that is not theirs: exit 2."""
    folder, before = users
    segment = folder / "audit" / "logs-20250101T000000.jsonl"
    os.utime(segment, (1_700_000_000, 1_700_000_000))
    os.chown(folder / "audit" if given == "folder" else segment, NOBODY, NOBODY)
    if given == "folder":
        os.chown(folder / "audit" / LOCK, NOBODY, NOBODY)
    seen = looks(folder)
    done = cleanup(folder, before=before)
    assert done.code == code
    assert code == 2 or done.actions[segment.name]["outcome"] == "failed"
    assert code == 3 or LOCK in done.error
    assert {name: look[-1] for name, look in looks(folder).items()} == {name: look[-1] for name, look in seen.items()}


@needs_root
@pytest.mark.parametrize(
    ("mode", "group", "code"),
    [
        (0o755, 0, 0),
        (0o775, 0, 0),
        (0o777, 0, 2),
        (0o1777, 0, 2),
        (0o775, NOBODY, 2),
        (0o755, NOBODY, 0),
    ],
)
def test_root_refuses_a_folder_that_others_may_write_to(archive: Path, mode: int, group: int, code: int) -> None:
    """Itself, not its parents, unless it is told that this is meant."""
    archive.chmod(0o777)
    os.chown(archive / "audit", 0, group)
    (archive / "audit").chmod(mode)
    before = looks(archive)
    done = cleanup(archive)
    assert done.code == code
    if code == 2:
        assert str(archive / "audit") in done.error
        assert "--allow-unsafe-folder" in done.error
        assert looks(archive) == before
        assert cleanup(archive, "--allow-unsafe-folder").code == 0
    assert is_clean(archive)


def test_a_folder_that_is_a_symbolic_link_is_refused(archive: Path) -> None:
    """The folder itself is opened without following links: exit 2; links further up are nobody's business."""
    (archive / "link").symlink_to("audit")
    (archive / "up").symlink_to(".")
    before = looks(archive)
    done = cleanup(archive, "--path", "link/logs.jsonl")
    assert done.code == 2
    assert str(archive / "link") in done.error
    assert looks(archive) == before
    assert json.loads(cleanup(archive, "--path", "up/audit/logs.jsonl").out)["status"] == "ok"
