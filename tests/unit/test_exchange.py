"""A rotation by rename in the very moment of the commit: what was put in the segment's place gets its name back."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from audit_log import entries
from one_segment import LATE, NEW, OLD, SEGMENT, append, cleanup, content, fate, folder
from packing import packed

from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.local.wait_times import Timing

__all__ = ["folder"]  # a fixture

ROTATED = "logs.jsonl.1"
OTHER = b'{"schema_name": "api", "timestamp": "2026-11-23T12:00:00Z"}\n'


def rotate(folder: Path, content: bytes | None = LATE) -> None:
    """As logrotate does it: the segment gets another name, and a new file its own."""
    (folder / SEGMENT).rename(folder / ROTATED)
    if content is not None:
        (folder / SEGMENT).write_bytes(content)


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
@pytest.mark.parametrize("new", [LATE, None], ids=["and a new file is there", "and no new file is there yet"])
def test_a_rotation_right_before_the_exchange_loses_nothing(folder: Path, old: bytes, new: bytes | None) -> None:
    """Both files stay as they are, and nothing hidden is left."""
    (folder / SEGMENT).write_bytes(old)

    class Rotated(LogDirectory):
        def rename_noreplace(self, name: str, new_name: str) -> None:
            if name == SEGMENT:
                rotate(folder, new)
            super().rename_noreplace(name, new_name)

        def rename_exchange(self, name: str, other: str) -> None:
            if not (folder / ROTATED).exists():
                rotate(folder, new)
            super().rename_exchange(name, other)

    status, _ = fate(cleanup(folder, directory=Rotated))
    assert status == "skipped"
    assert content(folder) == {ROTATED: old} | ({SEGMENT: new} if new else {})


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_a_rotation_by_link_just_before_the_swap_undoes_it(folder: Path, old: bytes) -> None:
    """As savelog does it, the file gets its new name before it loses the other one: nothing has been deleted then."""
    (folder / SEGMENT).write_bytes(old)

    class Linked(LogDirectory):
        def link_once(self) -> None:
            if not (folder / ROTATED).exists():
                os.link(folder / SEGMENT, folder / ROTATED)

        def rename_noreplace(self, name: str, new: str) -> None:
            self.link_once()
            super().rename_noreplace(name, new)

        def rename_exchange(self, name: str, other: str) -> None:
            self.link_once()
            super().rename_exchange(name, other)

    status, _ = fate(cleanup(folder, directory=Linked))
    assert status == "skipped"
    assert content(folder) == {SEGMENT: old, ROTATED: old}


def test_a_rotation_by_link_just_before_an_undo_loses_no_line(folder: Path) -> None:
    """It links the replacement, and goes on with the name that by then means the segment again, and its new line."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Linked(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            if not str(os.readlink(f"/proc/self/fd/{descriptor}")).rpartition("/")[2].startswith("."):
                return super().leased(descriptor)
            os.link(folder / SEGMENT, folder / ROTATED)
            return False

        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            with (folder / SEGMENT).open("ab") as file:
                file.write(LATE)
            return released

    assert fate(cleanup(folder, directory=Linked))[0] == "skipped"
    (folder / "new").touch()
    (folder / "new").rename(folder / SEGMENT)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {ROTATED: NEW, SEGMENT: b"", late: LATE}


@pytest.mark.parametrize("ends", ["at once", "after the job", "never"])
def test_a_rotation_by_link_doubles_no_line_of_the_replacement(folder: Path, ends: str) -> None:
    """Another writer has appended to it: what came to it is seen under the name that it was linked to."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    def end() -> None:
        (folder / "new").touch()
        (folder / "new").rename(folder / SEGMENT)

    class Linked(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            if not str(os.readlink(f"/proc/self/fd/{descriptor}")).rpartition("/")[2].startswith("."):
                return super().leased(descriptor)
            os.link(folder / SEGMENT, folder / ROTATED)
            with (folder / ROTATED).open("ab") as file:
                file.write(LATE)
            return False

        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            if ends == "at once" and (folder / ROTATED).exists():
                end()
            return released

    cleanup(folder, directory=Linked)
    if ends == "after the job":
        end()
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW + LATE, SEGMENT: NEW if ends == "never" else b""}


def test_a_kill_in_an_undo_doubles_no_line_of_a_linked_replacement(folder: Path) -> None:
    """The next job leaves it to the rotation, as this one would have done; here the disk fails in the kill's stead."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Linked(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            if not str(os.readlink(f"/proc/self/fd/{descriptor}")).rpartition("/")[2].startswith("."):
                return super().leased(descriptor)
            os.link(folder / SEGMENT, folder / ROTATED)
            with (folder / ROTATED).open("ab") as file:
                file.write(LATE)
            return False

        def fsync_folder(self) -> None:
            if (folder / ROTATED).exists():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

    cleanup(folder, directory=Linked)
    (folder / "new").touch()
    (folder / "new").rename(folder / SEGMENT)
    assert cleanup(folder).result.late_segments == []
    assert content(folder) == {ROTATED: NEW + LATE, SEGMENT: b""}


