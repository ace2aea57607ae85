"""Room on the disk: a file that does not fit is not begun, and what is promised to one is not promised to another."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from asynclog.storage.local.disk_space import Room, space_for

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_what_is_promised_is_not_promised_again(folder: int) -> None:
    """Until it is written or given back; others on this disk may take a tenth meanwhile."""
    status = os.statvfs(folder)
    most = status.f_bavail * status.f_frsize * 9 // 10
    room = Room(folder)
    with room.reserved(most) as first:
        with pytest.raises(OSError, match="There is no room on the disk"), room.reserved(most):
            pass
        first.spend(most)
        with room.reserved(most):
            pass
    with room.reserved(most):
        pass


def test_more_than_is_free_is_not_promised(folder: int) -> None:
    """The sentence says what is needed and what is free."""
    with pytest.raises(OSError, match=r"[0-9,]+ bytes, and [0-9,]+ are free"), Room(folder).reserved(1 << 60):
        pass


@pytest.mark.parametrize(("holes", "most"), [([], 6 * MIB), ([MIB] * 3, 3 * MIB + 3 * 8192), ([MIB * 900], 4 * MIB)])
def test_holes_need_no_room(tmp_path: Path, holes: list[int], most: int) -> None:
    """But for the blocks at their edges; never more than the copy's own size."""
    with (tmp_path / "file").open("wb") as file:
        for size in holes:
            file.write(b"x" * MIB)
            file.seek(size, os.SEEK_CUR)
        file.write(b"x" * (3 - len(holes)) * MIB + b"x" * (0 if holes else 3 * MIB))
        file.truncate(file.tell())
        file.flush()
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    with (tmp_path / "file").open("rb") as file:
        assert space_for(file.fileno(), size) <= most
        assert space_for(file.fileno(), 1000) == 1000
