"""Carrying a plan out beside writers, on full and odd disks: single cases of the commit protocol, on a real folder.

That it holds at every call and in every order is for the fault campaign to show.
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from audit_log import held
from one_run import run_once_async
from one_segment import LATE, NEW, NOW, OLD, SEGMENT, append, cleanup, content, fate, folder

import asynclog
from asynclog import Report
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.wait_times import Timing

__all__ = ["folder"]  # a fixture


def test_a_segment_that_somebody_writes_to_is_skipped(folder: Path) -> None:
    """While any process has it open for writing it is busy: left alone, told, overdue, no failure."""
    with (folder / SEGMENT).open("ab"):
        report = cleanup(folder)
    assert fate(report) == ("skipped", "it is busy: somebody has it open for writing")
    assert (report.exit_code, report.result.overdue.records) == (0, {"api:1": 1})
    assert report.result.overdue.oldest == "2020-01-01T00:00:00Z"
    assert content(folder) == {SEGMENT: OLD + NEW}


def test_a_reader_is_no_obstacle(folder: Path) -> None:
    """Whoever reads the old file goes on reading it, and the segment is replaced meanwhile."""
    with (folder / SEGMENT).open("rb") as reader:
        assert cleanup(folder).result.deleted_per_schema == {"api:1": 1}
        assert reader.read() == OLD + NEW
    assert content(folder) == {SEGMENT: NEW}


@pytest.mark.parametrize("before", [OLD + NEW, OLD], ids=["rewrite", "drop"])
def test_a_segment_that_changes_after_its_scan_is_skipped(folder: Path, before: bytes) -> None:
    """What was overwritten between scan and lease stays, even if no time tells it."""
    path = folder / SEGMENT
    path.write_bytes(before)
    os.utime(path, ns=(1, 1))

    class Overwritten(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            path.write_bytes(NEW + before[len(NEW) :])
            os.utime(path, ns=(1, 1))
            return super().lease(descriptor)

    assert fate(cleanup(folder, directory=Overwritten)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: NEW + before[len(NEW) :]}


def test_a_segment_that_grows_after_its_scan_is_rewritten(folder: Path) -> None:
    """What was appended between scan and lease comes as a late segment: a busy log does not wait for ever."""

    class Appended(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            if os.fstat(descriptor).st_size == len(OLD + NEW):
                append(descriptor, LATE)
            return super().lease(descriptor)

    report = cleanup(folder, directory=Appended)
    assert fate(report) == ("done", None)
    (late,) = report.result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE}


@pytest.mark.parametrize("rest", [LATE[20:], b""], ids=["and the rest soon", "and no more"])
def test_a_half_line_at_the_lease_is_waited_for(folder: Path, rest: bytes) -> None:
    """Its writer opens the segment for each piece: the other one would come to the replacement."""
    pieces = [LATE[:20], rest]

    class Halved(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            if pieces:
                append(descriptor, pieces.pop(0))
            return super().lease(descriptor)

    status, reason = fate(cleanup(folder, directory=Halved))
    if rest:
        assert sorted(content(folder).values()) == sorted([NEW, LATE])
    else:
        assert (status, reason) == ("skipped", "it is busy: somebody has it open for writing")
        assert content(folder) == {SEGMENT: OLD + NEW + LATE[:20]}


def test_a_segment_that_grows_after_its_scan_is_not_dropped(folder: Path) -> None:
    """It is not what was planned: the next job decides."""
    (folder / SEGMENT).write_bytes(OLD)

    class Appended(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            append(descriptor, LATE)
            return super().lease(descriptor)

    assert fate(cleanup(folder, directory=Appended)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: OLD + LATE}


def test_a_segment_that_vanishes_after_its_scan_is_skipped(folder: Path) -> None:
    """Whoever removed it had their reasons."""

    class Vanished(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            (folder / SEGMENT).unlink()
            return super().lease(descriptor)

    assert fate(cleanup(folder, directory=Vanished)) == ("skipped", "it has vanished since it was scanned")
    assert content(folder) == {}


@pytest.mark.parametrize("before", [OLD + NEW, OLD], ids=["rewrite", "drop"])
def test_lines_appended_during_a_commit_become_a_late_segment(folder: Path, before: bytes) -> None:
    """A writer who was let in only after the replacement writes to the old file: its line is there afterwards, once."""
    (folder / SEGMENT).write_bytes(before)

    class LetIn(LogDirectory):
        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            if released:
                append(descriptor, LATE)
            return released

    report = cleanup(folder, directory=LetIn)
    (late,) = report.result.late_segments
    kept = {SEGMENT: NEW} if before != OLD else {}
    assert content(folder) == {**kept, late: LATE}
    assert (report.exit_code, report.result.recovery_pending) == (0, [])


def test_the_next_job_drains_an_old_file_that_was_held(folder: Path) -> None:
    """Its lines are hidden but safe meanwhile, the report says so, and no failure is made of it."""
    held: list[int] = []

    class Held(LogDirectory):
        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            if released:
                held.append(os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND))
            return released

    first = cleanup(folder, directory=Held, timing=Timing(drain_patience=0.1))
    (hidden,) = first.result.recovery_pending
    assert (first.exit_code, first.result.deleted_per_schema) == (0, {"api:1": 1})
    assert content(folder) == {SEGMENT: NEW, hidden: OLD + NEW}
    os.write(held[0], LATE)
    os.close(held[0])
    second = cleanup(folder)
    (late,) = second.result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_a_segment_rotated_at_the_last_moment_stays(folder: Path) -> None:
    """A rotation between the link and the last look: both files stay as they are, and nothing hidden is left."""

    class Rotated(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            if not (folder / "logs.jsonl.1").exists():
                (folder / SEGMENT).rename(folder / "logs.jsonl.1")
                (folder / SEGMENT).write_bytes(LATE)
            return super().leased(descriptor)

    assert fate(cleanup(folder, directory=Rotated)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: LATE, "logs.jsonl.1": OLD + NEW}


def test_owner_mode_times_and_attributes_are_kept(folder: Path) -> None:
    """The new file is dressed like the old one: readers' rights, labels and age-based tools see no difference."""
    path = folder / SEGMENT
    path.chmod(0o640)
    os.utime(path, ns=(1_700_000_000_123_456_789, 1_700_000_000_987_654_321))
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    attributes = _set_attribute(path, b"blue")
    before = path.stat()
    assert cleanup(folder).result.deleted_per_schema == {"api:1": 1}
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)
    assert after.st_mtime_ns == before.st_mtime_ns
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes


