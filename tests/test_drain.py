"""Old files that did not only grow, lines that are written in parts, and what becomes of both: on a real folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from one_segment import LATE, NEW, OLD, SEGMENT, append, cleanup, content, disk, fate, folder

from asynclog.apply.disk import Disk

__all__ = ["disk", "folder"]  # fixtures

HIDDEN = f".{SEGMENT}.al-old-0123abcd"  # of a file in which something had expired when it was replaced


def test_a_line_that_is_written_in_two_parts_is_not_split(folder: Path, disk: Callable[[type[Disk]], None]) -> None:
    """The second part comes when the replacement is built: the segment stays as it is."""
    (folder / SEGMENT).write_bytes(OLD + NEW + LATE[:20])

    class Completed(Disk):
        def lease(self, descriptor: int) -> bool:
            if os.fstat(descriptor).st_size < len(OLD + NEW + LATE):
                append(descriptor, LATE[20:])
            return super().lease(descriptor)

    disk(Completed)
    assert fate(cleanup(folder)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: OLD + NEW + LATE}


def test_what_was_judged_as_a_lines_beginning_has_to_be_one(folder: Path, disk: Callable[[type[Disk]], None]) -> None:
    """Somebody joins an expired line with the one before it, between scan and copy: neither loses a byte."""
    stays = NEW[:-1].ljust(1023) + b"\n"
    before = stays * 1024  # a block of the scan
    (folder / SEGMENT).write_bytes(before + OLD * 100 + stays)

    class Joined(Disk):
        def open(self, name: str) -> int:
            with (folder / SEGMENT).open("r+b") as file:
                file.seek(len(before) - 1)
                file.write(b" ")
            return super().open(name)

    disk(Joined)
    assert fate(cleanup(folder)) == ("skipped", "it has changed since it was scanned")
    assert content(folder) == {SEGMENT: before[:-1] + b" " + OLD * 100 + stays}


def test_an_old_file_that_became_shorter_comes_whole(folder: Path) -> None:
    """Somebody who had waited for the lease began it anew: all that he wrote is new."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / f"{HIDDEN}-{len(OLD + NEW)}").write_bytes(LATE)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE}


def test_an_old_file_that_was_begun_anew_and_grew_comes_whole(folder: Path) -> None:
    """It is longer than what is accounted for, but nothing in it has expired, and its replacement begins otherwise."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / f"{HIDDEN}-{len(OLD + NEW)}").write_bytes(LATE * 3)
    (late,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, late: LATE * 3}


def test_an_old_file_is_not_new_because_the_policy_is(folder: Path) -> None:
    """A job was killed, and now everything is kept for longer: what stayed then is there once."""
    (folder / SEGMENT).write_bytes(NEW)
    (folder / f"{HIDDEN}-{len(OLD + NEW)}").write_bytes(OLD + NEW)
    (folder.parent / "schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30000}]")
    assert cleanup(folder).result.late_segments == []
    assert content(folder) == {SEGMENT: NEW}


def test_an_old_file_may_be_begun_anew_twice(folder: Path) -> None:
    """Each time all that it holds comes as a late segment; what came before stays."""
    (folder / SEGMENT).write_bytes(NEW)
    with (folder / f"{HIDDEN}-{len(OLD + NEW)}").open("ab", buffering=0) as writer:
        writer.write(NEW.replace(b"23T", b"22T"))
        (first,) = cleanup(folder).result.late_segments
        writer.truncate(0)
        writer.write(LATE * 2)
    (second,) = cleanup(folder).result.late_segments
    assert content(folder) == {SEGMENT: NEW, first: NEW.replace(b"23T", b"22T"), second: LATE * 2}


@pytest.mark.parametrize("held", [False, True], ids=["let go", "held open"])
def test_an_old_file_that_becomes_shorter_while_it_is_published_is_no_failure(
    folder: Path, disk: Callable[[type[Disk]], None], held: bool
) -> None:
    """What is left of it comes with the next try, in this job or in the next."""
    (folder / SEGMENT).write_bytes(NEW)
    hidden = folder / f"{HIDDEN}-{len(OLD)}"
    hidden.write_bytes(OLD + LATE + LATE)

    class Shortened(Disk):
        def create(self, name: str) -> int:
            if "-late-" in name and hidden.exists() and hidden.stat().st_size > len(OLD + LATE):
                os.truncate(hidden, len(OLD + LATE))
            return super().create(name)

    disk(Shortened)
    with hidden.open("ab") if held else open(os.devnull, "rb"):
        assert cleanup(folder).exit_code == 0
    disk(Disk)
    assert cleanup(folder).exit_code == 0
    assert sorted(content(folder).values()) == sorted([NEW, LATE])
