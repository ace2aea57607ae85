"""A dry run says what the run could not do: once, with who we are and whose it is; and the run then proves it right."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from audit_log import LOCK, held, looks, record, write_log, write_policy
from command import Done, cleanup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
OLD, YOUNG = record(days=400), record(days=1)
DROPPED, REWRITTEN, NEWEST = "logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl", "logs.jsonl"
ME, OTHER, GROUP = 65_601, 65_602, 65_603  # numbers of users, and of a group, that have no name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log of one segment to drop, one to rewrite, and one that stays; all may be read by everybody."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROPPED: OLD, REWRITTEN: OLD + YOUNG, NEWEST: YOUNG})
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        if parent.stat().st_uid == os.geteuid() and parent.name != "tmp":
            parent.chmod(0o755)
    return tmp_path


def give(folder: Path, owner: int, group: int, *names: str, mode: int = 0o644) -> None:
    """Give the log's folder, or files in it, to somebody."""
    for path in [folder / "audit" / name for name in names] or [folder / "audit"]:
        os.chown(path, owner, group)
        path.chmod(mode if names else 0o755)


def as_user(folder: Path, *words: str, number: int = ME, groups: Sequence[int] = ()) -> Done:
    """Run a cleanup with the rights of that user, who has no capability."""
    named = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    user = ("setpriv", f"--reuid={number}", f"--regid={number}", named, "--inh-caps=-all", "--bounding-set=-all")
    return cleanup(folder, *words, "--no-catalog", before=user)


def hindrances(done: Done) -> list[str]:
    assert done.code == 0
    return list(done.result["warnings"])


@contextmanager
def flagged(place: Path, flag: str) -> Iterator[None]:
    """Give a file or folder this flag of chattr for a while."""
    if subprocess.run(["chattr", f"+{flag}", place], check=False, capture_output=True).returncode:
        pytest.skip("there are no such flags here")
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", place], check=True)


def test_where_all_is_ours_nothing_is_told(folder: Path) -> None:
    """Nor anything written: the folder looks as before."""
    before = looks(folder)
    assert hindrances(cleanup(folder, "-n")) == []
    assert looks(folder) == before


@needs_root
def test_a_folder_that_we_may_not_write_to(folder: Path) -> None:
    """Without a lock file of ours there the run is exit 2, and that alone is told; it is."""
    (folder / "audit" / LOCK).unlink()
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"we are user {ME}, and may not write to {folder / 'audit'} of user root (0) (mode 755)" in warning
    assert "a run would end with exit 2" in warning
    assert as_user(folder).code == 2


@needs_root
def test_a_folder_of_which_only_the_lock_is_ours(folder: Path) -> None:
    """The run begins, and each segment fails."""
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, ME, ME, DROPPED, REWRITTEN)
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"we are user {ME}, and may not write" in warning
    assert "2 segments would fail" in warning
    assert as_user(folder).result["segments"]["failed"] == 2


@needs_root
def test_a_lock_file_that_can_not_be_opened(folder: Path) -> None:
    """Root's, whom the folder does not belong to; or a stranger's, or a symbolic link: exit 2, and so it is."""
    give(folder, ME, ME)
    lock = folder / "audit" / LOCK
    lock.chmod(0o600)
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"we are user {ME}, and may not open the lock file {LOCK} of user root (0) for writing" in warning
    assert as_user(folder).code == 2
    give(folder, OTHER, OTHER, LOCK, mode=0o666)
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"the lock file {LOCK} of user {OTHER} is neither ours, nor root's" in warning
    assert as_user(folder).code == 2
    lock.unlink()
    lock.symlink_to("elsewhere")
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"{LOCK} is the lock file's name, but not a regular file" in warning
    assert as_user(folder).code == 2


@needs_root
@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_lock_file_that_has_a_flag(folder: Path, flag: str) -> None:
    """No job can use it: exit 2, from root, too, and the dry run says so."""
    lock = folder / "audit" / LOCK
    with flagged(lock, flag):
        (warning,) = hindrances(cleanup(folder, "-n", "--no-catalog"))
        assert cleanup(folder, "--no-catalog").code == 2
    assert LOCK in warning
    assert "a run would end with exit 2" in warning