def _set_attribute(path: Path, value: bytes) -> dict[str, bytes]:
    try:
        os.setxattr(path, "user.colour", value)
    except OSError:  # a file system without attributes
        return {}
    return {"user.colour": value}


@pytest.mark.parametrize(
    "call", ["create", "write", "copy_metadata", "sync", "link", "rename", "sync_folder"], ids=lambda call: call
)
def test_a_failing_call_leaves_the_segment_as_it_is(folder: Path, call: str) -> None:
    """An I/O error anywhere before the commit: failed, told, exit 3, and nothing of the attempt is left."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    variant = type("Failing", (LogDirectory,), {call: fail})
    report = cleanup(folder, directory=variant)
    assert fate(report) == ("failed", "Input/output error: it was left as it is")
    assert (report.exit_code, report.result.status, report.result.overdue.records) == (3, "partial", {"api:1": 1})
    assert content(folder) == {SEGMENT: OLD + NEW}


def test_short_writes_are_gone_on_with(folder: Path) -> None:
    """A disk that takes three bytes at a time makes the same file."""

    class Short(LogDirectory):
        def write(self, descriptor: int, parts: Sequence[memoryview]) -> int:
            return os.write(descriptor, b"".join(parts)[:3])

    assert cleanup(folder, directory=Short).exit_code == 0
    assert content(folder) == {SEGMENT: NEW}


class Unleased(LogDirectory):
    """A file system without leases."""

    def lease(self, descriptor: int) -> bool:
        return False


def test_without_leases_only_quiet_segments_are_touched(folder: Path) -> None:
    """The newest segment and any that changed in the last hour stay; the report and stderr say why. With consent only.

    The old files stay, hidden, for a writer who may still have them open.
    """
    for name in ("logs-20260102T000000.jsonl", "logs-20260103T000000.jsonl", "logs-20260104T000000.jsonl"):
        (folder / name).write_bytes(OLD + NEW)
    long_ago = 1_700_000_000
    for name in (SEGMENT, "logs-20260103T000000.jsonl", "logs-20260104T000000.jsonl"):
        os.utime(folder / name, (long_ago, long_ago))
    assert {row.outcome for row in cleanup(folder, directory=Unleased).result.actions} == {"skipped"}
    report = cleanup(folder, directory=Unleased, weak_leases=True)
    outcomes = {row.segment: row.outcome for row in report.result.actions}
    assert outcomes == {
        SEGMENT: "done",
        "logs-20260102T000000.jsonl": "skipped",
        "logs-20260103T000000.jsonl": "done",
        "logs-20260104T000000.jsonl": "skipped",
    }
    assert report.exit_code == 0
    assert "leases are refused" in report.result.warnings[0]
    assert content(folder)[SEGMENT] == NEW
    assert {name.partition(".al-old-")[0] for name in report.result.recovery_pending} == {
        f".{name}" for name, outcome in outcomes.items() if outcome == "done"
    }


def test_without_leases_an_old_file_goes_an_hour_later(folder: Path) -> None:
    """By then nobody has appended anything to it; before that each job publishes what somebody has."""
    for name in (SEGMENT, "logs-20260102T000000.jsonl"):
        (folder / name).write_bytes(OLD + NEW)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    (folder / "logs-20260102T000000.jsonl").touch()
    (hidden,) = cleanup(folder, directory=Unleased, weak_leases=True).result.recovery_pending
    with (folder / hidden).open("ab") as writer:
        writer.write(LATE)
    report = cleanup(folder, directory=Unleased, weak_leases=True)
    (late,) = [name for name in content(folder) if "-late-" in name]
    (moved,) = report.result.recovery_pending
    assert (content(folder)[late], content(folder)[moved]) == (LATE, OLD + NEW + LATE)
    later = cleanup(folder, directory=Unleased, timing=Timing(idle_period=0), weak_leases=True)
    assert later.result.recovery_pending == []
    assert content(folder)[SEGMENT] == NEW


def test_a_full_disk_can_still_be_relieved_by_drops(folder: Path) -> None:
    """A segment that goes whole is emptied first, and then there is room; a rewrite fails and leaves its segment."""
    (folder / "logs-20260102T000000.jsonl").write_bytes(OLD)

    class Full(LogDirectory):
        def link(self, name: str, new: str) -> None:
            if self.status(name).st_size:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().link(name, new)

    report = cleanup(folder, directory=Full)
    assert {row.segment: row.outcome for row in report.result.actions} == {
        SEGMENT: "failed",
        "logs-20260102T000000.jsonl": "done",
    }
    assert content(folder) == {SEGMENT: OLD + NEW}


class NoRoomForLinks(LogDirectory):
    """A folder that can take no further name, whatever is freed."""

    def link(self, name: str, new: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_segment_without_room_for_a_link_is_emptied(folder: Path) -> None:
    """All of its records are gone, which is what the report says."""
    (folder / SEGMENT).write_bytes(OLD)
    report = cleanup(folder, directory=NoRoomForLinks)
    assert (fate(report), report.result.deleted_per_schema) == (("done", None), {"api:1": 1})
    assert content(folder) == {SEGMENT: b""}


def test_a_drop_on_a_full_disk_keeps_what_a_writer_appends(folder: Path) -> None:
    """Whoever waited for the segment finds it, and his line in it."""
    (folder / SEGMENT).write_bytes(OLD)

    class Awaited(NoRoomForLinks):
        def link(self, name: str, new: str) -> None:
            if not (folder / name).stat().st_size:
                (folder / name).write_bytes(LATE)
            super().link(name, new)

    report = cleanup(folder, directory=Awaited)
    assert (fate(report), report.result.errors) == (("done", None), [])
    assert content(folder) == {SEGMENT: LATE}


def test_an_emptied_segment_that_may_not_last_is_told(folder: Path) -> None:
    """Its records are gone, and are counted, but the disk would not promise that."""
    (folder / SEGMENT).write_bytes(OLD)

    class Unsynced(NoRoomForLinks):
        def sync(self, descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

    report = cleanup(folder, directory=Unsynced)
    assert fate(report) == ("failed", "Input/output error: it was emptied, but that may not last")
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {"api:1": 1})


def test_a_failed_folder_sync_empties_nothing(folder: Path) -> None:
    """Only one that has no room for names is: this one is out of order."""
    (folder / SEGMENT).write_bytes(OLD)

    class Unsynced(LogDirectory):
        def fsync_folder(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert fate(cleanup(folder, directory=Unsynced)) == ("failed", "No space left on device: it was left as it is")
    assert content(folder) == {SEGMENT: OLD}


def test_a_fault_after_a_segment_was_emptied_is_told(folder: Path) -> None:
    """The folder is out of order, whatever the records' fate."""
    (folder / SEGMENT).write_bytes(OLD)

    class Unsynced(LogDirectory):
        def link(self, name: str, new: str) -> None:
            raise OSError(errno.EIO if not self.status(name).st_size else errno.ENOSPC, "Out of order")

    report = cleanup(folder, directory=Unsynced)
    assert fate(report) == ("failed", "Out of order: it was emptied, but can't be removed")
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {"api:1": 1})
    assert content(folder) == {SEGMENT: b""}


