"""The lock of a log: who is kept out, by whom, and for how long."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import LOCK, entries, held, is_clean, looks, record, write_log, write_policy
from command import NOW, Done, cleanup, finish, run, start, until

from asynclog.errors import LockedError
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.lock.lock import held_lock
from asynclog.storage.local.lock.record import is_of_a_lock
from asynclog.storage.naming import SegmentNaming
from examples import share

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, YOUNG = record(days=400), record(days=1)
WORDS = ("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json", "--weak-leases")
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
needs_bindfs = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("bindfs"), reason="bindfs as root is needed")


@pytest.fixture
def lock(archive: Path) -> Path:
    """Return the archive's lock file."""
    return archive / "audit" / LOCK


@contextmanager
def stopped(archive: Path, audit: str = "audit") -> Iterator[subprocess.Popen[str]]:
    """Start a job on the archive, or on its folder through another mount, and stop it at work."""
    process = start(*WORDS, "--path", f"{audit}/logs.jsonl", "--io-limit", "1B/s", cwd=archive)
    try:
        until((archive / "audit" / LOCK).read_bytes)
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        with process:
            process.communicate()


@pytest.fixture
def mirror(archive: Path) -> Iterator[Path]:
    """Mount the archive's folder once more, through FUSE."""
    folder = archive / "mirror"
    folder.mkdir()
    subprocess.run(["bindfs", "audit", "mirror"], cwd=archive, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave(archive: Path, lock: Path, **changes: Any) -> None:
    """Leaves the lock of a job that was killed, as if it had been this one."""
    with stopped(archive) as process:
        content = lock.read_bytes()
    assert process.returncode == -signal.SIGKILL
    lock.write_text(json.dumps(json.loads(content) | changes))


def test_a_job_that_was_killed_keeps_nobody_out(archive: Path, lock: Path) -> None:
    """Its record stays, and counts for nothing."""
    with stopped(archive):
        pass
    assert lock.stat().st_size
    assert cleanup(archive).code == 0
    assert is_clean(archive)
    assert (lock.stat().st_size, lock.stat().st_mode & 0o7777) == (0, 0o600)


def test_a_job_that_stands_still_keeps_others_out(archive: Path, lock: Path) -> None:
    """Who is kept out is told by whom, by which file, and how to go on; nothing breaks a lock whose holder lives."""
    with stopped(archive) as process:
        before = looks(archive)
        done = cleanup(archive)
        assert done.code == 4
        for word in (f"pid {process.pid} on {os.uname().nodename}, since 20", str(lock), "--lock-wait", "--break-lock"):
            assert word in done.error
        done = cleanup(archive, "--break-lock")
        assert (done.code, f"kill {process.pid}" in done.error) == (4, True)
        assert looks(archive) == before


def test_a_dry_run_takes_no_lock_and_leaves_none(archive: Path, lock: Path) -> None:
    """Even where a job is at work."""
    lock.unlink()
    before = looks(archive)
    assert cleanup(archive, "-n").code == 0
    assert looks(archive) == before
    assert not lock.exists()
    with held(archive / "audit"):
        assert cleanup(archive, "-n").code == 0


@needs_root
def test_who_may_only_list_the_folder_keeps_nobody_out(archive: Path, lock: Path) -> None:
    """The folder may be locked by everybody, the lock file opened by its owner only, whatever its mode was."""
    (archive / "audit").chmod(0o755)
    os.chown(archive / "audit", NOBODY, NOBODY)
    lock.chmod(0o644)
    with subprocess.Popen(["flock", "--no-fork", str(archive / "audit"), "sleep", "600"]) as stranger:
        try:
            until(lambda: " FLOCK " in Path("/proc/locks").read_text())
            assert cleanup(archive).code == 0
        finally:
            stranger.kill()
    seen = lock.stat()
    assert (seen.st_mode & 0o777, seen.st_uid, seen.st_gid) == (0o600, NOBODY, NOBODY)


@pytest.mark.parametrize("kind", ["link", "second name", "FIFO", "folder"])
def test_a_lock_that_is_no_plain_file_is_refused(archive: Path, lock: Path, kind: str) -> None:
    """Nothing is followed, hung on or changed: exit 2, with the name of it."""
    lock.unlink()
    (archive / "precious").write_bytes(b"mine")
    match kind:
        case "link":
            lock.symlink_to("../precious")
        case "second name":
            lock.hardlink_to(archive / "precious")
        case "FIFO":
            os.mkfifo(lock)
        case _:
            lock.mkdir()
    before = looks(archive)
    done = cleanup(archive)
    assert (done.code, str(lock) in done.error) == (2, True)
    assert looks(archive) == before


@needs_root
def test_a_lock_with_a_second_name_is_given_to_nobody(archive: Path, lock: Path) -> None:
    """The folder's owner may have linked another user's empty file there. The job goes on, and it stays theirs."""
    os.chown(archive / "audit", NOBODY, NOBODY)
    lock.unlink()
    (archive / "theirs").touch(mode=0o640)
    lock.hardlink_to(archive / "theirs")
    assert cleanup(archive).code == 0
    seen = lock.stat()
    assert (seen.st_uid, seen.st_mode & 0o777, seen.st_size) == (0, 0o640, 0)


@needs_root
def test_a_lock_of_a_strangers_is_refused(archive: Path, lock: Path) -> None:
    """Who may put a file there is neither the folder's owner, nor root, nor us."""
    os.chown(lock, NOBODY, NOBODY)
    done = cleanup(archive)
    assert (done.code, str(NOBODY) in done.error) == (2, True)


@pytest.mark.parametrize("content", [b"", b"{", b'{"host":"elsewhere', b'{"host":"elsewhere","boot', b"\0" * 99])
def test_a_lock_that_says_nothing_is_nobodys(archive: Path, lock: Path, content: bytes) -> None:
    """Torn or empty: the flock is what counts then."""
    lock.write_bytes(content)
    with held(archive / "audit"):
        assert cleanup(archive).code == 4
    lock.write_bytes(content)
    assert cleanup(archive).code == 0
    assert lock.read_bytes() == b""


def test_a_record_may_be_torn_anywhere(archive: Path, lock: Path) -> None:
    """By a kill or a power cut: at any byte, with NULs behind it, or before the rest of a longer one was cut off."""
    with stopped(archive):
        content = lock.read_bytes()
    for end in range(len(content) + 1):
        assert is_of_a_lock(content[:end])
        assert is_of_a_lock(content[:end] + b"\0" * 99)
    lock.write_bytes(content + b'45","device":7}\n')
    assert cleanup(archive).code == 0


@needs_root
@pytest.mark.parametrize(
    "content",
    [
        b"a secret\n",
        b'{"host":"db","password":"secret"}',
        b'{"host":"db"',
        b"[]",
        b"\xff" * 5000,
        b"\0" * 9 + b"secret",
        b'{"x":' + b"[" * 4000,
    ],
)
def test_a_file_with_the_locks_name_is_given_to_nobody(archive: Path, lock: Path, content: bytes) -> None:
    """Whoever owns the folder may have renamed another's file to that: exit 2, and nothing of it is changed."""
    os.chown(archive / "audit", NOBODY, NOBODY)
    lock.write_bytes(content)
    if content == b'{"host":"db"':  # of some gigabytes, of which no more is read than of any other
        os.truncate(lock, 8 << 30)
    before = lock.lstat()
    done = cleanup(archive)
    assert (done.code, str(lock) in done.error, "move it away" in done.error) == (2, True, True)
    after = lock.lstat()
    assert (after.st_uid, after.st_mode, after.st_size) == (0, before.st_mode, before.st_size)
    assert after.st_ctime_ns == before.st_ctime_ns
    (warning,) = cleanup(archive, "-n").result["warnings"]
    assert f"{LOCK} is the lock file's name" in warning


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"boot_id": "another"}, 0),
        ({"pid": 1}, 0),
        ({"pid": os.getpid(), "start": 1}, 0),
        ({"pid_namespace": "pid:[1]"}, 0),
        ({"pid_namespace": "pid:[1]", "device": 1}, 4),
        ({"host": "a container here"}, 0),
        ({"host": "elsewhere", "boot_id": "another"}, 4),
    ],
)
def test_whose_holder_is_gone_is_free(archive: Path, lock: Path, changes: dict[str, Any], code: int) -> None:
    """Not there any more, of another boot, another one of that number; but not one that nobody here can look at."""
    leave(archive, lock, **changes)
    before = looks(archive)
    done = cleanup(archive)
    assert done.code == code
    if code:
        assert looks(archive) == before
        assert str(changes.get("host", os.uname().nodename)) in done.error
        assert cleanup(archive, "--break-lock").code == 0
    assert is_clean(archive)


