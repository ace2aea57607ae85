"""Old files that did not only grow, lines that are written in parts, and what becomes of both: on a real folder."""

import errno
import mmap
import os
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from audit_log import entries
from command import until
from one_segment import LATE, NEW, OLD, SEGMENT, append, content, fate, folder
from one_segment import cleanup as cleanup_of

from asynclog.records.kernel import choose_digest, choose_reader
from asynclog.storage.hidden_names import OldLink
from asynclog.storage.local.commit.overwritten_lines import LineStock
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.linux.lease_trust import file_system
from asynclog.storage.local.wait_times import Timing

__all__ = ["folder"]  # a fixture

cleanup = partial(cleanup_of, timing=Timing(drain_patience=0.1))  # most writers here hold a file for longer
HIDDEN = f".{SEGMENT}.al-old-0123abcd"
DIGEST = choose_digest(choose_reader(os.environ.get("ASYNCLOG_READER")))(b"", memoryview(OLD + NEW))
KNOWN = str(OldLink.of(SEGMENT, 0, b"abcd").advanced(len(OLD + NEW), DIGEST))


def test_a_line_that_is_written_in_two_parts_is_not_split(folder: Path) -> None:
    """The second part comes when the replacement is built: the segment stays as it is."""
    (folder / SEGMENT).write_bytes(OLD + NEW + LATE[:20])

    class Completed(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            if os.fstat(descriptor).st_size < len(OLD + NEW + LATE):
                append(descriptor, LATE[20:])
            return super().lease(descriptor)

    assert fate(cleanup(folder, directory=Completed)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: OLD + NEW + LATE}


def test_what_was_judged_as_a_lines_beginning_has_to_be_one(folder: Path) -> None:
    """Somebody joins an expired line with the one before it, between scan and copy: neither loses a byte."""
    stays = NEW[:-1].ljust(1023) + b"\n"
    before = stays * 1024  # a block of the scan
    (folder / SEGMENT).write_bytes(before + OLD * 100 + stays)

    class Joined(LogDirectory):
        def open(self, name: str) -> int:
            with (folder / SEGMENT).open("r+b") as file:
                file.seek(len(before) - 1)
                file.write(b" ")
            return super().open(name)

    assert fate(cleanup(folder, directory=Joined)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: before[:-1] + b" " + OLD * 100 + stays}


def test_an_old_file_that_became_shorter_comes_whole(folder: Path) -> None:
    """Somebody who had waited for the lease began it anew: all that he wrote is new."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / f"{HIDDEN}-{len(OLD + NEW)}").write_bytes(LATE)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_an_old_file_that_was_begun_anew_and_grew_comes_whole(folder: Path) -> None:
    """It is longer than what is accounted for, but its name tells that other bytes were."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / KNOWN).write_bytes(LATE * 3)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE * 3}


def test_an_old_file_is_not_new_because_the_policy_is(folder: Path) -> None:
    """A job was killed, and now everything is kept for longer: what stayed then is there once."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / KNOWN).write_bytes(OLD + NEW)
    (folder.parent / "schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30000}]")
    assert cleanup(folder).result.late_segments == []
    assert content(folder) == {SEGMENT: NEW}


def test_an_old_file_may_be_begun_anew_twice(folder: Path) -> None:
    """Each time all that it holds comes as a late segment; what came before stays."""
    (folder / SEGMENT).write_bytes(NEW)
    with (folder / KNOWN).open("ab", buffering=0) as writer:
        writer.write(NEW.replace(b"23T", b"22T"))
        (first,) = cleanup(folder).result.late_segments
        writer.truncate(0)
        writer.write(LATE * 2)
    (second,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, first: NEW.replace(b"23T", b"22T"), second: LATE * 2}


@pytest.mark.parametrize("held", [False, True], ids=["let go", "held open"])
def test_an_old_file_truncated_while_published_is_no_failure(folder: Path, held: bool) -> None:
    """What is left of it comes with the next try, in this job or in the next."""
    (folder / SEGMENT).write_bytes(NEW)
    hidden = folder / f"{HIDDEN}-{len(OLD)}"
    hidden.write_bytes(OLD + LATE + LATE)

    class Shortened(LogDirectory):
        """The lease is over, for the job stood still for longer than Linux waits; nobody tells it."""

        def lease(self, descriptor: int) -> bool:
            if super().lease(descriptor):
                self.release(descriptor)
            return True

        def leased(self, descriptor: int) -> bool:
            return True

        def create(self, name: str) -> int:
            if "-late-" in name and hidden.exists() and hidden.stat().st_size > len(OLD + LATE):
                os.truncate(hidden, len(OLD + LATE))
            return super().create(name)

    with hidden.open("ab") if held else open(os.devnull, "rb"):
        assert cleanup(folder, directory=Shortened).exit_code == 0
    assert cleanup(folder).exit_code == 0
    assert sorted(content(folder).values()) == sorted([NEW, LATE])


def test_who_opens_an_old_file_before_its_folder_is_synced_keeps_his_line(folder: Path) -> None:
    """His open() waits for the lease, and once that ends, the file must still have a name."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / KNOWN).write_bytes(OLD + NEW)
    writers: list[threading.Thread] = []

    class Joined(LogDirectory):
        leases: ClassVar[list[int]] = []

        def lease(self, descriptor: int) -> bool:
            self.leases.append(descriptor)
            return super().lease(descriptor)

        def sync_folder(self, ticket: int | None = None) -> None:
            if not writers and self.leases and self.leased(self.leases[-1]):
                path = os.readlink(f"/proc/self/fd/{self.leases[-1]}")
                writers.append(threading.Thread(target=append_to, args=(os.open(path, os.O_PATH),)))
                writers[0].start()
                until(lambda: not self.leased(self.leases[-1]))
            super().sync_folder(ticket)

    def append_to(descriptor: int) -> None:
        append(descriptor, LATE)
        os.close(descriptor)

    cleanup(folder, directory=Joined)
    writers[0].join()
    cleanup(folder)
    assert b"".join(content(folder).values()).count(LATE) == 1


class Held(LogDirectory):
    """Somebody opens the segment once its lease ends, and keeps it."""

    writers: ClassVar[list[int]] = []

    def release(self, descriptor: int) -> bool:
        released = super().release(descriptor)
        if released:
            self.writers.append(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))
        return released