def test_a_segment_rotated_after_it_was_emptied_is_no_fault(folder: Path) -> None:
    """That is no fault: it has nothing in it any more."""
    (folder / SEGMENT).write_bytes(OLD)

    class Rotated(NoRoomForLinks):
        def truncate(self, descriptor: int) -> None:
            super().truncate(descriptor)
            (folder / SEGMENT).rename(folder / "logs.jsonl.1")

    report = cleanup(folder, directory=Rotated)
    assert (fate(report), report.result.deleted_per_schema) == (("done", None), {"api:1": 1})
    assert content(folder) == {"logs.jsonl.1": b""}


def test_a_segment_that_somebody_reads_is_not_emptied(folder: Path) -> None:
    """It would change under its reader: it stays, which is told as a failure."""
    (folder / SEGMENT).write_bytes(OLD)
    with open(folder / SEGMENT, "rb"):
        report = cleanup(folder, directory=NoRoomForLinks)
    assert fate(report)[0] == "failed"
    assert report.exit_code == 3
    assert content(folder) == {SEGMENT: OLD}


def test_an_interrupted_commit_is_undone_or_finished(folder: Path) -> None:
    """A worthless copy goes, a link that came to nothing goes, a replaced file is drained."""
    (folder / f".{SEGMENT}.al-new").write_bytes(b"half")
    os.link(folder / SEGMENT, folder / f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}")
    (folder / ".logs.jsonl.al-old-89abcdef-3").write_bytes(b"abc" + LATE)
    report = cleanup(folder)
    assert report.result.late_segments == ["logs-late-89abcdef-3.jsonl"]
    assert content(folder) == {SEGMENT: NEW, "logs-late-89abcdef-3.jsonl": LATE}


