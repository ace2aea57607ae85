"""What goes was read: no file that seems to be the same is taken for the one that was."""

import ctypes
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import cleanup, run, until

OLD, NEW = record(days=400), record(days=1)
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Make a folder with a policy on a disk, or in memory, where a page that was written to is never clean again."""
    with ExitStack() as stack:
        place = tmp_path
        if request.param == "memory":
            if not os.access("/dev/shm", os.W_OK):  # noqa: S108 - a folder of our own is made there
                pytest.skip("there is no /dev/shm here")
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        write_policy(place)
        yield place


def settled(path: Path) -> None:
    """Wait until the file's times are old enough to be believed, as they are the next night."""
    until(lambda: time.time() - path.stat().st_ctime > 2.1)


@pytest.mark.parametrize("known", [True, False], ids=["in the catalog", "without a catalog"])
def test_a_record_that_a_mapping_stored_stays(folder: Path, known: bool) -> None:
    """No time of the file moves when it is stored, and the writer is gone when the job comes."""
    log = write_log(folder / "audit", {"logs.jsonl": OLD + OLD})
    words = ("--state", str(folder / "state")) if known else ("--no-catalog",)
    with log.open("r+b") as file:
        address = _libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file.fileno(), 0)
    ctypes.memmove(address, OLD, len(OLD))
    settled(log)
    before = log.stat()
    assert cleanup(folder, *words, "--dry-run").result["deleted_per_schema"] == {"app:1": 2}
    assert len(NEW) == len(OLD)
    ctypes.memmove(address + len(OLD), NEW, len(NEW))
    _libc.munmap(address, 4096)
    after = log.stat()
    if (before.st_mtime_ns, before.st_ctime_ns) != (after.st_mtime_ns, after.st_ctime_ns):
        pytest.skip("the page had been written back: the store moved the file's times")
    done = cleanup(folder, *words)
    assert done.code == 0
    assert log.exists(), "the record was never read"
    assert log.read_bytes() in {NEW, OLD + NEW}
    told = done.result
    assert told["deleted_per_schema"].get("app:1", 0) + sum(told["overdue"]["records"].values()) == 1
    cleanup(folder, *words)
    assert log.read_bytes() == NEW


def test_an_edited_head_of_a_growing_segment_is_noticed(tmp_path: Path) -> None:
    """A correction in place, far before what is appended then: the next run counts what is there."""
    write_policy(tmp_path)
    log = write_log(tmp_path / "audit", {"logs.jsonl": NEW * 2_000})
    words = ("--state", str(tmp_path / "state"), "--allow-delete-all")
    settled(log)
    assert cleanup(tmp_path, *words, "--dry-run").result["deleted_per_schema"] == {}
    with log.open("r+b") as file:
        file.write(OLD * 500)
    with log.open("ab") as file:
        file.write(NEW)
    assert cleanup(tmp_path, *words).result["deleted_per_schema"] == {"app:1": 500}
    assert log.read_bytes() == NEW * 1_501


@pytest.mark.parametrize("reader", ["native", "python"])
@pytest.mark.parametrize("words", [(), ("--double-check",)], ids=["", "double"])
def test_a_line_longer_than_a_block_is_judged_like_any(tmp_path: Path, reader: str, words: tuple[str, ...]) -> None:
    """With `--double-check` as without, by both readers: beside one all expired lines go, and no other."""
    write_policy(tmp_path)
    rest = [line for size in range(3_000) for line in (record(text="y" * (50 + size % 90)), NEW)]
    log = write_log(tmp_path / "audit", {"logs.jsonl": [record(text="x" * 1_300_000), *rest]})
    env = {"ASYNCLOG_READER": reader}
    if reader == "native" and run("--version", env=env).code:
        pytest.skip("the kernel was not built here")
    done = cleanup(tmp_path, "--no-catalog", "--allow-delete-all", *words, env=env)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 3_001})
    assert log.read_bytes() == NEW * 3_000
