"""The generator's archives on the disk, each made once, and what is known of it before anything is measured."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.answers import Census
from benchmarks.generate import SCHEMAS, Spec, Summary
from benchmarks.timing import BenchmarkError

SPARE = 1 << 30  # bytes that a disk should still have when all is written
SECONDS = "%Y-%m-%dT%H:%M:%S"
NOW = Spec.until.strftime(f"{SECONDS}Z")
PATTERN = "logs-2*.jsonl*"


class Shape(NamedTuple):
    """Bytes of a record, bytes of the archive, and in how many segments."""

    record: int
    size: int
    segments: int = Spec.segments
    packed: str = ""  # the suffix of the format in which they are compressed

    def generated(self) -> dict[str, int]:
        """Return what the generator is told."""
        return {"record": self.record, "size": self.size, "segments": self.segments}


@dataclass(frozen=True)
class Archive:
    """A generated archive. `census` is asynclog's, and agrees with what the generator counted while writing."""

    folder: Path
    summary: Summary
    census: Census

    @property
    def log(self) -> Path:
        return self.folder / "logs.jsonl"

    @property
    def segments(self) -> list[Path]:
        return sorted(self.folder.glob(PATTERN))


def cutoffs() -> dict[str, str]:
    """Of each schema with a period, the time before which its records have expired.

    Without its zone, it sorts as text before every time of that second, whether or not that has a fraction.
    """
    days = {schema.key: schema.retention_days for schema in SCHEMAS if schema.retention_days is not None}
    return {key: (Spec.until - timedelta(days=number)).strftime(SECONDS) for key, number in days.items()}


class Store:
    """Makes archives in a folder, on demand, and tells how much room there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, shape: Shape) -> bool:
        """Whether the archive of this shape is there already."""
        return self._finished(shape).exists()

    def free(self) -> int:
        """Return how many bytes may still be written."""
        return max(0, shutil.disk_usage(self.folder).free - SPARE)

    def archive(self, shape: Shape) -> Archive:
        """Return the archive of this shape; make it now if it is not there. Raise BenchmarkError."""
        folder, finished = self._folder(shape), self._finished(shape)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            options = [word for name, value in shape.generated().items() for word in (f"--{name}", value)]
            summary = in_python("benchmarks.generate", folder, *options)
            if shape.packed:
                in_python("benchmarks.pack", folder, shape.packed)
            settle(folder)
            finished.write_text(summary, encoding="utf-8")
        archive = Archive(folder, Summary(**json.loads(finished.read_text(encoding="utf-8"))), {})
        return replace(archive, census=_census(archive))

    def keep_only(self, shapes: Iterable[Shape]) -> None:
        """Remove all other archives."""
        kept = {self._folder(shape) for shape in shapes}
        for folder in self.folder.iterdir():
            if folder not in kept:
                shutil.rmtree(folder)

    def _folder(self, shape: Shape) -> Path:
        return self.folder / "-".join(map(str, shape)).rstrip("-")

    def _finished(self, shape: Shape) -> Path:
        return self._folder(shape) / "summary.json"


def _census(archive: Archive) -> Census:
    census: Census = {
        key: tuple(row) for key, row in json.loads(in_python("benchmarks.census", archive.log, NOW)).items()
    }
    records = {key: row[0] for key, row in sorted(census.items())}
    expired = {key: row[3] for key, row in sorted(census.items()) if row[3]}
    if (records, expired) != (archive.summary.records_per_schema, archive.summary.expired_per_schema):
        raise BenchmarkError(f"asynclog counts otherwise than the generator: {census} in {asdict(archive.summary)}")
    return census


def in_python(module: str, *words: object) -> str:
    """Run a module in a process of its own, so that this one stays small; return its output. Raise BenchmarkError."""
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{module} failed: {done.stderr.strip()}")
    return done.stdout


def copy_of(archive: Archive, target: Path) -> None:
    """Put a fresh copy in the target folder's place, all of it on the disk before a cleanup begins."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(archive.folder, target)
    settle(target)


def emptied(target: Path) -> None:
    """Put an empty folder there."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    settle(target)


def settle(folder: Path) -> None:
    """Wait until the folder and its files are on the disk."""
    for path in [*folder.iterdir(), folder]:
        with _opened(path) as descriptor:
            os.fsync(descriptor)


def drop_from_cache(folder: Path) -> None:
    """Has the kernel forget the pages of these files, and of no others; that needs no rights."""
    for path in folder.iterdir():
        with _opened(path) as descriptor:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