@pytest.mark.parametrize("other", ["backup", "zz"])  # a folder has its names in any order
def test_a_replacement_linked_twice_stays_as_a_segment(folder: Path, other: str) -> None:
    """Somebody has linked it under a name that is none of a segment, too."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Linked(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            if not str(os.readlink(f"/proc/self/fd/{descriptor}")).rpartition("/")[2].startswith("."):
                return super().leased(descriptor)
            os.link(folder / SEGMENT, folder / ROTATED)
            os.link(folder / SEGMENT, folder / other)
            with (folder / ROTATED).open("ab") as file:
                file.write(LATE)
            return False

        def names(self) -> list[str]:
            return sorted(super().names(), key=lambda name: name != other)

    assert cleanup(folder, directory=Linked).result.late_segments == []
    assert content(folder)[ROTATED] == NEW + LATE


@pytest.mark.parametrize("first", [ROTATED, SEGMENT, "backup"])  # a folder has its names in any order
def test_an_undo_that_fails_at_first_respects_a_rotation_by_link(folder: Path, first: str) -> None:
    """The segment gets its own name back, none that the replacement was linked to, and keeps its hidden one."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Linked(LogDirectory):
        exchanges = 0

        def leased(self, descriptor: int) -> bool:
            if not str(os.readlink(f"/proc/self/fd/{descriptor}")).rpartition("/")[2].startswith("."):
                return super().leased(descriptor)
            os.link(folder / SEGMENT, folder / ROTATED)
            os.link(folder / SEGMENT, folder / "backup")
            append(self.open(SEGMENT), LATE)
            return False

        def rename_exchange(self, name: str, other: str) -> None:
            self.exchanges += 1
            if self.exchanges == 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().rename_exchange(name, other)

        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            append(descriptor, OTHER)  # a writer who waited for that
            return released

        def names(self) -> list[str]:
            return sorted(super().names(), key=lambda name: name != first)

    cleanup(folder, directory=Linked)
    (folder / "new").touch()
    (folder / "new").rename(folder / SEGMENT)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {ROTATED: NEW + LATE, "backup": NEW + LATE, SEGMENT: b"", late: OTHER}


def test_a_failed_undo_leaves_what_tells_the_files_apart(folder: Path) -> None:
    """The replacement may be rotated and compressed before the next job: no file is then known by its inode alone."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Failing(LogDirectory):
        calls = 0

        def leased(self, descriptor: int) -> bool:
            return self.calls == 0 and super().leased(descriptor)

        def rename_exchange(self, name: str, other: str) -> None:
            Failing.calls += 1
            if Failing.calls > 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().rename_exchange(name, other)

    assert cleanup(folder, directory=Failing).exit_code == 3
    assert [OldLink.parse(name) is not None for name in sorted(os.listdir(folder)) if ".al-old-" in name] == [True]
    assert cleanup(folder).exit_code == 0
    assert content(folder) == {SEGMENT: NEW}


def test_an_undo_that_fails_takes_no_later_file_for_the_replacement(folder: Path) -> None:
    """That may be rotated and compressed before the next job, and another segment may get its inode number."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Rotated(Unyielding):
        def rename_exchange(self, name: str, other: str) -> None:
            if not self.exchanged:
                rotate(folder)
            super().rename_exchange(name, other)

    assert cleanup(folder, directory=Rotated).exit_code == 3
    (folder / SEGMENT).unlink()
    (folder / "logs-20261123T000000.jsonl").write_bytes(OTHER * 3)
    number = (folder / "logs-20261123T000000.jsonl").stat().st_ino
    (staged,) = filter(None, map(StagedFile.parse, os.listdir(folder)))
    (folder / str(staged)).rename(folder / str(staged._replace(inode=number)))
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE, "logs-20261123T000000.jsonl": OTHER * 3}


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_line_that_each_file_begins_with_tells_no_replacement(folder: Path, suffix: str) -> None:
    """As above; an application writes the same line, which is no record, into each file that it begins."""
    banner = b"--- log opened ---\n"
    segment, other = f"{SEGMENT}{suffix}", f"logs-20261123T000000.jsonl{suffix}"
    (folder / SEGMENT).unlink()
    (folder / other).write_bytes(packed(other, banner + OTHER * 3))
    os.utime(folder / other, (0, 0))
    old, new = packed(segment, banner + OLD + NEW), packed(segment, banner + LATE)
    (folder / f"{SEGMENT}.1{suffix}").write_bytes(old)
    (folder / segment).write_bytes(new)
    os.link(folder / f"{SEGMENT}.1{suffix}", folder / f".{segment}.al-old-0123abcd-{len(old)}")
    inode, size = (folder / other).stat().st_ino, len(packed(segment, banner + NEW))
    (folder / segment).rename(folder / str(StagedFile(segment, inode, size)))
    cleanup(folder)
    assert content(folder)[other] == packed(other, banner + OTHER * 3)
    assert content(folder)[segment] == new


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_hidden_files_of_another_user_make_no_segment_a_replacement(folder: Path) -> None:
    """He may read the log and write to a sticky folder, and names a copy of a segment its old file."""
    (folder / SEGMENT).write_bytes(NEW)
    size, inode = len(NEW), (folder / SEGMENT).stat().st_ino
    for name, data in ((f".{SEGMENT}.al-old-0123abcd-{size}", NEW), (str(StagedFile(SEGMENT, inode, size)), OTHER)):
        (folder / name).write_bytes(data)
        os.chown(folder / name, 4002, -1)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: OTHER}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_nobody_elses_file_was_displaced_in_a_sticky_folder(folder: Path) -> None:
    """An old file is left of a job, which the segment has replaced: another user may not have his file put there."""
    (folder / SEGMENT).rename(folder / f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}")
    (folder / SEGMENT).write_bytes(NEW)
    forged = folder / str(StagedFile(SEGMENT, (folder / SEGMENT).stat().st_ino, len(NEW)))
    forged.write_bytes(OTHER)
    os.chown(forged, 4002, -1)
    folder.chmod(0o1777)
    (late,) = cleanup(folder, allow_unsafe_folder=True).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: OTHER}