@needs_root
def test_files_of_others_once_and_not_per_segment(folder: Path) -> None:
    """A rewrite fails, a drop is skipped for want of a lease; with consent to do without, it is judged by quiet."""
    names = [f"logs-2025020{day}T000000.jsonl" for day in range(1, 6)]
    write_log(folder / "audit", dict.fromkeys(names, OLD + YOUNG))
    give(folder, ME, ME)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, OTHER, GROUP, DROPPED, REWRITTEN, NEWEST, *names, mode=0o666)
    for name in (DROPPED, REWRITTEN, *names):
        os.utime(folder / "audit" / name, (1_700_000_000, 1_700_000_000))
    whose = f"of user {OTHER}, group {GROUP} ("
    foreign, skipped = hindrances(as_user(folder, "-n"))
    assert foreign.startswith(f"we are user {ME}, and 6 segments {whose}{REWRITTEN}, ")
    assert " and 3 more) would fail: a rewritten file can't be given to its owner and group" in foreign
    assert f"1 segment {whose}{DROPPED}) would be skipped: only their owner, or CAP_LEASE" in skipped
    result = as_user(folder).result
    assert (result["segments"]["skipped"], result["segments"]["failed"]) == (1, 6)
    foreign, quiet = hindrances(as_user(folder, "-n", "--weak-leases"))
    assert foreign.startswith(f"we are user {ME}, and 6 segments {whose}{REWRITTEN}, ")
    assert " would fail: a rewritten file can't be given to its owner and group" in foreign
    assert f"1 segment {whose}{DROPPED}) would be judged by quiet alone: " in quiet
    result = as_user(folder, "--weak-leases").result
    assert (result["segments"]["dropped"], result["segments"]["failed"]) == (1, 6)


@needs_root
def test_a_group_that_we_are_not_in(folder: Path) -> None:
    """Our own file can't be rewritten then, and can be dropped; in the group, both."""
    give(folder, ME, ME)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, ME, GROUP, DROPPED, REWRITTEN, NEWEST)
    assert hindrances(as_user(folder, "-n", groups=[GROUP])) == []
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"1 segment of user {ME}, group {GROUP} ({REWRITTEN}) would fail" in warning
    done = as_user(folder)
    assert {name: each["outcome"] for name, each in done.actions.items()} == {DROPPED: "done", REWRITTEN: "failed"}


@needs_root
@pytest.mark.parametrize("sticky", [False, True])
def test_files_to_which_no_name_may_be_given(folder: Path, *, sticky: bool) -> None:
    """Another one's that we may only read, or in a sticky folder: each fails, dropped or rewritten."""
    audit = folder / "audit"
    os.chown(audit, OTHER if sticky else ME, ME)
    audit.chmod(0o1775 if sticky else 0o755)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, OTHER, OTHER, DROPPED, REWRITTEN, NEWEST, mode=0o666 if sticky else 0o644)
    for name in (DROPPED, REWRITTEN):
        os.utime(audit / name, (1_700_000_000, 1_700_000_000))
    before = looks(folder)
    for words in ([], ["--weak-leases"]):
        (warning,) = hindrances(as_user(folder, "-n", *words))
        assert "2 segments of user" in warning
        assert "would fail: only their owner may give these files other names" in warning
        assert as_user(folder, *words).result["segments"]["failed"] == 2
        assert looks(folder).keys() == before.keys()  # no link was made that we could not remove again


@needs_root
def test_an_empty_segment_that_we_may_not_read(folder: Path) -> None:
    """No scan opens it, and the run has to: it fails, and that is told."""
    give(folder, ME, ME)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, ME, ME, REWRITTEN, NEWEST)
    (folder / "audit" / DROPPED).write_bytes(b"")
    os.utime(folder / "audit" / DROPPED, (1_700_000_000, 1_700_000_000))
    give(folder, ME, ME, DROPPED, mode=0o200)
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"({DROPPED}) would fail: we may not read it" in warning
    assert as_user(folder).actions[DROPPED]["outcome"] == "failed"