def test_a_segment_rotated_before_recovery_is_not_drained_twice(folder: Path) -> None:
    """The link of a commit that never happened goes, even where the file has another name by now."""
    (folder / "logs.jsonl.1").write_bytes(NEW)
    os.link(folder / "logs.jsonl.1", folder / ".logs.jsonl.al-old-0123abcd-5")
    (folder / "logs.jsonl").write_bytes(LATE)
    (folder / SEGMENT).unlink()
    cleanup(folder)
    assert content(folder) == {"logs.jsonl": LATE, "logs.jsonl.1": NEW}


def test_a_late_segment_stays_until_its_source_is_advanced(folder: Path) -> None:
    """Its size says how much of its source is dealt with: were it cleaned first, lines would come twice or in parts."""
    hidden, late = ".logs.jsonl.al-old-0123abcd-3", "logs-late-0123abcd-3.jsonl"
    (folder / hidden).write_bytes(b"abc" + OLD + LATE)
    (folder / late).write_bytes(OLD + LATE)

    class Failing(LogDirectory):
        def status(self, name: str) -> os.stat_result:
            if name == hidden:
                raise OSError(errno.EIO, "Input/output error")
            return super().status(name)

    first = cleanup(folder, directory=Failing)
    assert (first.exit_code, content(folder)[late]) == (3, OLD + LATE)
    second = cleanup(folder)
    assert (second.exit_code, content(folder)) == (0, {SEGMENT: NEW, late: LATE})


