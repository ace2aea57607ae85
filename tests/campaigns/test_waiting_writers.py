"""Writers who come while a job holds its lease, wait in open(), and then do anything at all with the file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import stepper
from faults.archive import Archive, lay
from faults.bystanders import Appender
from faults.meddlers import Daemon, Overwriter, Refiller, Truncater, WaitingCopytruncate
from faults.oracle import Finding, Oracle
from faults.stepper import GO, Call, Verdict
from faults.victim import Ended, Victim

NEVER = 1 << 20  # a call that no job comes to


@pytest.fixture(autouse=True)
def _stepping() -> None:
    reason = stepper.unavailable()
    if reason:
        pytest.skip(reason)


def job_beside(archive: Archive, victim: Victim, come: Callable[[], None]) -> Ended:
    """Run a job; somebody comes right after its last look, when names are about to change."""
    came: list[Call] = []

    def hook(call: Call) -> Verdict:
        if call.name == "renameat2" and not came:
            came.append(call)
            come()
        return GO

    ended = victim.stepped(hook)
    assert came, "it changes no names"
    return ended


def judged(tmp_path: Path, shape: str, who: type[Appender]) -> list[Finding]:
    """All that is wrong after such a job, and the ones that follow."""
    archive = lay(tmp_path / "log", shape)
    oracle, victim = Oracle(archive, ordered=False), Victim(archive)
    victim.prepare()
    before = oracle.expired()
    writer = who(archive, NEVER, NEVER)
    ended = job_beside(archive, victim, lambda: writer.at(NEVER))
    found = [*writer.end(), *oracle.at_any_time(), *oracle.honest(ended, before)]
    assert ended.status == 0, ended
    if isinstance(writer, Daemon):
        found += writer.stay(oracle, victim.again)
    before, ended = oracle.expired(), victim.again()
    return [*found, *victim.aftermath(oracle, ended, before)]


@pytest.mark.parametrize("shape", ["rewrite", "drop"])
@pytest.mark.parametrize("who", [Truncater, Refiller], ids=["less", "more"])
def test_a_file_begun_anew_by_a_writer_who_waited_is_kept(tmp_path: Path, who: type[Appender], shape: str) -> None:
    """`> file` in the moment of a commit: what is written then is there once, be it shorter or longer than before."""
    assert judged(tmp_path, shape, who) == []


@pytest.mark.parametrize("shape", ["rewrite", "drop"])
def test_a_copytruncate_that_waited_neither_doubles_nor_loses(tmp_path: Path, shape: str) -> None:
    """The copy, or the log, has each record once; and what is appended after the truncation is there."""
    assert judged(tmp_path, shape, WaitingCopytruncate) == []


@pytest.mark.parametrize("shape", ["rewrite", "drop"])
def test_a_line_overwritten_by_a_writer_who_waited_is_kept(tmp_path: Path, shape: str) -> None:
    """No length and no modification time tells of it."""
    assert judged(tmp_path, shape, Overwriter) == []


@pytest.mark.parametrize("shape", ["rewrite", "drop"])
def test_a_daemon_that_had_to_wait_once_is_seen_each_night(tmp_path: Path, shape: str) -> None:
    """It keeps the descriptor; what it appended is visible after each later job, though it still has the file open."""
    assert judged(tmp_path, shape, Daemon) == []


def test_a_log_that_is_written_to_all_the_time_is_counted(tmp_path: Path) -> None:
    """One record per open(), between any two looks of a job: what has expired is deleted or overdue, not nowhere."""
    archive = lay(tmp_path / "log", "mixed")
    oracle, written = Oracle(archive), 0

    def hook(call: Call) -> Verdict:
        nonlocal written
        if call.name == "openat":
            line = archive.fresh()
            if _appended(archive.log, line.data):
                archive.ledger.add(line)
                written += 1
        return GO

    expired = oracle.expired().total()
    ended = Victim(archive).stepped(hook)
    assert (ended.status, written > 9) == (0, True), ended
    assert list(oracle.at_any_time()) == []
    assert ended.document
    told = ended.document["result"]
    deleted, overdue = sum(told["deleted_per_schema"].values()), sum(told["overdue"]["records"].values())
    assert deleted + overdue == expired


def _appended(path: Path, data: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o644)
    except BlockingIOError:
        return False
    os.write(descriptor, data)
    os.close(descriptor)
    return True