def overwrite(descriptor: int, line: bytes) -> None:
    """Its beginning, with as many bytes; and puts the times back."""
    status = os.fstat(descriptor)
    os.pwrite(descriptor, line, 0)
    os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_is_overwritten_right_after_the_lease_is_seen(folder: Path) -> None:
    """By a writer who puts the time back before anything else is done: his line comes."""

    class PutBack(LogDirectory):
        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            if released and os.fstat(descriptor).st_ino != (folder / SEGMENT).stat().st_ino:
                writer = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
                overwrite(writer, LATE)
                os.close(writer)
            return released

    (late,) = cleanup(folder, directory=PutBack).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_a_mapping_in_memory_that_stores_after_the_lease_is_seen() -> None:
    """On tmpfs that moves no time at all, once the pages were read."""
    if file_system_of("/dev/shm") != "tmpfs":  # noqa: S108 - it is what this is about
        pytest.skip("it is no tmpfs here")
    with TemporaryDirectory(dir="/dev/shm") as place:
        folder = Path(place, "audit")
        folder.mkdir()
        Path(place, "schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
        (folder / SEGMENT).write_bytes(OLD + NEW)

        class Mapped(LogDirectory):
            def release(self, descriptor: int) -> bool:
                released = super().release(descriptor)
                if released and os.fstat(descriptor).st_ino != (folder / SEGMENT).stat().st_ino:
                    with open(f"/proc/self/fd/{descriptor}", "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
                        assert mapping[:]  # reading makes the pages writable: the store that follows is seen nowhere
                        mapping[: len(LATE)] = LATE
                return released

        (late,) = cleanup(folder, directory=Mapped).result.late_segments
        assert content(folder) == {SEGMENT: NEW, late: LATE}


def file_system_of(path: str) -> str:
    folder = os.open(path, os.O_RDONLY)
    try:
        return file_system(folder).kind
    finally:
        os.close(folder)


@pytest.mark.parametrize("pairs", [1, 40], ids=["in one range", "in many ranges"])
@pytest.mark.parametrize("appended", [b"", LATE], ids=["only that", "and went on"])
def test_the_next_job_sees_what_was_overwritten_in_an_old_file(
    folder: Path,
    pairs: int,
    appended: bytes,
) -> None:
    """The job that judged it has ended; its digest is in the name. That line comes, and what was appended."""
    old, new = (OLD + NEW.rjust(100_000)) * pairs, NEW.rjust(100_000) * pairs
    (folder / SEGMENT).write_bytes(old)
    (hidden,) = cleanup(folder, directory=Held).result.recovery_pending
    writer = Held.writers.pop()
    overwrite(writer, LATE)
    os.pwrite(writer, appended, len(old))
    os.close(writer)
    late = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: new, **dict(zip(late, [LATE, appended], strict=False))}
    assert hidden not in content(folder)


def test_what_was_moved_out_of_an_old_file_counts_as_known(folder: Path) -> None:
    """Each job publishes what was added; the one after that sees if any of it is overwritten."""
    cleanup(folder, directory=Held)
    writer = Held.writers.pop()
    os.pwrite(writer, NEW, len(OLD + NEW))
    (first,) = cleanup(folder).result.late_segments
    assert cleanup(folder).result.late_segments == []
    overwrite(writer, LATE)
    os.close(writer)
    (second,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, first: NEW, second: LATE}


@pytest.mark.parametrize("hole", [1 << 17, 3 << 20], ids=["a small hole", "a large one"])
def test_an_old_file_with_a_hole_is_known_again(folder: Path, hole: int) -> None:
    """However its holes were divided when it was read: nothing comes twice."""
    with (folder / SEGMENT).open("ab") as file:
        for _ in range(3):
            file.seek(hole, os.SEEK_CUR)
            file.write(b"\n" + OLD + NEW)
    assert len(cleanup(folder, directory=Held).result.recovery_pending) == 1
    os.close(Held.writers.pop())
    assert cleanup(folder).result.late_segments == []
    assert [path.name for path in entries(folder)] == [SEGMENT]


def record(number: int) -> bytes:
    """Return a line like NEW, of the same length whatever its number (below 900)."""
    return NEW.replace(b"}", b', "n": %d}' % (100 + number))


@pytest.fixture
def hold(folder: Path) -> int:
    """Have a writer hold the file that a first job has replaced: of 40 lines all but each other one had expired."""
    old = OLD.replace(b"}", b', "n": 999}')
    (folder / SEGMENT).write_bytes(b"".join(old if number % 2 else record(number) for number in range(40)))
    cleanup(folder, directory=Held)
    return Held.writers.pop()


def lines_after(folder: Path) -> list[bytes]:
    """Run two jobs, and return all lines that are there then, sorted."""
    cleanup(folder)
    assert cleanup(folder).result.recovery_pending == []
    return sorted(line for data in content(folder).values() for line in data.splitlines(keepends=True))


KEPT = [record(number) for number in range(0, 40, 2)]


def test_a_line_that_comes_back_is_not_lost(folder: Path, hold: int) -> None:
    """It was published, overwritten, and written again: the late segment of before is not replaced."""
    for number in (500, 501, 500):
        overwrite(hold, record(number))
        cleanup(folder)
    os.close(hold)
    assert lines_after(folder) == sorted([*KEPT, record(500), record(501)])


def test_an_old_file_may_lose_its_last_line(folder: Path, hold: int) -> None:
    """As a daemon does that cuts off what it takes for torn: nothing comes twice."""
    os.ftruncate(hold, os.fstat(hold).st_size - 5)
    os.close(hold)
    assert [line for line in lines_after(folder) if line in KEPT] == sorted(KEPT)


@pytest.mark.parametrize("left", [b"", KEPT[0] + b"half of ", b"half of "])
def test_an_old_file_may_be_cut_in_the_middle_of_a_line(folder: Path, hold: int, left: bytes) -> None:
    """Its writer is not done with that line: it comes as one."""
    os.ftruncate(hold, 0)
    os.pwrite(hold, left, 0)
    cleanup(folder)
    os.pwrite(hold, b"a line\n", len(left))
    os.close(hold)
    whole = left.removeprefix(KEPT[0]) + b"a line\n"
    assert [line for line in lines_after(folder) if line not in KEPT] == [whole]


def test_lines_that_nobody_takes_hide_none_of_another_segment() -> None:
    """Each segment is looked at so many lines ahead."""
    grown, late = [b"grown %d\n" % number for number in range(100)], [b"late %d\n" % number for number in range(100)]
    stock = LineStock([iter(grown), iter(late)], ahead=20)
    assert all(stock.take(line) for line in late)
    assert not stock.take(late[0])
    assert stock.found


def test_a_line_may_be_overwritten_with_one_that_comes_later(folder: Path, hold: int) -> None:
    """That is there twice then, and what stands between the two once."""
    overwrite(hold, record(38))
    os.close(hold)
    assert lines_after(folder) == sorted([*KEPT, record(38)])


def test_a_line_may_be_overwritten_beyond_what_was_accounted_for(folder: Path, hold: int) -> None:
    """The last line, with a longer one: nothing else comes twice."""
    size = os.fstat(hold).st_size
    longer = record(600).replace(b"}", b', "more": "%s"}' % (b"x" * 200))
    os.pwrite(hold, longer, size - len(record(0)))
    os.close(hold)
    assert lines_after(folder) == sorted([*KEPT, longer])


def test_a_file_without_a_last_newline_may_be_overwritten(folder: Path) -> None:
    """The writer appends the newline and a record: nothing comes twice."""
    (folder / SEGMENT).write_bytes(record(1) + OLD + record(2)[:-1])
    cleanup(folder, directory=Held)
    writer = Held.writers.pop()
    overwrite(writer, record(3))
    os.pwrite(writer, b"\n" + record(4), os.fstat(writer).st_size)
    os.close(writer)
    after = b"\n".join(line.strip() for line in lines_after(folder))
    assert sorted(after.split(b"\n")) == sorted(record(number).strip() for number in (1, 2, 3, 4))


def test_lines_in_a_displaced_replacement_are_kept(folder: Path) -> None:
    """Far behind its beginning; somebody else came to the old file in that moment, so that it got its name back."""
    old, new = OLD.replace(b"}", b', "n": 999}'), [record(number) for number in range(100)]
    (folder / SEGMENT).write_bytes(old + b"".join(new))

    class Undone(LogDirectory):
        is_exchanged = False

        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            self.is_exchanged = not self.is_exchanged
            if self.is_exchanged:
                with (folder / other).open("r+b") as file:
                    file.seek(len(record(0)) * 99)
                    file.write(record(700))

        def leased(self, descriptor: int) -> bool:
            named = os.path.samestat(os.fstat(descriptor), (folder / SEGMENT).stat())
            return named and super().leased(descriptor)

    assert fate(cleanup(folder, directory=Undone))[0] == "skipped"
    assert lines_after(folder) == sorted([*new, record(700)])


def test_an_old_file_waits_for_the_end_of_its_line(folder: Path) -> None:
    """It is longer than what was accounted for, and has no line yet: nothing of it is lost, and no job breaks down."""
    (folder / SEGMENT).write_bytes(OLD + NEW)
    cleanup(folder, directory=Held)
    writer = Held.writers.pop()
    line = record(1).replace(b"}", b', "more": "%s"}' % (b"x" * 200))
    os.pwrite(writer, line[:-10], 0)
    assert cleanup(folder).exit_code == 0
    os.pwrite(writer, line, 0)
    os.close(writer)
    assert lines_after(folder) == sorted([NEW, line])


def test_a_replacement_with_a_large_hole_may_lose_its_name_again(folder: Path) -> None:
    """It can't be compared; its time says that nobody has written to it."""
    with (folder / SEGMENT).open("wb") as file:
        file.write(OLD + NEW)
        file.seek(3 << 20, os.SEEK_CUR)
        file.write(b"\n" + OLD + NEW)

    class Late(LogDirectory):
        def leased(self, descriptor: int) -> bool:
            return os.path.samestat(os.fstat(descriptor), (folder / SEGMENT).stat()) and super().leased(descriptor)

    report = cleanup(folder, directory=Late)
    assert (fate(report)[0], report.exit_code, report.result.late_segments) == ("skipped", 0, [])
    assert cleanup(folder).result.late_segments == []
    assert [path.name for path in entries(folder)] == [SEGMENT]
    assert (folder / SEGMENT).read_bytes().replace(b"\0", b"").split() == (NEW + NEW).split()


def test_a_late_segment_that_is_rotated_at_once_comes_once(folder: Path) -> None:
    """Somebody gives it another name as soon as it has one, before the old file is known to be accounted for."""
    (folder / SEGMENT).write_bytes(OLD + NEW)

    class Rotated(LogDirectory):
        def link(self, name: str, new: str) -> None:
            super().link(name, new)
            with (folder / SEGMENT).open("ab") as file:
                file.write(LATE)

        def rename_noreplace(self, name: str, new: str) -> None:
            super().rename_noreplace(name, new)
            (folder / new).rename(folder / "logs.jsonl.1")

    cleanup(folder, directory=Rotated)
    assert cleanup(folder).exit_code == 0
    assert content(folder) == {SEGMENT: NEW, "logs.jsonl.1": LATE}


def late_name(folder: Path) -> str:
    """Return the name of the late segment that a job makes of an old file with a new line."""
    (folder / KNOWN).write_bytes(OLD + NEW + LATE)
    (late,) = cleanup(folder).result.late_segments
    return str(late)


@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_late_segment_that_can_not_be_examined_comes_once(folder: Path, which: int) -> None:
    """A job was killed just after it was published, and in the next one the disk fails once as it is looked at."""
    (folder / SEGMENT).write_bytes(NEW)
    late = late_name(folder)
    (folder / KNOWN).write_bytes(OLD + NEW + LATE)

    class Failing(LogDirectory):
        left: ClassVar[list[int]] = [which]

        def status(self, name: str) -> os.stat_result:
            if name == late:
                self.left[0] -= 1
                if self.left[0] == 0:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().status(name)

    cleanup(folder, directory=Failing)
    cleanup(folder)
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_a_late_segment_is_as_private_as_the_log(folder: Path) -> None:
    """The log's mode was changed by a pattern, and no pattern matches the hidden name of an old file."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / SEGMENT).chmod(0o640)
    (folder / KNOWN).touch(0o604)
    late = late_name(folder)
    assert (folder / late).stat().st_mode & 0o777 == 0o600
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_a_late_segment_that_was_emptied_blocks_no_other(folder: Path) -> None:
    """A job was killed as it had published it, and somebody has copied and emptied it since."""
    (folder / SEGMENT).write_bytes(NEW)
    published = late_name(folder)
    (folder / published).write_bytes(b"")
    late = late_name(folder)
    assert late != published
    assert content(folder) == {SEGMENT: NEW, published: b"", late: LATE}


def test_what_follows_an_emptied_late_segment_comes_once(folder: Path) -> None:
    """Even if the disk fails just after the next one was published."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / late_name(folder)).write_bytes(b"")
    (folder / KNOWN).write_bytes(OLD + NEW + LATE)

    class Failing(LogDirectory):
        has_published = False

        def rename_noreplace(self, name: str, new: str) -> None:
            super().rename_noreplace(name, new)
            self.has_published = True

        def fsync_folder(self) -> None:
            if self.has_published:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync_folder()

    cleanup(folder, directory=Failing)
    cleanup(folder)
    assert sorted(content(folder).values()) == sorted([b"", NEW, LATE])


@pytest.mark.parametrize("kind", ["a sparse file of another user's", "a folder", "a symbolic link"])
def test_what_somebody_put_in_a_late_segments_place_is_none(folder: Path, kind: str) -> None:
    """A neighbour may read its name off the old file's; with a hole it has no digest that could tell."""
    lines = LATE * 2000
    (folder / SEGMENT).write_bytes(NEW)
    place = folder / late_name(folder)
    place.unlink()
    (folder / KNOWN).write_bytes(OLD + NEW + lines)
    match kind:
        case "a folder":
            place.mkdir()
        case "a symbolic link":
            place.symlink_to(SEGMENT)
        case _ if os.geteuid():
            pytest.skip("only root can give a file away")
        case _:
            place.touch()
            os.truncate(place, len(lines))
            os.chown(place, 4002, -1)
    report = cleanup(folder)
    (late,) = report.result.late_segments
    assert (report.exit_code, (folder / late).read_bytes()) == (0, lines)
    assert late != place.name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_line_that_a_neighbour_has_copied_is_not_known(folder: Path) -> None:
    """He gave the copy the name of a late segment, and may remove it as soon as the old file is gone."""
    (folder / SEGMENT).write_bytes(NEW)
    line = LATE[:-1].ljust(len(OLD) - 1) + b"\n"
    (folder / KNOWN).write_bytes(line + NEW)
    copy = folder / f"logs-late-0{OldLink.of(SEGMENT, 0, b'abcd').origin}0000-0.jsonl"
    copy.write_bytes(line)
    os.chown(copy, 4002, -1)
    (late,) = cleanup(folder).result.late_segments
    copy.unlink()
    assert content(folder) == {SEGMENT: NEW, late: line}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_line_under_a_segments_name_that_a_neighbour_took_is_not_known(folder: Path) -> None:
    """The replacement was rotated after a kill, and he has put a copy of the line in its place."""
    (folder / f"{SEGMENT}.1").write_bytes(NEW)
    line = LATE[:-1].ljust(len(OLD) - 1) + b"\n"
    (folder / KNOWN).write_bytes(line + NEW)
    (folder / SEGMENT).write_bytes(line)
    os.chown(folder / SEGMENT, 4002, -1)
    cleanup(folder)
    (folder / SEGMENT).unlink()
    assert line in b"".join(content(folder).values())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_line_under_the_name_of_what_this_job_has_dropped_is_not_known(folder: Path) -> None:
    """Right after the drop a writer overwrites the old file, and a neighbour puts a copy in its place."""
    (folder / SEGMENT).write_bytes(OLD)

    class Copied(LogDirectory):
        def release(self, descriptor: int) -> bool:
            released = super().release(descriptor)
            if released and not (folder / SEGMENT).exists():
                writer = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
                overwrite(writer, LATE)
                os.close(writer)
                (folder / SEGMENT).write_bytes(LATE)
                os.chown(folder / SEGMENT, 4002, -1)
            return released

    cleanup(folder, directory=Copied)
    (folder / SEGMENT).unlink()
    assert list(content(folder).values()) == [LATE]


@pytest.mark.parametrize("kind", ["a folder", "a symbolic link"])
def test_what_somebody_put_in_a_dropped_segments_place_holds_no_line_back(folder: Path, kind: str) -> None:
    """Nor does it once the old file was overwritten, and its lines are looked for there."""
    (folder / SEGMENT).unlink()
    (folder / KNOWN).write_bytes(LATE + NEW)
    if kind == "a folder":
        (folder / SEGMENT).mkdir()
    else:
        (folder / SEGMENT).symlink_to("elsewhere")
    report = cleanup(folder)
    (late,) = report.result.late_segments
    assert (report.result.recovery_pending, (folder / late).read_bytes()) == ([], LATE + NEW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to any group")
def test_a_late_segment_is_not_for_the_group_of_before(folder: Path) -> None:
    """The log belongs to another group now."""
    (folder / SEGMENT).write_bytes(NEW)
    os.chown(folder / SEGMENT, -1, 4002)
    (folder / SEGMENT).chmod(0o644)
    assert (folder / late_name(folder)).stat().st_mode & 0o777 == 0o604


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to any group")
def test_a_late_segment_is_not_for_a_group_that_is_kept_out(folder: Path) -> None:
    """Everybody else may read the log; of a late segment of another group that group would be anybody."""
    (folder / SEGMENT).write_bytes(NEW)
    os.chown(folder / SEGMENT, -1, 4002)
    (folder / SEGMENT).chmod(0o604)
    assert (folder / late_name(folder)).stat().st_mode & 0o777 == 0o600