@pytest.mark.parametrize("has_old", [False, True], ids=["no old file", "a link to itself"])
def test_a_segment_without_an_old_file_is_no_replacement(folder: Path, has_old: bool) -> None:
    """Whoever may write to the folder may have moved a file of the log's owner there, or linked the segment itself."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / str(StagedFile(SEGMENT, (folder / SEGMENT).stat().st_ino, len(NEW)))).write_bytes(OTHER)
    if has_old:
        os.link(folder / SEGMENT, folder / f".{SEGMENT}.al-old-0123abcd-{len(NEW)}")
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: OTHER}


def test_a_symbolic_link_that_was_displaced_gets_its_name_back(folder: Path) -> None:
    """A rotation had put it there, as cronolog does, and the job was killed just then."""
    replacement = folder / SEGMENT
    replacement.write_bytes(NEW)
    (folder / ROTATED).write_bytes(OLD + NEW)
    os.link(folder / ROTATED, folder / str(OldLink.of(SEGMENT, len(OLD + NEW), b"0000")))
    (folder / str(StagedFile(SEGMENT, replacement.stat().st_ino, len(NEW)))).symlink_to("logs.jsonl")
    (folder / "logs.jsonl").write_bytes(LATE)
    assert cleanup(folder).result.recovery_pending == []
    assert (folder / SEGMENT).is_symlink()
    assert content(folder) == {"logs.jsonl": LATE, ROTATED: NEW, SEGMENT: LATE}


@pytest.mark.parametrize("kind", [os.mkfifo, os.mkdir], ids=["FIFO", "folder"])
@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_what_was_displaced_gets_its_name_back_if_it_is_no_file(
    folder: Path, old: bytes, kind: Callable[[Path], None]
) -> None:
    """Somebody had put it there, and the job was killed just then: else what replaced it would be there twice."""
    built, left = StagedFile(SEGMENT, 0, 0), {}
    if old == OLD:
        (folder / SEGMENT).write_bytes(old)
        (folder / SEGMENT).rename(folder / ROTATED)
        os.link(folder / ROTATED, folder / f".{SEGMENT}.al-old-0123abcd-{len(old)}")
    else:
        built, left = killed_after_the_swap(folder), {ROTATED: NEW}
    kind(folder / str(built))
    inode = (folder / str(built)).stat().st_ino
    report = cleanup(folder)
    assert (report.exit_code, report.result.recovery_pending) == (0, [])
    assert (folder / SEGMENT).stat().st_ino == inode
    assert {path.name: path.read_bytes() for path in entries(folder) if path.is_file()} == left


@pytest.mark.parametrize("kind", [os.mkfifo, partial(os.symlink, ROTATED)], ids=["FIFO", "symbolic link"])
def test_what_got_a_second_name_loses_it_if_it_is_no_file(folder: Path, kind: Callable[[Path], None]) -> None:
    """A rotation had put it in the segment's place right before the link, and the job was killed just then."""
    (folder / SEGMENT).rename(folder / ROTATED)
    kind(folder / SEGMENT)
    os.link(folder / SEGMENT, folder / f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}", follow_symlinks=False)
    cleanup(folder)
    assert sorted(path.name for path in entries(folder)) == [SEGMENT, ROTATED]
    assert (folder / SEGMENT).lstat().st_nlink == 1


def test_what_vanishes_as_hidden_files_are_looked_for_ends_no_job(folder: Path) -> None:
    """A neighbour makes and removes it all the time: what was deleted must be told all the same."""
    forged = folder / f".{SEGMENT}.al-old-0123abcd-0"
    os.mkfifo(forged)

    class Vanishing(LogDirectory):
        def is_file(self, name: str) -> bool:
            is_file = super().is_file(name)
            if not is_file:
                forged.unlink()
            return is_file

    report = cleanup(folder, directory=Vanishing)
    assert (report.exit_code, report.result.recovery_pending) == (0, [])
    assert content(folder) == {SEGMENT: NEW}


