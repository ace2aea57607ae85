"""Run the program of a hook: without a shell, for a limited time. What it prints goes to stderr."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from asynclog.cancellation import StopRequest
from asynclog.config.values.hooks import Hooks

_GRACE = 2.0  # seconds that a program has to end once it was asked to


def run_hook(
    words: Sequence[str], hooks: Hooks, environment: Mapping[str, str], given: bytes | None, stop: StopRequest
) -> str:
    """Run the program of one of these hooks, with these variables beside ours; return why it failed, or nothing.

    `given` is for its stdin; it has none if that is None. It is killed, with what it has started, if it takes longer
    than their time limit, or if a signal ends us meanwhile.
    """
    process: subprocess.Popen[bytes] | None = None
    is_late = False
    try:
        with stop.deferred("before anything was deleted"):  # else a program that has just begun would be lost
            try:
                process = _start(words, hooks.folder, environment, has_stdin=given is not None)
            except (OSError, ValueError) as error:
                return f"{words[0]} can't be started: {getattr(error, 'strerror', None) or error}"
        with suppress(subprocess.TimeoutExpired):
            process.communicate(given, hooks.timeout)
    finally:
        if process and process.poll() is None:
            is_late = True
            with stop.deferred("before anything was deleted"):  # a second signal must not leave it behind
                _end(process)
    if is_late:
        return f"{words[0]} did not end within {hooks.timeout:g} s, and was killed"
    status = process.returncode
    if status < 0:
        return f"{words[0]} was killed by signal {-status}"
    return f"{words[0]} ended with exit status {status}" if status else ""


def _start(
    words: Sequence[str], folder: str, environment: Mapping[str, str], *, has_stdin: bool
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the configuration is ours or root's, and no shell reads the words
        words,
        stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
        stdout=_stderr(),
        stderr=_stderr(),
        cwd=folder or None,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def _stderr() -> int:
    """Return where a program writes to; nowhere if our stderr is closed."""
    with suppress(OSError, ValueError, AttributeError):
        return sys.stderr.fileno()
    return subprocess.DEVNULL


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program, and what it has started in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
