"""Processes that do units of work for us, each one after the other, and import nothing from the working folder."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NoReturn, TypeVar

from asynclog.executors.rate_limit import RateLimiter

Unit = TypeVar("Unit")
Result = TypeVar("Result")

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from asynclog.executors.processes import serve; serve()"


class Processes:
    """Each worker is a process of its own: work, units and results are pickled."""

    def start(
        self, work: Callable[[Unit], Result], workers: int, resources: ExitStack
    ) -> Sequence[Callable[[Unit], Result]]:
        processes = []
        for _ in range(workers):
            processes.append(WorkerProcess())
            resources.callback(processes[-1].close)
        return [partial(process.run, work) for process in processes]

    def rate_share(self, limit: RateLimiter, workers: int) -> RateLimiter:
        """Return a worker's share: no process knows what the others read."""
        return limit.split(workers)


class WorkerProcess:
    """Work and its results go through two pipes, pickled. It has none of our other descriptors, and ends with us."""

    def __init__(self) -> None:
        """Start it, deaf to the signals that a terminal or systemd sends to all of us."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1})
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and our own words
                [sys.executable, *_flags(), "-c", _PROGRAM, *_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self, work: Callable[[Unit], Result], unit: Unit) -> Result:
        """Return what this work makes of this unit; raise what it raises, and RuntimeError if the process has died."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101 - both are pipes
        assert back is not None  # noqa: S101
        try:
            to.write(pickle.dumps((work, unit), pickle.HIGHEST_PROTOCOL))
            to.flush()
            result, error = pickle.load(back)  # noqa: S301 - from our own process
        except (BrokenPipeError, EOFError):
            raise RuntimeError(f"a worker process has died (status {self._process.wait()})") from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def close(self) -> None:
        """End it, once it has done what it was given."""
        self._process.communicate()


def serve() -> NoReturn:
    """Do what comes from stdin until that ends. What the work itself prints goes nowhere."""
    to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            work, unit = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that has started us
        except EOFError:
            sys.exit()
        to.write(pickle.dumps(_answer(work, unit), pickle.HIGHEST_PROTOCOL))
        to.flush()


def _answer(work: Callable[[Any], Any], unit: Any) -> tuple[Any, Exception | None]:
    try:
        return work(unit), None
    except Exception as error:
        return None, error


def _flags() -> list[str]:
    """Return -P, so that nothing is imported from the working folder, and the flags of this process."""
    ours = [("-E", sys.flags.ignore_environment), ("-s", sys.flags.no_user_site)]
    return ["-P", *(flag for flag, is_set in ours if is_set)]


def _path() -> list[str]:
    """Return where we import from ourselves, without the working folder; where this package lies comes last."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = [path for path in sys.path if os.path.isabs(path) and not _is_working_folder(path)]
    return paths if here in paths else [*paths, here]


def _is_working_folder(path: str) -> bool:
    try:
        return os.path.samefile(path, ".")
    except OSError:
        return False