def test_a_file_with_the_inode_of_a_lost_replacement_is_left_alone(folder: Path) -> None:
    """A rotation by link has removed that before the undo; the next file in the folder may get its number."""
    (folder / SEGMENT).write_bytes(OLD + NEW)
    (folder / "new").touch()
    numbers: list[int] = []

    class Linked(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            if numbers:
                super().rename_exchange(name, other)
                return
            os.link(folder / SEGMENT, folder / ROTATED)
            super().rename_exchange(name, other)
            numbers.append((folder / SEGMENT).stat().st_ino)
            (folder / "new").rename(folder / SEGMENT)
            for number in range(10):  # the file system may give it to a later one
                (folder / f"other{number}").write_bytes(OTHER)
                numbers.append((folder / f"other{number}").stat().st_ino)

    cleanup(folder, directory=Linked)
    others = {f"other{number}": OTHER for number in range(10)}
    assert content(folder) == {ROTATED: OLD + NEW, SEGMENT: b"", **others}
    assert numbers[0] not in numbers[1:]


def test_a_rotation_in_the_moment_of_an_undo_keeps_the_names(folder: Path) -> None:
    """Its new file has the segment's name, and the replaced file the rotated one."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Rotated(LogDirectory):
        exchanges = 0

        def leased(self, descriptor: int) -> bool:
            return self.exchanges == 0 and super().leased(descriptor)

        def rename_exchange(self, name: str, other: str) -> None:
            self.exchanges += 1
            if self.exchanges == 2:
                rotate(folder)
            super().rename_exchange(name, other)

    cleanup(folder, directory=Rotated)
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE}


def test_an_acl_that_changes_just_before_the_swap_undoes_it(folder: Path) -> None:
    """Else the replacement would go on to let somebody in whom the segment no longer does. Any attribute shows it."""
    (folder / SEGMENT).write_bytes(OLD + NEW)
    os.setxattr(folder / SEGMENT, "user.access", b"before")

    class Revoked(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            if os.getxattr(folder / SEGMENT, "user.access") == b"before":
                os.setxattr(folder / SEGMENT, "user.access", b"after")
            super().rename_exchange(name, other)

    assert fate(cleanup(folder, directory=Revoked))[0] == "skipped"
    assert os.getxattr(folder / SEGMENT, "user.access") == b"after"
    assert content(folder) == {SEGMENT: OLD + NEW}


def test_a_flag_that_is_set_while_the_replacement_is_built_stays(folder: Path) -> None:
    """A replacement without it takes no segment's place."""
    if shutil.which("chattr") is None:
        pytest.skip("there is no chattr here")

    class Flagged(LogDirectory):
        def link(self, name: str, new: str) -> None:
            super().link(name, new)
            can.append(subprocess.run(["chattr", "+d", folder / SEGMENT], check=False).returncode == 0)

    can: list[bool] = []
    status, _ = fate(cleanup(folder, directory=Flagged))
    if not any(can):
        pytest.skip("there are no flags here")
    assert status == "skipped"
    assert "d" in subprocess.check_output(["lsattr", folder / SEGMENT], text=True).split()[0]


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_a_segment_has_its_name_again_before_a_writer_is_let_in(folder: Path, old: bytes) -> None:
    """One who writes a line by two open() has to find the same file twice."""
    (folder / SEGMENT).write_bytes(old)
    inode, found = (folder / SEGMENT).stat().st_ino, []

    class Late(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            named = (folder / SEGMENT).exists() and (folder / SEGMENT).stat().st_ino == inode
            return named and super().leased(descriptor)

        def release(self, descriptor: int) -> bool:
            found.append((folder / SEGMENT).exists() and (folder / SEGMENT).stat().st_ino == inode)
            return super().release(descriptor)

    assert fate(cleanup(folder, directory=Late))[0] == "skipped"
    assert found
    assert all(found)
    assert content(folder) == {SEGMENT: old}


def test_a_file_linked_and_unlinked_meanwhile_has_one_name(folder: Path) -> None:
    """The rotation has ended before the exchange is undone: its file has the name that it was given, and no other."""

    class Linked(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            os.link(folder / SEGMENT, folder / ROTATED)
            super().rename_exchange(name, other)
            (folder / SEGMENT).unlink()

    cleanup(folder, directory=Linked)
    assert content(folder) == {ROTATED: OLD + NEW}
    assert (folder / ROTATED).stat().st_nlink == 1


def test_a_mode_that_changes_just_after_the_swap_stays(folder: Path) -> None:
    """It is the replacement's by then."""

    class Closed(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            (folder / SEGMENT).chmod(0o600)

    (folder / SEGMENT).chmod(0o644)
    status, _ = fate(cleanup(folder, directory=Closed))
    assert status == "done"
    assert content(folder) == {SEGMENT: NEW}
    assert (folder / SEGMENT).stat().st_mode & 0o777 == 0o600


def test_a_mode_that_changes_just_before_the_swap_undoes_it(folder: Path) -> None:
    """Else the replacement could be read by somebody who may no longer read the segment."""

    class Closed(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            (folder / SEGMENT).chmod(0o600)
            super().rename_exchange(name, other)

    (folder / SEGMENT).chmod(0o644)
    status, _ = fate(cleanup(folder, directory=Closed))
    assert status == "skipped"
    assert content(folder) == {SEGMENT: OLD + NEW}
    assert (folder / SEGMENT).stat().st_mode & 0o777 == 0o600


def test_lines_appended_before_the_restore_are_not_lost(folder: Path) -> None:
    """He had opened the replacement in the meantime: his line comes as a late segment."""

    class Rotated(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            if (folder / ROTATED).exists():
                append(self.open(SEGMENT), OTHER)
            else:
                rotate(folder)
            super().rename_exchange(name, other)

    report = cleanup(folder, directory=Rotated)
    (late,) = report.result.late_segments
    assert content(folder) == {ROTATED: OLD + NEW, SEGMENT: LATE, late: OTHER}


@pytest.mark.parametrize("segment", [f"{SEGMENT}.gz", f"{SEGMENT}.zst"])
def test_what_came_to_a_packed_replacement_before_an_undo_comes_alone(folder: Path, segment: str) -> None:
    """What that had before is not there twice."""
    (folder / SEGMENT).unlink()
    (folder / segment).write_bytes(packed(segment, OLD + NEW))

    class Late(LogDirectory):
        exchanges = 0

        def leased(self, descriptor: int) -> bool:
            return self.exchanges != 1 and super().leased(descriptor)

        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            self.exchanges += 1
            if self.exchanges == 1:
                append(self.open(segment), packed(segment, LATE))

    (late,) = cleanup(folder, directory=Late).result.late_segments
    assert content(folder) == {segment: packed(segment, OLD + NEW), late: packed(segment, LATE)}


def test_a_backup_by_link_is_no_name_for_a_displaced_file(folder: Path) -> None:
    """Who had waited for its lease writes to it, and somebody else has the segment's name by then."""
    (folder / SEGMENT).write_bytes(OLD)

    class Linked(LogDirectory):
        def rename_noreplace(self, name: str, new: str) -> None:
            if name == SEGMENT:
                os.link(folder / SEGMENT, folder / "backup")
            super().rename_noreplace(name, new)
            if name == SEGMENT:
                (folder / SEGMENT).write_bytes(LATE)

        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            append(descriptor, OTHER)
            return released

    (late,) = cleanup(folder, directory=Linked).result.late_segments
    assert content(folder) == {"backup": OLD + OTHER, SEGMENT: LATE, late: OLD + OTHER}


def test_a_name_that_was_taken_meanwhile_stays_with_its_new_file(folder: Path) -> None:
    """Then the displaced file comes as a late segment."""
    (folder / SEGMENT).write_bytes(OLD)

    class Rotated(LogDirectory):
        def rename_noreplace(self, name: str, new: str) -> None:
            if name != SEGMENT:
                super().rename_noreplace(name, new)
                return
            rotate(folder)
            super().rename_noreplace(name, new)
            (folder / SEGMENT).write_bytes(OTHER)

    report = cleanup(folder, directory=Rotated)
    (late,) = report.result.late_segments
    assert content(folder) == {ROTATED: OLD, SEGMENT: OTHER, late: LATE}


@pytest.mark.parametrize(("old", "after"), [(OLD, {}), (OLD + NEW, {SEGMENT: NEW})], ids=["drop", "rewrite"])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_names_cannot_be_exchanged_they_are_replaced(
    folder: Path, old: bytes, after: dict[str, bytes], number: int
) -> None:
    """As on NFS: the older calls do."""
    (folder / SEGMENT).write_bytes(old)

    class Older(LogDirectory):
        def _renameat2(self, name: str, new: str, flags: int) -> None:
            raise OSError(number, os.strerror(number))

    assert fate(cleanup(folder, directory=Older)) == ("done", None)
    assert content(folder) == after


class Older(LogDirectory):
    """Can't exchange names."""

    def _renameat2(self, name: str, new: str, flags: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_where_names_cannot_be_exchanged_a_faster_rotation_doubles_no_line(folder: Path, old: bytes) -> None:
    """The segment has another name by then: what replaced it goes, and what came to that is a late segment."""
    (folder / SEGMENT).write_bytes(old)

    class Rotated(Older):
        def unlink(self, name: str) -> None:
            if name == SEGMENT:
                rotate(folder, b"")
            super().unlink(name)

        def rename(self, name: str, new: str) -> None:
            if new == SEGMENT:
                rotate(folder, None)
                super().rename(name, new)
                append(self.open(SEGMENT), LATE)
            else:
                super().rename(name, new)

    report = cleanup(folder, directory=Rotated)
    assert (fate(report)[0], report.result.deleted_per_schema, report.result.recovery_pending) == ("skipped", {}, [])
    assert content(folder) == {ROTATED: old} | dict.fromkeys(report.result.late_segments, LATE)
    assert len(report.result.late_segments) == (old != OLD)


@pytest.mark.parametrize("exchanges", [True, False])
def test_without_leases_a_faster_rotation_doubles_no_line_either(folder: Path, exchanges: bool) -> None:
    """By rename, as on NFS; where names can be exchanged, by a link that stays."""
    os.utime(folder / SEGMENT, (0, 0))
    (folder / "logs-20990101T000000.jsonl").write_bytes(OTHER)

    class Rotated(LogDirectory if exchanges else Older):  # type: ignore[misc]
        def lease(self, descriptor: int) -> bool:
            del descriptor
            return False

        is_free = lease

        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                rotate(folder, None)
            super().rename(old, new)

        def rename_exchange(self, name: str, other: str) -> None:
            if exchanges and not (folder / ROTATED).exists():
                os.link(folder / SEGMENT, folder / ROTATED)
            super().rename_exchange(name, other)

    report = cleanup(folder, directory=Rotated, weak_leases=True)
    assert (fate(report)[0], report.result.deleted_per_schema) == ("skipped", {})
    cleanup(folder, directory=Rotated, weak_leases=True, timing=Timing(idle_period=-1))
    linked = {SEGMENT: OLD + NEW} if exchanges else {}
    assert content(folder) == {ROTATED: OLD + NEW, "logs-20990101T000000.jsonl": OTHER} | linked


def test_where_names_cannot_be_exchanged_a_link_doubles_no_line(folder: Path) -> None:
    """The segment stays, under its new name."""

    class Linked(Older):
        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                os.link(folder / SEGMENT, folder / ROTATED)
            super().rename(old, new)

    report = cleanup(folder, directory=Linked)
    assert (fate(report)[0], report.result.deleted_per_schema, report.result.recovery_pending) == ("skipped", {}, [])
    assert content(folder) == {ROTATED: OLD + NEW}


def test_where_names_cannot_be_exchanged_a_backup_by_link_hides_no_line(folder: Path) -> None:
    """It is no segment: what came to the file after it was copied has to be in one."""

    class Linked(Older):
        def link(self, name: str, new: str) -> None:
            with (folder / SEGMENT).open("ab") as file:
                file.write(LATE)
            super().link(name, new)

        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                os.link(folder / SEGMENT, folder / "backup")
            super().rename(old, new)

    report = cleanup(folder, directory=Linked)
    (late,) = report.result.late_segments
    assert (fate(report)[0], report.result.deleted_per_schema) == ("done", {"api:1": 1})
    assert content(folder) == {"backup": OLD + NEW + LATE, SEGMENT: NEW, late: LATE}


def test_where_names_cannot_be_exchanged_a_backup_by_link_is_told_if_the_folder_is_not_read(folder: Path) -> None:
    """Nobody can know then that it is no segment: the next job saves what came to it."""

    class Linked(Older):
        failed = 0

        def link(self, name: str, new: str) -> None:
            with (folder / SEGMENT).open("ab") as file:
                file.write(LATE)
            super().link(name, new)

        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                os.link(folder / SEGMENT, folder / "backup")
            super().rename(old, new)

        def names(self) -> list[str]:
            if (folder / "backup").exists() and not self.failed:
                self.failed += 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().names()

    report = cleanup(folder, directory=Linked)
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {"api:1": 1})
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {"backup": OLD + NEW + LATE, SEGMENT: NEW, late: LATE}


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_a_rotation_by_rename_is_undone_though_the_disk_fails(folder: Path, old: bytes) -> None:
    """Nobody has to wait for the next job to see its new file."""
    (folder / SEGMENT).write_bytes(old)

    class Failing(LogDirectory):
        def rotate_once(self) -> None:
            if not (folder / ROTATED).exists():
                rotate(folder)

        def rename_noreplace(self, name: str, new: str) -> None:
            if name == SEGMENT:
                self.rotate_once()
            super().rename_noreplace(name, new)

        def rename_exchange(self, name: str, other: str) -> None:
            self.rotate_once()
            super().rename_exchange(name, other)

        def fsync_folder(self) -> None:
            if (folder / ROTATED).exists():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

    report = cleanup(folder, directory=Failing)
    assert (fate(report)[0], report.exit_code, report.result.deleted_per_schema) == ("skipped", 3, {})
    assert (folder / SEGMENT).read_bytes() == LATE
    cleanup(folder)
    assert content(folder) == {SEGMENT: LATE} | ({ROTATED: NEW} if old != OLD else {})


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_backup_by_link_hides_no_line_if_the_disk_fails(folder: Path, exchanges: bool) -> None:
    """Nor is it told that the segment was left as it is. The next job saves what came to it."""

    class Failing(LogDirectory if exchanges else Older):  # type: ignore[misc]
        linked = False

        def link(self, name: str, new: str) -> None:
            with (folder / SEGMENT).open("ab") as file:
                file.write(LATE)
            super().link(name, new)

        def back_up(self) -> None:
            os.link(folder / SEGMENT, folder / "backup")
            self.linked = True

        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                self.back_up()
            super().rename(old, new)

        def rename_exchange(self, name: str, other: str) -> None:
            if exchanges:
                self.back_up()
            super().rename_exchange(name, other)

        def fsync_folder(self) -> None:
            if self.linked:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

    report = cleanup(folder, directory=Failing)
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {"api:1": 1})
    assert "it was replaced, but that may not last" in str(fate(report)[1])
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {"backup": OLD + NEW + LATE, SEGMENT: NEW, late: LATE}


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_where_names_cannot_be_exchanged_the_name_is_looked_at_last(folder: Path, old: bytes) -> None:
    """A rotation after the lease was taken finds the segment as it is."""
    (folder / SEGMENT).write_bytes(old)

    class Rotated(Older):
        def leased(self, descriptor: int) -> bool:
            held = super().leased(descriptor)
            links = filter(None, map(OldLink.parse, os.listdir(folder)))
            if not (folder / ROTATED).exists() and any(link.token[0] != "0" for link in links):  # it has the digest
                rotate(folder)
            return held

    assert fate(cleanup(folder, directory=Rotated))[0] == "skipped"
    assert content(folder) == {ROTATED: old, SEGMENT: LATE}


@pytest.mark.parametrize("call", ["names", "rename"])
def test_where_names_cannot_be_exchanged_doubled_lines_are_told(folder: Path, call: str) -> None:
    """The replacement can't be taken away again, for the disk fails, or there are too many open files."""

    class Failing(Older):
        fails = False

        def rename(self, old: str, new: str) -> None:
            if new == SEGMENT:
                rotate(folder, None)
                Failing.fails = True
            elif old == SEGMENT and call == "rename":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().rename(old, new)

        def visible_name(self, file: FileId, wanted: Callable[[str], bool] = bool) -> str | None:
            if Failing.fails and call == "names":
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return super().visible_name(file, wanted)

    report = cleanup(folder, directory=Failing)
    assert report.exit_code == 3
    assert "twice" in report.result.errors[0]
    visible = {name: data for name, data in content(folder).items() if not name.startswith(".")}
    assert visible == {ROTATED: OLD + NEW, SEGMENT: NEW}


def test_a_python_without_ctypes_uses_the_older_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was built without libffi."""
    monkeypatch.setitem(sys.modules, "ctypes", None)
    assert fate(cleanup(folder)) == ("done", None)
    assert content(folder) == {SEGMENT: NEW}


def killed_after_the_swap(folder: Path) -> StagedFile:
    """Put a replacement in the place of a segment that was rotated before and has its hidden second name."""
    rotate(folder, NEW)
    os.link(folder / ROTATED, folder / f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}")
    return StagedFile(SEGMENT, (folder / SEGMENT).stat().st_ino, len(NEW))


def test_the_next_job_restores_a_displaced_file(folder: Path) -> None:
    """And what was appended to the replacement meanwhile is saved."""
    built = killed_after_the_swap(folder)
    (folder / str(built)).write_bytes(LATE)
    append(os.open(folder / SEGMENT, os.O_RDONLY), OTHER)
    report = cleanup(folder)
    (late,) = report.result.late_segments
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE, late: OTHER}


def test_the_next_job_releases_the_old_file(folder: Path) -> None:
    """Then both hidden names are the old file's."""
    built = killed_after_the_swap(folder)
    (folder / ROTATED).rename(folder / str(built))
    cleanup(folder)
    assert content(folder) == {SEGMENT: NEW}


def test_a_job_that_is_killed_before_the_swap_leaves_nothing(folder: Path) -> None:
    """The replacement is thrown away, and the segment is cleaned as if nothing had been."""
    (folder / "replacement").write_bytes(NEW)
    built = StagedFile(SEGMENT, (folder / "replacement").stat().st_ino, len(NEW))
    (folder / "replacement").rename(folder / str(built))
    os.link(folder / SEGMENT, folder / f".{SEGMENT}.al-old-0123abcd-{len(OLD + NEW)}")
    cleanup(folder)
    assert content(folder) == {SEGMENT: NEW}


def test_an_old_file_with_two_hidden_names_is_not_drained(folder: Path) -> None:
    """Else the next job would take it for a file that was displaced, and put what had expired back."""
    name = str(killed_after_the_swap(folder))
    (folder / ROTATED).rename(folder / name)

    class Stuck(LogDirectory):
        def unlink(self, victim: str) -> None:
            if victim == name:
                raise OSError(errno.EIO, "Input/output error")
            super().unlink(victim)

    assert cleanup(folder, directory=Stuck).exit_code == 3
    cleanup(folder)
    assert content(folder) == {SEGMENT: NEW}


def test_a_displaced_file_takes_its_replacements_new_name(folder: Path) -> None:
    """After a kill between the two exchanges the next rotation meets the replacement, which nobody is to see twice."""
    built = killed_after_the_swap(folder)
    (folder / str(built)).write_bytes(LATE)
    (folder / SEGMENT).rename(folder / "logs.jsonl.2")
    (folder / "logs.jsonl").write_bytes(OTHER)
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW, "logs.jsonl.2": LATE, "logs.jsonl": OTHER}


class Unyielding(LogDirectory):
    """Exchanges names once, and never again."""

    exchanged = False

    def rename_exchange(self, name: str, other: str) -> None:
        if self.exchanged:
            raise OSError(errno.EIO, "Input/output error")
        super().rename_exchange(name, other)
        self.exchanged = True


def test_a_displaced_file_that_cant_be_restored_is_reported(folder: Path) -> None:
    """Nothing counts as deleted, and the displaced file stays under its hidden name until the next job."""

    class Rotated(Unyielding):
        def rename_exchange(self, name: str, other: str) -> None:
            if not self.exchanged:
                rotate(folder)
            super().rename_exchange(name, other)

    report = cleanup(folder, directory=Rotated)
    assert (fate(report)[0], report.exit_code, report.result.deleted_per_schema) == ("skipped", 3, {})
    assert "the next job tries again" in report.result.errors[0]
    (hidden,) = filter(StagedFile.parse, os.listdir(folder))
    assert hidden in report.result.recovery_pending
    assert content(folder)[hidden] == LATE
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE}


def test_what_came_to_the_replacement_outlives_a_failing_disk(folder: Path) -> None:
    """The name is given back, but the folder can't be synced then: the next job saves the line."""

    class Rotated(LogDirectory):
        given_back = False

        def rename_exchange(self, name: str, other: str) -> None:
            if (folder / ROTATED).exists():
                append(self.open(SEGMENT), OTHER)
                self.given_back = True
            else:
                rotate(folder)
            super().rename_exchange(name, other)

        def sync_folder(self, ticket: int | None = None) -> None:
            if self.given_back:
                raise OSError(errno.EIO, "Input/output error")
            super().sync_folder(ticket)

    assert cleanup(folder, directory=Rotated).exit_code == 3
    report = cleanup(folder)
    (late,) = report.result.late_segments
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE, late: OTHER}


@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_a_disk_that_fails_as_an_exchange_is_undone_is_told(folder: Path, old: bytes) -> None:
    """The segment is skipped because of a writer; that the disk has failed is another matter."""
    (folder / SEGMENT).write_bytes(old)

    class Late(LogDirectory):
        came = False

        def leased(self, descriptor: int) -> bool:
            self.came = not (folder / SEGMENT).exists() or (folder / SEGMENT).read_bytes() == NEW
            return not self.came and super().leased(descriptor)

        def fsync_folder(self) -> None:
            if self.came:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

    report = cleanup(folder, directory=Late)
    assert (fate(report)[0], report.exit_code, report.result.deleted_per_schema) == ("skipped", 3, {})
    assert cleanup(folder).result.recovery_pending == []


def test_an_unknown_displaced_file_counts_nothing_as_deleted(folder: Path) -> None:
    """The segment was rotated in that moment, and is whole under its new name; the other has its own again."""

    class Rotated(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            if not (folder / ROTATED).exists():
                rotate(folder)
            super().rename_exchange(name, other)

        def status(self, name: str) -> os.stat_result:
            if StagedFile.parse(name) and (folder / ROTATED).exists():
                raise OSError(errno.EIO, "Input/output error")
            return super().status(name)

    report = cleanup(folder, directory=Rotated)
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {})
    cleanup(folder)
    assert content(folder) == {ROTATED: NEW, SEGMENT: LATE}


def test_a_folder_that_fails_after_the_exchange_is_not_told_to_be_as_it_was(folder: Path) -> None:
    """Whether a rotation was faster can't be known, but that the segment was replaced."""

    class Failing(LogDirectory):
        failed = False

        def fsync_folder(self) -> None:
            if (folder / SEGMENT).read_bytes() == NEW:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

        def names(self) -> list[str]:
            if not self.failed and (folder / SEGMENT).read_bytes() == NEW:
                self.failed = True
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().names()

    report = cleanup(folder, directory=Failing)
    assert report.exit_code == 3
    assert "it was replaced, but that may not last" in str(fate(report)[1])
    assert cleanup(folder).result.recovery_pending == []
    assert content(folder) == {SEGMENT: NEW}


def test_a_segment_whose_name_is_reserved_is_left_alone(folder: Path) -> None:
    """Else the replacement would be replaced, and could not be told from a segment any more."""
    built = killed_after_the_swap(folder)
    (folder / str(built)).write_bytes(LATE)
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Stuck(Unyielding):
        exchanged = True

    report = cleanup(folder, directory=Stuck)
    assert (report.exit_code, report.result.deleted_per_schema) == (3, {})
    assert content(folder)[SEGMENT] == OLD + NEW


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("old", [OLD, OLD + NEW], ids=["drop", "rewrite"])
def test_a_writer_at_the_exchange_does_not_wait_for_the_disk(folder: Path, old: bytes, when: str) -> None:
    """The lease ends before the folder is synced again, and the segment stays."""
    (folder / SEGMENT).write_bytes(old)
    calls = []

    class Opened(LogDirectory):
        def open_it(self) -> None:
            with pytest.raises(BlockingIOError):  # Linux asks for the lease as it does for one that waits
                os.open(folder / self.seen, os.O_WRONLY | os.O_NONBLOCK)
            calls.append("opened")

        def rename(self, name: str, new: str) -> None:
            super().rename(name, new)
            if when == "before" and ".al-old-" in name:
                self.seen = SEGMENT
                self.open_it()

        def rename_noreplace(self, name: str, new: str) -> None:
            super().rename_noreplace(name, new)
            if when == "after" and name == SEGMENT:
                self.seen = new
                self.open_it()

        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            if when == "after" and "opened" not in calls:
                self.seen = name
                self.open_it()

        def fsync_folder(self) -> None:
            calls.append("synced")
            super().fsync_folder()

        def release(self, descriptor: int) -> bool:
            calls.append("released")
            return super().release(descriptor)

    assert fate(cleanup(folder, directory=Opened))[0] == "skipped"
    assert calls[calls.index("opened") + 1] == "released"
    assert content(folder) == {SEGMENT: old}
