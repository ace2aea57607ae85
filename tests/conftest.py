"""What the tests share: the real command, a small archive, and a folder's looks before and after."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

NOW = "2026-11-24T00:00:00Z"
COMMAND = (sys.executable, "-m", "asynclog")
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
LOCK = ".logs.jsonl.al-lock"  # what a job of the log leaves in its folder
DEADLINE = 60  # seconds, after which a command or a wait hangs
# Catalogs of tests do not end up where those of real logs are.
STATE = tempfile.mkdtemp(prefix="asynclog-state-")
atexit.register(shutil.rmtree, STATE, ignore_errors=True)
os.environ["XDG_STATE_HOME"] = STATE
CALM = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCLOG_", "MXCP_"))}


class Done(NamedTuple):
    """A command that has ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    @property
    def result(self) -> dict[str, Any]:
        """The document's result."""
        result = self.document["result"]
        assert isinstance(result, dict)
        return result

    @property
    def error(self) -> str:
        """The document's error, the way every fatal one is told."""
        assert self.document == {"status": "error", "error": self.document["error"]}
        assert self.err == "", "with --json the sentence stands in the document only"
        return str(self.document["error"])

    @property
    def actions(self) -> dict[str, dict[str, Any]]:
        """The actions by their segment's name."""
        return {action["segment"]: action for action in self.result["actions"]}


def start(
    *words: str,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    out: int | IO[Any] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """The command under way: `env` is added to a calm environment, `before` are words like `setpriv …` before it."""
    return subprocess.Popen(
        [*before, *COMMAND, *words],
        cwd=cwd,
        env=CALM | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
    )


def finish(process: subprocess.Popen[str], deadline: float = DEADLINE) -> Done:
    """The command's end, which never shows a traceback nor anything that was left open or forgotten."""
    with process:
        try:
            out, err = process.communicate(timeout=deadline)
        finally:
            process.kill()
    assert "Traceback" not in err, err
    assert "Exception ignored" not in err, err
    return Done(process.returncode, out or "", err)


def run(
    *words: str,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    out: int | IO[Any] = subprocess.PIPE,
    deadline: float = DEADLINE,
) -> Done:
    """Run the real command to its end."""
    return finish(start(*words, cwd=cwd, env=env, before=before, out=out), deadline)


def record(schema: str = "app", version: int | None = 1, days: float = 400, **more: Any) -> bytes:
    """A record line of that age at NOW; 400 days have expired under the rules of these tests, 1 day has not."""
    moment = datetime(2026, 11, 24, tzinfo=UTC) - timedelta(days=days)
    named = {"schema_name": schema} | ({} if version is None else {"schema_version": version})
    fields = named | {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} | more
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def write_log(folder: Path, segments: Mapping[str, bytes | Iterable[bytes]]) -> Path:
    """Write segments, and the lock of earlier jobs, into a folder, made if need be; give the base path in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCK).touch(0o600)
    for name, lines in segments.items():
        (folder / name).write_bytes(lines if isinstance(lines, bytes) else b"".join(lines))
    return folder / "logs.jsonl"


def entries(folder: Path) -> list[Path]:
    """What is in a log's folder, beside the lock of its jobs, in the order of the names."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".al-lock")


@contextmanager
def held(folder: Path, base: str = "logs.jsonl") -> Iterator[int]:
    """The log as a job of somebody's holds it, as far as the kernel knows."""
    lock = os.open(folder / f".{base}.al-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def write_policy(folder: Path, *rules: str) -> Path:
    """Write a policy file of rules such as `schema_name: app, retention_days: 30`, which is the rule without any."""
    file = folder / "schemas.yaml"
    lines = [f"  - {{{rule}}}\n" for rule in rules or ["schema_name: app, retention_days: 30"]]
    file.write_text("schemas:\n" + "".join(lines))
    return file


def cleanup(folder: Path, *words: str, **options: Any) -> Done:
    """Run `asynclog cleanup --json` at NOW for `audit/logs.jsonl` and `schemas.yaml` of a folder."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    return run("cleanup", *named, *words, cwd=folder, **options)


def promtool(*words: str, cwd: Path | None = None, given: str = "") -> Done:
    """What Prometheus's own tool says, which must be content. It is no part of what a test run installs."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [program, *words], cwd=cwd, input=given, capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def subcommands() -> list[str]:
    """The commands that `asynclog --help` lists."""
    listed = re.search(r"^  COMMAND\n((?:    .*\n)+)", run("--help").out, re.MULTILINE)
    assert listed
    return re.findall(r"^    (\w+)", listed[1], re.MULTILINE)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that really happens, and fail where it doesn't."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)  # lets the command have the processor


def is_open(pid: int, path: Path) -> bool:
    """Whether a process, or one that it has started, is seen to have a file or folder open; for `until`.

    Threads, children and descriptors come and go meanwhile: a look in which one went away has seen nothing.
    """
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [child for task in tasks for child in (task / "children").read_text().split()]
        found = [fd for process in (pid, *children) for fd in Path(f"/proc/{process}/fd").iterdir()]
        return str(path) in map(os.readlink, found)
    except (FileNotFoundError, ProcessLookupError):
        return False


def looks(folder: Path) -> dict[str, tuple[Any, ...]]:
    """All that a job could touch below a folder, itself included: inode, mode, owner, size, times, and the inside.

    The lock of a log's jobs is theirs.
    """
    found = {}
    for path in [folder, *sorted(path for path in folder.rglob("*") if path.suffix != ".al-lock")]:
        seen = path.lstat()
        owner = (seen.st_ino, seen.st_mode, seen.st_nlink, seen.st_uid, seen.st_gid)
        inside = None
        if path.is_symlink():
            inside = os.readlink(path).encode()
        elif path.is_file() and os.access(path, os.R_OK):
            inside = path.read_bytes()
        found[str(path.relative_to(folder))] = (*owner, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, inside)
    return found


@pytest.fixture
def anyio_backend() -> str:
    """The async tests run on asyncio, which aiofiles is for."""
    return "asyncio"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with `schemas.yaml` (app: 30 days) and a log of two segments, of which one record has expired."""
    write_policy(tmp_path)
    old, young = record(days=400), record(days=1)
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": old + young, "logs.jsonl": young})
    return tmp_path


def is_clean(folder: Path) -> bool:
    """Whether the archive's one expired record is gone and no other byte."""
    left = {path.name: path.read_bytes() for path in entries(folder / "audit")}
    return left == {"logs-20250101T000000.jsonl": record(days=1), "logs.jsonl": record(days=1)}