def test_a_dry_run_recovers_nothing_and_says_what_is_pending(folder: Path) -> None:
    """It touches nothing; the hidden link of a crash makes no hard link of its segment."""
    hidden = f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}"
    os.link(folder / SEGMENT, folder / hidden)

    async def run() -> Report:
        path, schemas = str(folder / "logs.jsonl"), str(folder.parent / "schemas.yaml")
        return await run_once_async(dry_run=True, path=path, schemas=schemas, now=NOW)

    report = anyio.run(run)
    assert report.result.recovery_pending == [hidden]
    assert report.result.deleted_per_schema == {"api:1": 1}
    assert content(folder) == {hidden: OLD + NEW, SEGMENT: OLD + NEW}


def test_hidden_files_of_another_log_are_left_to_its_own_job(folder: Path) -> None:
    """Two logs may share a folder; what the other one's job left, only that job knows how to name."""
    other = ".other-20260101T000000.jsonl.al-old-0123abcd-0"
    (folder / other).write_bytes(LATE)
    (folder / ".other-20260101T000000.jsonl.al-new").write_bytes(b"half")
    cleanup(folder)
    assert other in content(folder)
    assert ".other-20260101T000000.jsonl.al-new" in content(folder)


def test_the_folder_is_locked_while_a_job_is_at_work(folder: Path) -> None:
    """A second job on the folder ends at once, and touches nothing."""
    with held(folder), pytest.raises(asynclog.LockedError, match="another job is at work"):
        cleanup(folder)
    assert content(folder) == {SEGMENT: OLD + NEW}


@pytest.mark.parametrize("name", [".al-old-8000abcd-1", ".al-old-0123abcd-9", ".al-new-5-10"])
def test_a_hidden_name_that_is_no_file_blocks_nothing(folder: Path, name: str) -> None:
    """A folder, say: we make none."""
    (folder / f".{SEGMENT}{name}").mkdir()
    report = cleanup(folder)
    assert (report.exit_code, report.result.recovery_pending) == (0, [])
    assert (folder / f".{SEGMENT}{name}").is_dir()
    assert (folder / SEGMENT).read_bytes() == NEW


def test_a_mode_changed_during_a_rewrite_stays(folder: Path) -> None:
    """What was shut off meanwhile is not opened again by a replacement that was dressed before."""
    path = folder / SEGMENT

    class Shut(LogDirectory):
        def sync(self, descriptor: int) -> None:
            super().sync(descriptor)
            path.chmod(0o600)

    path.chmod(0o644)
    assert fate(cleanup(folder, directory=Shut)) == ("skipped", "it has changed since it was scanned")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o600, OLD + NEW)
