"""Where leases can't be had, or not be believed: consent is asked for, and a quiet writer's next record is found."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NOW, Done, run
from faults import bindfs, mounts

OLD, NEW, LATE = record(days=400), record(days=1), record(days=0.5)
CONSENT = "--weak-leases"
HOURS_AGO = 2 * 3600  # seconds: by then a segment counts as quiet


def quiet(path: Path) -> None:
    then = time.time() - HOURS_AGO
    os.utime(path, (then, then))


def job(log: Path, policy: Path, *words: str, before: tuple[str, ...] = ()) -> Done:
    named = ("--path", str(log), "--schemas", str(policy), "--no-catalog", "--now", NOW, "--json")
    return run("cleanup", *named, "--allow-delete-all", *words, before=before)


def visible(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.startswith("."))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    if os.geteuid():
        pytest.skip("only root can make other users' files, and mounts")
    return write_policy(tmp_path)


@pytest.fixture
def above(tmp_path: Path) -> Iterator[Path]:
    """Mount the folder `audit` once more."""
    if reason := bindfs.unavailable():
        pytest.skip(reason)
    (tmp_path / "audit").mkdir()
    with bindfs.bound(tmp_path / "audit", tmp_path / "above"):
        yield tmp_path / "above"


@pytest.mark.parametrize("words", [(), (CONSENT,)], ids=["without consent", "with it"])
def test_the_next_record_of_a_quiet_writer_is_found(tmp_path: Path, policy: Path, words: tuple[str, ...]) -> None:
    """It has held a file of another user's open for hours, where we may take no lease, and writes after the job."""
    rotated = "logs.jsonl.1"
    log = write_log(tmp_path / "audit", {rotated: OLD, "logs.jsonl": NEW})
    for path in (log, log.with_name(rotated)):
        os.chown(path, 4002, 4002)
    quiet(log.with_name(rotated))
    unleased = ("setpriv", "--bounding-set=-lease", "--inh-caps=-lease")
    with log.with_name(rotated).open("ab") as writer:
        assert job(log, policy, *words, before=unleased).code == 0
        writer.write(LATE)
    assert job(log, policy, *words, before=unleased).code == 0
    assert visible(log.parent).count(LATE) == 1


def test_through_fuse_a_job_wants_consent(tmp_path: Path, policy: Path, above: Path) -> None:
    """There leases are granted, but only count on this side: nothing is touched, and the sentence says how to go on."""
    log = write_log(tmp_path / "audit", {"logs.jsonl": OLD + NEW})
    before = looks(log.parent)
    done = job(above / "logs.jsonl", policy)
    assert (done.code, CONSENT in done.error) == (2, True)
    assert looks(log.parent) == before
    warned = job(above / "logs.jsonl", policy, "--dry-run")
    assert (warned.code, CONSENT in "".join(warned.document["result"]["warnings"])) == (0, True)


def test_through_fuse_a_writer_on_the_other_side_loses_nothing(tmp_path: Path, policy: Path, above: Path) -> None:
    """Neither one who writes to the newest segment, nor one who was quiet; and the old file goes in the end."""
    old = "logs-20260101T000000.jsonl"
    log = write_log(tmp_path / "audit", {old: OLD + NEW, "logs.jsonl": OLD + NEW})
    quiet(log.with_name(old))
    with log.open("ab") as one, log.with_name(old).open("ab") as other:
        assert job(above / "logs.jsonl", policy, CONSENT).code == 0
        for writer in (one, other):
            writer.write(LATE)
    assert job(above / "logs.jsonl", policy, CONSENT).code == 0
    assert visible(log.parent).count(LATE) == 2
    assert visible(log.parent).count(NEW) == 2
    assert log.read_bytes() == OLD + NEW + LATE, "the newest segment is left alone"


def test_an_upper_folder_of_an_overlay_wants_consent(tmp_path: Path, policy: Path) -> None:
    """A container writes to it through the overlay, which no lease below shows."""
    mounts.stay_private()
    for name in ("lower/audit", "upper", "work", "merged"):
        (tmp_path / name).mkdir(parents=True)
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    mount = ("mount", "-t", "overlay", "overlay", "-o", options, str(tmp_path / "merged"))
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no overlay can be mounted here")
    try:
        write_log(tmp_path / "merged" / "audit", {"logs.jsonl": OLD + NEW})
        log = tmp_path / "upper" / "audit" / "logs.jsonl"
        before = looks(log.parent)
        done = job(log, policy)
        assert (done.code, CONSENT in done.error) == (2, True)
        assert looks(log.parent) == before
        assert job(log, policy, CONSENT).code == 0
        assert job(tmp_path / "merged" / "audit" / "logs.jsonl", policy).code == 0, "from inside it is a local one"
    finally:
        mounts.detach(tmp_path / "merged")
