"""The commit of a whole file: its mtime was judged, so that is proven under the lease, and its bytes are."""

import os
from pathlib import Path
from typing import Any

import pytest
from one_run import run_once
from one_segment import content

from asynclog import Report
from asynclog.storage.local.directory import LogDirectory

NOW = "2026-11-24T00:00:00Z"
OLD, YOUNG = 1_600_000_000 * 10**9, 1_763_900_000 * 10**9
FILE = "report.pdf.xz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an old file and a newer one."""
    folder = tmp_path / "audit"
    folder.mkdir()
    (tmp_path / "schemas.yaml").write_text("schemas: [{schema_name: document, retention_days: 30}]")
    audit = '{path: audit/docs.bin, schemas: schemas.yaml, segments: "*"}'
    (tmp_path / "asynclog.yaml").write_text(
        f"profiles: {{default: {{audit: {audit}, format: file, fields: {{schema: {{constant: document}}}}}}}}"
    )
    for name, mtime in ((FILE, OLD), ("new", YOUNG)):
        (folder / name).write_bytes(b"one\ntwo")
        os.utime(folder / name, ns=(mtime, mtime))
    return folder


def cleanup(folder: Path, directory: type[LogDirectory] = LogDirectory, **options: Any) -> Report:
    """Run one job on the folder."""
    return run_once(directory=directory, config=str(folder.parent / "asynclog.yaml"), now=NOW, jobs=1, **options)


def fate(report: Report) -> tuple[str | None, str | None]:
    """Return what became of the one file that was to go."""
    (row,) = report.result.actions
    return row.outcome, row.outcome_reason


def test_an_old_file_goes(folder: Path) -> None:
    """Nothing of it is left."""
    assert fate(cleanup(folder)) == ("done", None)
    assert content(folder) == {"new": b"one\ntwo"}


class Touched(LogDirectory):
    """Somebody touches the file before its lease is taken."""

    def lease(self, descriptor: int) -> bool:
        os.utime(descriptor, ns=(YOUNG, YOUNG))
        return super().lease(descriptor)


def test_a_file_that_was_touched_before_the_lease_stays(folder: Path) -> None:
    """Although its bytes are the same: its time is what was judged."""

    assert fate(cleanup(folder, Touched)) == ("skipped", "it has changed since it was scanned")
    assert set(content(folder)) == {FILE, "new"}


def test_a_file_whose_time_was_put_back_stays(folder: Path) -> None:
    """Its bytes are not those that were there when its time was looked at last."""

    class Overwritten(LogDirectory):
        def lease(self, descriptor: int) -> bool:
            (folder / FILE).write_bytes(b"two\none")
            os.utime(folder / FILE, ns=(OLD, OLD))
            return super().lease(descriptor)

    assert fate(cleanup(folder, Overwritten)) == ("skipped", "it has changed since it was scanned")
    assert content(folder)[FILE] == b"two\none"


def test_a_file_that_is_open_for_writing_stays(folder: Path) -> None:
    """As a segment does."""
    with (folder / FILE).open("ab"):
        assert fate(cleanup(folder)) == ("skipped", "it is busy: somebody has it open for writing")
    assert set(content(folder)) == {FILE, "new"}


@pytest.mark.parametrize(("flags", "whole"), [(os.O_APPEND, b"one\ntwothree"), (0, b"threewo")])
def test_a_file_that_is_written_to_after_its_commit_comes_back_whole(folder: Path, flags: int, whole: bytes) -> None:
    """A writer may have found its name just before: a part of a document would be of no use."""

    class Written(LogDirectory):
        def release(self, descriptor: int) -> bool:
            stood = super().release(descriptor)
            if not (folder / FILE).exists() and b"three" not in os.pread(descriptor, 99, 0):
                writer = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | flags)
                os.write(writer, b"three")
                os.close(writer)
            return stood

    report = cleanup(folder, Written)
    (late,) = report.result.late_segments
    assert late.endswith(".xz")
    assert content(folder)[late] == whole


def test_an_empty_file_that_was_touched_stays(folder: Path) -> None:
    """It is a record like any other."""
    (folder / FILE).write_bytes(b"")
    os.utime(folder / FILE, ns=(OLD, OLD))

    assert fate(cleanup(folder, Touched)) == ("skipped", "it has changed since it was scanned")
    assert set(content(folder)) == {FILE, "new"}
