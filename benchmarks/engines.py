"""The contestants: which command does what, and what its answer is checked against."""

import json
import shutil
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.answers import same_census, same_cleanup, same_dry_run, same_files
from benchmarks.archives import NOW, Archive, copy_of, cutoffs, emptied
from benchmarks.environments import Peer
from benchmarks.layouts import Contents
from benchmarks.timing import BenchmarkError, Contestant, nothing

ASYNCLOG = str(Path(sysconfig.get_path("scripts")) / "asynclog")
CLEANUP = (ASYNCLOG, "cleanup", "--no-catalog", "--json")  # every run reads all there is, as the others do
MEANT = "--allow-delete-all"  # most of an archive has expired long ago, and each cleanup is the first one of it
READINTO, UNPACK = Path(__file__).parent / "readinto.py", Path(__file__).parent / "unpack.py"
OURS, PYTHON_READER, LIMIT, COPY = "asynclog", "asynclog, Python reader", "readinto", "cp + fsync of what stays"
LIBRARY, NOT_PACKED = "the library alone", "asynclog, the same lines not compressed"
LINE_COUNTS = {".gz": "zcat | wc -l", ".zst": "zstdcat | wc -l"}
DOUBLE, ON_TRUST = ", double-check", ", lines taken on trust"

Prepare = Callable[[], None]


def dry_run(archive: Archive, jobs: int, reader: str = "native", prepare: Prepare = nothing) -> Contestant:
    """asynclog's dry run with one of its readers."""
    return Contestant(
        OURS if reader == "native" else PYTHON_READER,
        jobs,
        (*CLEANUP, "--path", str(archive.log), "--now", NOW, "--dry-run", "--jobs", str(jobs)),
        archive.summary.bytes,
        {"ASYNCLOG_READER": reader},
        prepare,
        partial(same_dry_run, expected=archive.summary),
    )


def layout_run(folder: Path, preset: str, contents: Contents, jobs: int) -> Contestant:
    """Return asynclog's dry run of another product's log, which has its configuration beside it."""

    def check(output: bytes) -> None:
        records = json.loads(output)["result"]["records"]
        if (records["scanned"], records["deleted"]) != (contents.records, contents.expired):
            raise BenchmarkError(f"it counted {records}, not {contents}")

    words = ("--config", str(folder / "asynclog.yaml"), "--now", NOW, "--dry-run", "--jobs", str(jobs))
    return Contestant(f"{OURS}, {preset}", jobs, (*CLEANUP, *words), contents.bytes, {}, nothing, check)


def census(peer: Peer, archive: Archive, threads: int, prepare: Prepare = nothing) -> Contestant:
    """Return a peer that takes the same census."""
    return Contestant(
        peer.title,
        threads,
        peer.command("census", archive.folder, threads, json.dumps(cutoffs())),
        archive.summary.bytes,
        {},
        prepare,
        partial(same_census, expected=archive.census),
    )


def reading(segments: list[Path], listing: Path, threads: int, prepare: Prepare = nothing) -> Contestant:
    """Nothing but reading; `listing` is a file that is written for it."""
    size = sum(path.stat().st_size for path in segments)
    listing.write_text("".join(f"{path}\n" for path in segments), encoding="utf-8", errors="surrogateescape")

    def check(output: bytes) -> None:
        if int(output) != size:
            raise BenchmarkError(f"it read {int(output)} bytes, not {size}")

    command = (sys.executable, "-I", str(READINTO), str(threads), str(listing))
    return Contestant(LIMIT, threads, command, size, {}, prepare, check)


def unpacking(archive: Archive, listing: Path, threads: int) -> Contestant:
    """Return nothing but unpacking; `listing` is a file that is written for it."""
    listing.write_text("".join(f"{path}\n" for path in archive.segments), encoding="utf-8", errors="surrogateescape")

    def check(output: bytes) -> None:
        if int(output) != archive.summary.bytes:
            raise BenchmarkError(f"it unpacked {int(output)} bytes, not {archive.summary.bytes}")

    command = (sys.executable, "-I", str(UNPACK), str(threads), str(listing))
    return Contestant(LIBRARY, threads, command, archive.summary.bytes, {}, nothing, check)


def counting_lines(archive: Archive, suffix: str) -> Contestant:
    """Return the shell's count of the lines: it unpacks in one process and counts in another."""
    unpacker, counter = LINE_COUNTS[suffix].split(" | ")
    command = ("/bin/sh", "-c", f'{unpacker} -- "$@" | {counter}', "sh", *map(str, archive.segments))
    return Contestant(LINE_COUNTS[suffix], 1, command, archive.summary.bytes)


class Cleanups:
    """Cleanups of one archive, each of a fresh copy, in a folder beside it; `survivors` is what all have to leave."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.work = archive.folder.with_name(archive.folder.name + "-work")
        self.survivors = archive.folder.with_name(archive.folder.name + "-survivors")

    def asynclog(self, jobs: int, reader: str = "native", *, double_check: bool = False) -> Contestant:
        """Return the cleanup itself. The first one's survivors are what the others are compared with."""
        title = (OURS if reader == "native" else PYTHON_READER) + (DOUBLE if double_check else "")
        words = ("--path", str(self.work / "logs.jsonl"), "--now", NOW, "--jobs", str(jobs), MEANT)
        return Contestant(
            title,
            jobs,
            (*CLEANUP, *words, *(["--double-check"] if double_check else [])),
            self.archive.summary.bytes,
            {"ASYNCLOG_READER": reader},
            self._copied,
            self._check,
        )

    def peer(self, peer: Peer, threads: int) -> Contestant:
        """Return a peer that does the same: read, prove, decide, write the survivors, sync, replace. See `same_job`."""
        command = peer.command("cleanup", self.work, threads, json.dumps(cutoffs()))
        return self._rival(peer.title, threads, command, self.archive.summary.bytes, self._copied)

    def on_trust(self, peer: Peer, threads: int) -> Contestant:
        """Return a peer that proves and removes nothing: it writes the survivors of the archive itself elsewhere."""
        command = peer.command("cleanup", self.archive.folder, threads, json.dumps(cutoffs()), self.work)
        return self._rival(peer.title + ON_TRUST, threads, command, self.archive.summary.bytes, self._emptied)

    def copying(self, threads: int) -> Contestant:
        """Return the limit of writing: cp and fsync of what stays, nothing decided; always one process."""
        script = 'cp "$1"/* "$2" && sync "$2"/* "$2"'
        command = ("/bin/sh", "-c", script, "sh", str(self.survivors), str(self.work))
        return self._rival(COPY, threads, command, 0, self._emptied)

    def _rival(self, title: str, threads: int, command: tuple[str, ...], size: int, prepare: Prepare) -> Contestant:
        return Contestant(title, threads, command, size, {}, prepare, lambda _: same_files(self.work, self.survivors))

    def _copied(self) -> None:
        copy_of(self.archive, self.work)

    def _emptied(self) -> None:
        emptied(self.work)

    def _check(self, output: bytes) -> None:
        if not self.survivors.exists():
            self.survivors.mkdir()
            for path in self.work.glob("logs-2*.jsonl"):
                shutil.copy(path, self.survivors)
        same_cleanup(output, self.archive.summary, self.work, self.survivors)

    def remove(self) -> None:
        """Remove both folders."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(self.survivors, ignore_errors=True)
