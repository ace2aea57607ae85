"""Run the program of a hook: without a shell, for a limited time. What it prints goes to stderr."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

_GRACE = 2.0  # seconds that a program has to end once it was asked to


def run_hook(
    words: Sequence[str], folder: str, environment: Mapping[str, str], given: bytes | None, timeout: float
) -> str:
    """Run a program in this folder, with these variables beside ours; return why it failed, empty if it did not.

    `given` is for its stdin; it has none if that is None. It is killed, with what it has started, if it takes longer
    than `timeout` seconds, or if an error is raised meanwhile: a signal may end us.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the configuration is ours or root's, and no shell reads the words
            words,
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=_stderr(),
            stderr=_stderr(),
            cwd=folder or None,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"{words[0]} can't be started: {getattr(error, 'strerror', None) or error}"
    try:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(given, timeout)
    finally:
        is_late = process.poll() is None
        if is_late:
            _end(process)
    if is_late:
        return f"{words[0]} did not end within {timeout:g} s, and was killed"
    status = process.returncode
    if status < 0:
        return f"{words[0]} was killed by signal {-status}"
    return f"{words[0]} ended with exit status {status}" if status else ""


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
