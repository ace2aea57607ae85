"""Run the real command as a process of its own, to its end or in the background, and return its output."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import pytest
from prefork import Prefork, Request

from examples import thorough

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOW = "2026-11-24T00:00:00Z"
COMMAND = (sys.executable, "-m", "asynclog")
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
DEADLINE = 60  # seconds, after which a command or a wait counts as hanging
_ONLY_RIGHTS = {(), ("setpriv",)}  # words before a command that change nothing else: a warm process can have them
KEPT = "ASYNCLOG_READER"  # so that .ci/run tries every command with both
OTHERS = ("ASYNCLOG_", "MXCP_", "PYTHONUNBUFFERED")  # the last one would hide that something is not flushed
CALM = {name: value for name, value in os.environ.items() if name == KEPT or not name.startswith(OTHERS)}


class Done(NamedTuple):
    """A command that has ended: its exit code and its output."""

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
        """The document's error, in the form of every fatal one."""
        assert self.document == {"status": "error", "error": self.document["error"]}
        assert self.err == "", "with --json the sentence stands in the document only"
        return str(self.document["error"])

    @property
    def actions(self) -> dict[str, dict[str, Any]]:
        """The actions, by segment."""
        return {action["segment"]: action for action in self.result["actions"]}


def start(
    *words: str,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    out: int | IO[Any] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start the command: `env` is added to a clean environment, `before` are words like `setpriv …` before it."""
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
    """Wait for the command, and return its result. Assert that it prints no traceback and ignores no exception."""
    with process:
        try:
            out, err = process.communicate(timeout=deadline)
        finally:
            process.kill()
    return _judged(process.returncode, out or "", err)


def _judged(code: int, out: str, err: str) -> Done:
    assert "Traceback" not in err, err
    assert "Exception ignored" not in err, err
    return Done(code, out, err)


def run(
    *words: str,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    out: int | IO[Any] = subprocess.PIPE,
    deadline: float = DEADLINE,
) -> Done:
    """Run the real command to its end, forked from a warm process if possible, and return its result."""
    if tuple(before[:1]) not in _ONLY_RIGHTS or out is not subprocess.PIPE or _is_for_python(env or {}):
        return finish(start(*words, cwd=cwd, env=env, before=before, out=out), deadline)
    return _forked(words, cwd, env or {}, tuple(before), deadline)[0]


def run_measured(*words: str, env: Mapping[str, str]) -> tuple[Done, int]:
    """Run the real command like `run`, and return how much memory its largest process has taken (bytes), too."""
    assert not _is_for_python(env)
    return _forked(words, None, env, (), DEADLINE)


def _forked(
    words: Sequence[str], cwd: Path | str | None, env: Mapping[str, str], before: tuple[str, ...], deadline: float
) -> tuple[Done, int]:
    request = Request(words, str(Path.cwd() / (cwd or "")), CALM | dict(env), quick_exit=not thorough())
    ended = _warm(before, str(Path("/proc/self/ns/mnt").readlink())).run(request, deadline)
    out, err = (said.decode(errors="surrogateescape") for said in (ended.out, ended.err))
    return _judged(ended.status, out, err), ended.peak


@cache
def _warm(before: tuple[str, ...], mount_namespace: str) -> Prefork:
    """Return the prefork process behind these words in this mount namespace; a test may have changed to another."""
    del mount_namespace
    prefork = Prefork(CALM, before)
    atexit.register(prefork.close)
    return prefork


def _is_for_python(env: Mapping[str, str]) -> bool:
    """Return whether Python or the C library reads any of these variables when a process starts."""
    return any(name.startswith(("PYTHON", "LC_", "LANG", "LD_", "TZ")) for name in env)


def cleanup(folder: Path, *words: str, **options: Any) -> Done:
    """Run `asynclog cleanup --json` at NOW for `audit/logs.jsonl` and `schemas.yaml` of a folder."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    return run("cleanup", *named, *words, cwd=folder, **options)


def promtool(*words: str, cwd: Path | None = None, given: str = "") -> Done:
    """Return the output of Prometheus' own tool, which must accept its input. Skip the test if it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [program, *words], cwd=cwd, input=given, capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def subcommands() -> list[str]:
    """Return the commands that `asynclog --help` lists."""
    listed = re.search(r"^  COMMAND\n((?:    .*\n)+)", run("--help").out, re.MULTILINE)
    assert listed
    return re.findall(r"^    (\w+)", listed[1], re.MULTILINE)


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail after DEADLINE."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)  # yields the processor to the command


def is_open(pid: int, path: Path) -> bool:
    """Return whether a process or a child of it has a file or folder open; for `until`.

    Threads, children and descriptors come and go: return False if one vanished meanwhile.
    """
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [child for task in tasks for child in (task / "children").read_text().split()]
        found = [fd for process in (pid, *children) for fd in Path(f"/proc/{process}/fd").iterdir()]
        return str(path) in map(os.readlink, found)
    except (FileNotFoundError, ProcessLookupError):
        return False