@pytest.mark.parametrize(("minutes", "code"), [(0, 4), (4, 4), (6, 0)])
def test_another_host_that_is_silent_for_5_minutes_is_gone(archive: Path, lock: Path, minutes: int, code: int) -> None:
    """By the time of the last renewal and the file system's own clock."""
    leave(archive, lock, host="elsewhere", boot_id="another")
    then = time.time() - 60 * minutes
    os.utime(lock, (then, then))
    assert [cleanup(archive).code for _ in range(2)] == [code] * 2


def test_a_renewal_in_the_future_counts_from_now_on(archive: Path, lock: Path) -> None:
    """The clock has been put back since: who is kept out is so for 5 minutes, not until the clock is there again."""
    leave(archive, lock, host="elsewhere", boot_id="another")
    then = time.time() + 86_400
    os.utime(lock, (then, then))
    assert cleanup(archive).code == 4
    assert lock.stat().st_mtime < then - 80_000


def test_a_lock_of_this_boot_and_a_living_process_keeps_out(archive: Path, lock: Path) -> None:
    """Where the flock does not reach the record alone says so, however old it is."""
    start_of = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
    leave(archive, lock, pid=os.getpid(), start=int(start_of))
    os.utime(lock, (1, 1))
    assert cleanup(archive).code == 4
    assert f"kill {os.getpid()}" in cleanup(archive, "--break-lock").error