@needs_root
@pytest.mark.parametrize("words", [(), ("-n",)])
def test_a_folder_that_we_may_list_but_not_enter(folder: Path, words: tuple[str, ...]) -> None:
    """Exit 2, and what to do, from a dry run, too."""
    give(folder, ME, ME)
    (folder / "audit").chmod(0o600)
    done = as_user(folder, *words)
    assert done.code == 2
    assert f"{folder / 'audit'}: the log's folder can be listed, but not entered" in done.error


@needs_root
@pytest.mark.parametrize(("flag", "word"), [("i", "immutable"), ("a", "append-only")])
def test_what_a_flag_keeps_everybody_from_changing(folder: Path, flag: str, word: str) -> None:
    """A segment: also from root."""
    with flagged(folder / "audit" / DROPPED, flag):
        (warning,) = hindrances(cleanup(folder, "-n", "--no-catalog"))
    assert f"1 segment of user root (0), group root (0) ({DROPPED}) would fail" in warning
    assert f"{word} " in warning


@needs_root
@pytest.mark.parametrize("has_lock", [True, False])
@pytest.mark.parametrize(("flag", "word"), [("i", "immutable"), ("a", "append-only")])
def test_a_folder_in_which_nothing_can_be_removed(folder: Path, flag: str, word: str, *, has_lock: bool) -> None:
    """The run is exit 2 before it makes any name but that of its lock; it says what to do, and so does the dry run."""
    audit = folder / "audit"
    if not has_lock:
        (audit / LOCK).unlink()
    before = {name: look for name, look in looks(audit).items() if name not in {LOCK, "."}}
    sentence = f"{audit} is {word} (see lsattr), so that no file there can be removed or renamed: "
    with flagged(audit, flag):
        (warning,) = hindrances(cleanup(folder, "-n", "--no-catalog"))
        done = cleanup(folder, "--no-catalog")
    assert warning.startswith(f"{sentence}take that flag away first, with chattr -{flag} {audit}: ")
    assert warning.endswith(": a run would end with exit 2, and nothing would be deleted")
    assert done.code == 2
    assert f"{sentence}take that flag away first, with chattr -{flag} {audit}: nothing was touched" in done.error
    assert {name: look for name, look in looks(audit).items() if name not in {LOCK, "."}} == before
    assert cleanup(folder, "--no-catalog").result["records"]["deleted"] == 2


@needs_root
def test_root_without_its_capabilities_is_told_as_well(folder: Path) -> None:
    """What counts is what the process may do: with CAP_LEASE a rewrite is tried, and fails without CAP_CHOWN."""
    give(folder, OTHER, OTHER, DROPPED, REWRITTEN, mode=0o666)
    for capabilities, would in (("-lease", "be skipped"), ("-chown", "fail"), ("-fowner", "fail")):
        without = ("setpriv", f"--bounding-set={capabilities}")
        (warning,) = hindrances(cleanup(folder, "-n", before=without))
        assert warning.startswith("we are user root (0), and ")
        assert f" would {would}: " in warning
    assert hindrances(cleanup(folder, "-n")) == []
    done = cleanup(folder, before=("setpriv", "--bounding-set=-fowner"))
    assert {name: each["outcome"] for name, each in done.actions.items()} == {DROPPED: "done", REWRITTEN: "failed"}


