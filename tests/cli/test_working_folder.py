"""Nothing that lies in the working folder is run, and what is called there as a library's module breaks nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from audit_log import record, write_log, write_policy
from command import CALM, COMMAND, NOW, finish, start, until

from asynclog.cancellation import StopRequest
from asynclog.executors.processes import Processes
from asynclog.executors.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable

# What Python, or one of our libraries, imports when a job or one of its processes begins.
MODULES = (
    *(
        "init",
        "site",
        "sitecustomize",
        "usercustomize",
        "runpy",
        "pkgutil",
        "os",
        "io",
        "re",
        "json",
        "pickle",
        "signal",
    ),
    *(
        "struct",
        "typing",
        "subprocess",
        "threading",
        "selectors",
        "argparse",
        "contextlib",
        "sqlite3",
        "ctypes",
        "hashlib",
    ),
    *("anyio", "msgspec", "orjson", "yaml", "prometheus_client", "sniffio", "idna", "asyncio", "multiprocessing"),
)
SCRIPT = (str(Path(sys.executable).with_name("asynclog")),)
# What Python's own -m imports before it has come to us.
OUT_OF_REACH = {"contextlib"}
PROGRAM = """
import asyncio, os, sys
import anyio, anyio.to_thread, anyio._backends._asyncio, asynclog.executors.processes, traceback
from asynclog.cancellation import StopRequest
from asynclog.executors.worker_pool import WorkerPool
from asynclog.executors.processes import Processes

async def results():
    async with WorkerPool(2, StopRequest()).map_unordered(abs, [-1, -2, -3], executor=Processes()) as found:
        return sorted([result async for _, result in found])

here = sys.argv[1]
os.chdir(here)
os.environ["PYTHONPATH"] = os.pathsep.join(("", ".", here))
sys.path[:0] = ["", ".", here]
print(anyio.run(results))
"""


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """Make a log that is large enough for processes, and a working folder of traps, files and packages."""
    write_policy(tmp_path)
    lines = [record(days=400, text="x" * 900), record(days=1, text="x" * 900)]
    write_log(tmp_path / "audit", {"logs.jsonl": lines * 9500})
    here = tmp_path / "here"
    here.mkdir()
    for name in MODULES:
        trap = f"open({str(tmp_path / 'run')!r}, 'a').write({name!r} + '\\n')\nraise SystemExit(99)\n"
        (here / f"{name}.py").write_text(trap)
    for name in ("anyio", "yaml", "json"):
        (here / name).mkdir()
        (here / f"{name}.py").rename(here / name / "__init__.py")
    return tmp_path


@pytest.mark.parametrize("command", [SCRIPT, COMMAND], ids=["asynclog", "python -m asynclog"])
@pytest.mark.parametrize("reader", ["python", "native"])
def test_the_working_folder_is_no_library(trapped: Path, command: tuple[str, ...], reader: str) -> None:
    """Neither for the command nor for the processes of the Python reader."""
    if not Path(command[0]).exists():
        pytest.skip("asynclog is not installed as a command")
    if command == COMMAND:
        for name in OUT_OF_REACH:
            (trapped / f"here/{name}.py").unlink()
    named = ("--path", "../audit/logs.jsonl", "--schemas", "../schemas.yaml", "--metrics-file", "../m.prom")
    done = subprocess.run(
        [*command, "cleanup", "-n", "--quiet", "--now", NOW, "--jobs", "2", *named],
        cwd=trapped / "here",
        env=CALM | {"ASYNCLOG_READER": reader},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not (trapped / "run").exists(), (trapped / "run").read_text()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_processes_import_nothing_from_where_we_are(trapped: Path) -> None:
    """Even if a program that uses the library has the working folder on its own path, or in its environment."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(trapped / "here")],
        cwd=trapped,
        env=CALM,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not (trapped / "run").exists(), (trapped / "run").read_text()
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")


async def in_a_process(work: Callable[[Any], Any], unit: object) -> list[Any]:
    """Return the results of this work on this unit."""
    with anyio.fail_after(60):
        async with WorkerPool(1, StopRequest()).map_unordered(work, [unit], executor=Processes()) as results:
            return [result async for _, result in results]


async def test_what_work_raises_in_a_process_comes_back() -> None:
    """As it would from a thread."""
    with pytest.raises(ExceptionGroup) as raised:
        await in_a_process(int, "no number")
    assert isinstance(raised.value.exceptions[0], ValueError)


async def test_a_process_that_dies_is_told() -> None:
    """It is no result, and nothing hangs."""
    with pytest.raises(ExceptionGroup) as raised:
        await in_a_process(sys.exit, 3)
    assert "a worker process has died" in str(raised.value.exceptions[0])


def test_processes_end_when_the_job_does(trapped: Path) -> None:
    """Even if it is killed: they come to the end of their pipe."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--jobs", "2", "--io-limit", "8MB/s")
    process = start("cleanup", "-n", "--now", NOW, *named, cwd=trapped, env={"ASYNCLOG_READER": "python"})
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(listed.read_text)
    children = [Path("/proc", child) for child in listed.read_text().split()]
    process.kill()
    finish(process)
    until(lambda: not any(is_alive(child) for child in children))


def is_alive(process: Path) -> bool:
    """Whether it is there, and not only waits to be noticed."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("words", [("cleanup",), ("check",), ("init", "--path", "/nowhere/logs.jsonl")])
def test_a_working_folder_that_was_removed_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    """In a sentence, exit 2."""
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *COMMAND, *words]
    done = subprocess.run(command, cwd=gone, capture_output=True, text=True, check=False)
    assert (done.returncode, "the working folder can't be used" in done.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_no_file_is_written_to_a_working_folder_that_was_removed(archive: Path, option: str) -> None:
    """That is told when the work is done: such a folder can be opened, and holds nothing."""
    (archive / "gone").mkdir()
    logs = ("--path", str(archive / "audit/logs.jsonl"), "--schemas", str(archive / "schemas.yaml"))
    command = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *COMMAND, "cleanup", "-n", *logs, option, "x"]
    done = subprocess.run(command, cwd=archive / "gone", capture_output=True, text=True, check=False)
    assert (done.returncode, f"{option} x: " in done.stderr) == (3, True)