@pytest.mark.parametrize("first", ["audit", "mirror"])
@needs_bindfs
def test_two_mounts_of_a_folder_exclude_each_other(archive: Path, mirror: Path, first: str) -> None:
    """FUSE does not pass flocks on; what the holder has written there does."""
    second = mirror.name if first == "audit" else "audit"
    with stopped(archive, first) as process:
        done = run(*WORDS, "--path", f"{second}/logs.jsonl", cwd=archive)
        assert (done.code, f"pid {process.pid} on" in done.error) == (4, True)
    done = run(*WORDS, "--path", f"{second}/logs.jsonl", cwd=archive)
    assert done.code == 0


@needs_bindfs
def test_jobs_through_two_mounts_at_once_never_both_go_on(tmp_path: Path, archive: Path, mirror: Path) -> None:
    """Begun at the same moment, each time one of them at least is done, and no record is hurt.

    Who had taken the lock without waiting for others stops where it sees that it has lost it, and says so (exit 3).
    """
    names = [f"logs-20250101T{n:06d}.jsonl" for n in range(5)]
    for _ in range(share(5)):
        write_log(tmp_path / "audit", dict.fromkeys(names, OLD + YOUNG))
        folders = ("audit", mirror.name, mirror.name)
        jobs = [start(*WORDS, "--path", f"{each}/logs.jsonl", cwd=archive) for each in folders]
        done = [finish(job) for job in jobs]
        assert 0 in {each.code for each in done}
        for each in done:
            assert each.code in {0, 4} or (each.code == 3 and "taken the log's lock" in each.out)
        cleanup(archive)
        assert {(tmp_path / "audit" / name).read_bytes() for name in names} == {YOUNG}
    assert {path.name for path in entries(tmp_path / "audit")} == {*names, "logs.jsonl"}


@pytest.mark.parametrize("what", ["removed", "replaced", "overwritten"])
def test_a_lock_that_somebody_has_broken_is_lost(tmp_path: Path, what: str) -> None:
    """Its holder sees it at once, and leaves alone what is another's now."""
    folder = os.open(tmp_path, os.O_RDONLY)
    lock = tmp_path / SegmentNaming("logs.jsonl").lock
    with held_lock(LogDirectory(folder), str(lock), wait=0, breaks=False) as ours:
        before = ours.is_lost()
        if what != "overwritten":
            lock.unlink()
        if what != "removed":
            lock.write_bytes(b"another's")
        assert (before, ours.is_lost()) == (False, True)
    os.close(folder)
    assert what == "removed" or lock.read_bytes() == b"another's"


def test_a_lock_in_one_process_is_one_jobs(tmp_path: Path) -> None:
    """A caller of the library may run several; what an earlier one could not take back does not count."""
    folder = os.open(tmp_path, os.O_RDONLY)
    lock = tmp_path / SegmentNaming("logs.jsonl").lock
    with held_lock(LogDirectory(folder), str(lock), wait=0, breaks=False):
        content = lock.read_bytes()
        with (
            pytest.raises(LockedError, match=f"pid {os.getpid()} "),
            held_lock(LogDirectory(folder), str(lock), wait=0, breaks=False),
        ):
            pass
    lock.write_bytes(content)
    with held_lock(LogDirectory(folder), str(lock), wait=0, breaks=False) as ours:
        assert not ours.is_lost()
    os.close(folder)


def test_a_lock_is_renewed_by_its_holder(tmp_path: Path) -> None:
    """The file's time moves while it is held, by whatever clock the file system has."""
    folder = os.open(tmp_path, os.O_RDONLY)
    lock = tmp_path / SegmentNaming("logs.jsonl").lock
    with held_lock(LogDirectory(folder), str(lock), wait=0, breaks=False):
        os.utime(lock, (1, 1))
        until(lambda: lock.stat().st_mtime > 1)
        assert json.loads(lock.read_bytes())["pid"] == os.getpid()
    os.close(folder)


def test_the_lock_is_neither_a_segment_nor_left_behind(tmp_path: Path) -> None:
    """Whatever globs a configuration has, and whatever a log is called."""
    for names in (SegmentNaming("logs.jsonl"), SegmentNaming("logs.jsonl", ["*", ".*"]), SegmentNaming("logs")):
        assert not names.match(names.lock)
        assert not names.is_temporary(names.lock)
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs.jsonl": OLD + YOUNG})
    done: Done = cleanup(tmp_path)
    assert (done.result["segments"]["total"], done.result["recovery_pending"]) == (1, [])