@pytest.fixture
def read_only(folder: Path) -> Iterator[Path]:
    """Mount the log's folder read-only."""
    place = str(folder / "audit")
    if os.geteuid() != 0 or subprocess.run(["mount", "--bind", place, place], check=False).returncode:
        pytest.skip("needs root, who may mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_read_only_mount(read_only: Path) -> None:
    """The run is exit 2, and that alone is told."""
    (warning,) = hindrances(cleanup(read_only, "-n"))
    assert warning == (
        f"{read_only / 'audit'} is mounted read-only: a run would end with exit 2, and nothing would be deleted"
    )
    assert cleanup(read_only).code == 2


def test_segments_that_somebody_has_open_for_writing(folder: Path) -> None:
    """The run skips those; they are told once, and no other. The figures are those of a run that has no such luck."""
    audit = folder / "audit"
    with (audit / DROPPED).open("ab"), (audit / NEWEST).open("ab"), (audit / REWRITTEN).open("rb"):
        done = cleanup(folder, "-n", "--no-catalog")
        (warning,) = hindrances(done)
        assert warning == f"1 segment ({DROPPED}) would be skipped: somebody has it open for writing now"
        assert done.result["records"]["deleted"] == 2
        with (audit / REWRITTEN).open("ab"):
            (warning,) = hindrances(cleanup(folder, "-n", "--no-catalog"))
            them = f"{DROPPED}, {REWRITTEN}"
            assert warning == f"2 segments ({them}) would be skipped: somebody has them open for writing now"
            assert cleanup(folder, "--no-catalog").result["segments"]["skipped"] == 2
        (warning,) = hindrances(cleanup(folder, "-n", "--no-catalog"))
        assert warning.startswith("1 segment (")
        run = cleanup(folder, "--no-catalog")
        assert {name: each["outcome"] for name, each in run.actions.items()} == {DROPPED: "skipped", REWRITTEN: "done"}
    assert hindrances(cleanup(folder, "-n", "--no-catalog")) == []


def test_a_lock_that_another_job_holds_now(folder: Path) -> None:
    """The kernel's list of locks tells; the lock is not asked for, and not disturbed."""
    with held(folder / "audit"):
        (warning,) = hindrances(cleanup(folder, "-n"))
        assert "another job is at work on this log now" in warning
        assert "exit 4" in warning
        assert cleanup(folder).code == 4
    assert hindrances(cleanup(folder, "-n")) == []


@needs_root
def test_a_lock_file_of_another_user_says_whose_it_is(folder: Path) -> None:
    """As a folder has that was given away after a job, or copied with its owners."""
    give(folder, ME, ME)
    lock = folder / "audit" / LOCK
    lock.touch(mode=0o600)
    os.chown(lock, 0, 0)
    done = as_user(folder)
    assert (done.code, "it belongs to user root (0)" in done.error) == (2, True)


@needs_root
def test_a_folder_that_is_closed_to_us_says_whose_it_is(folder: Path) -> None:
    """And as whom to run the job."""
    (folder / "audit").chmod(0o700)
    error = as_user(folder).error
    assert "the log's folder can't be opened: Permission denied: we are " in error
    assert error.endswith("and it is of user root (0): run the job as that user")


@needs_root
def test_many_segments_of_somebody_else_are_told_once(folder: Path) -> None:
    """In the run's error, with who we are and who owns them; `errors` and `actions` have each of them."""
    names = [f"logs-202502{day:02}T000000.jsonl" for day in range(10, 20)]
    write_log(folder / "audit", dict.fromkeys(names, OLD + YOUNG))
    give(folder, ME, ME)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, OTHER, OTHER, DROPPED, REWRITTEN, NEWEST, *names)
    (warning,) = hindrances(as_user(folder, "-n"))
    assert f"we are user {ME}, and 12 segments of user {OTHER}" in warning
    done = as_user(folder)
    assert (done.code, len(done.result["errors"])) == (3, 12)
    assert done.document["error"].count(f"we are user {ME}, and it is of user {OTHER}") == 1
    assert "and 9 more: Operation not permitted" in done.document["error"]


@needs_root
def test_segments_that_may_not_be_read_are_told_beforehand(folder: Path) -> None:
    """Once, with whose they are, although nothing is planned for what can't be read."""
    give(folder, ME, ME)
    give(folder, ME, ME, LOCK, mode=0o600)
    give(folder, OTHER, OTHER, DROPPED, REWRITTEN, NEWEST, mode=0o600)
    warnings = as_user(folder, "-n").result["warnings"]
    (told,) = (each for each in warnings if each.startswith("we are"))
    assert f"we are user {ME}, and 3 segments of user {OTHER}" in told
    assert told.endswith("would fail: we may not read them")
