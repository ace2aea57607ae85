"""Fork commands from a process that has already imported everything.

Each is a process like any other, with descriptors, environment, folder and signals of its own. Imports take nine tenths
of the time of a short command, and the tests run thousands.
"""

from __future__ import annotations

import atexit
import os
import pickle
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); import prefork; prefork.serve(int(sys.argv[2]))"
_SIZE = 8  # bytes that say how long a request is


class Request(NamedTuple):
    """The command that a process is to run; after a `quick_exit` nothing is said about what can't be deleted."""

    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    quick_exit: bool


class Ended(NamedTuple):
    """A process's exit status, or minus the number of a signal, its output, and the memory of its largest process."""

    status: int
    out: bytes
    err: bytes
    peak: int


class Prefork:
    """The process that others are forked from; it ends with this one. Its methods are thread-safe.

    `before` are words before its command, such as `setpriv …`: those that it forks have the same rights.
    """

    def __init__(self, environment: Mapping[str, str], before: Sequence[str] = ()) -> None:
        self._socket, its = socket.socketpair()
        self._asking = threading.Lock()
        with its:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-c", _PROGRAM, str(Path(__file__).parent), str(its.fileno())],
                env=environment,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def run(self, request: Request, deadline: float) -> Ended:
        """Run a command to its end, and return the result; kill it after `deadline` seconds."""
        end = time.monotonic() + deadline
        out, err, told = os.pipe(), os.pipe(), os.pipe()
        given = [os.open(os.devnull, os.O_RDONLY), out[1], err[1], told[1]]
        content = pickle.dumps(request)
        with self._asking:
            socket.send_fds(self._socket, [len(content).to_bytes(_SIZE, "big")], given)
            self._socket.sendall(content)
        for descriptor in given:
            os.close(descriptor)
        with os.fdopen(told[0]) as status, os.fdopen(out[0], "rb") as output, os.fdopen(err[0], "rb") as errors:
            process = int(status.readline())
            try:
                outs, errs = _read_all([output.fileno(), errors.fileno()], end)
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise
            code, peak = map(int, status.readline().split())
            return Ended(code, outs, errs, peak)

    def close(self) -> None:
        """End the process, whoever else holds the connection: a child that a test has forked may."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._process.wait()


def _read_all(descriptors: Sequence[int], end: float) -> list[bytes]:
    """Read several pipes to their ends, and return their contents; raise TimeoutError at `end` (s, monotonic)."""
    said = {descriptor: bytearray() for descriptor in descriptors}
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the command hangs")
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                said[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
    return [bytes(said[descriptor]) for descriptor in descriptors]


def serve(descriptor: int) -> None:
    """Import everything; then run the command of each request in a child, until there are no more requests."""
    asynclog = import_module("asynclog")
    for module in pkgutil.walk_packages(asynclog.__path__, "asynclog."):
        if not module.name.endswith(("__main__", "_kernel")):
            import_module(module.name)
    import_module("anyio._backends._asyncio")
    with socket.socket(fileno=descriptor) as requests, selectors.DefaultSelector() as awaited:
        awaited.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in awaited.select():
                if key.fileobj is not requests:
                    _report(awaited, key)
                elif not _accept(requests, awaited):
                    return


def _accept(requests: socket.socket, awaited: selectors.BaseSelector) -> bool:
    """Start the command of the next request, and return True; return False if there are no more requests."""
    size, given, _, _ = socket.recv_fds(requests, _SIZE, 4)
    if not size:
        return False
    content = requests.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    *streams, told = given
    command = os.fork()
    if command == 0:
        requests.close()
        awaited.close()
        os.close(told)
        _run(pickle.loads(content), streams)  # noqa: S301 - from the process that started us
    for stream in streams:
        os.close(stream)
    os.write(told, b"%d\n" % command)
    awaited.register(os.pidfd_open(command), selectors.EVENT_READ, _Command(command, told))
    return True


class _Command(NamedTuple):
    """A command that is running, and where its end is to be told."""

    process: int
    told: int


def _report(awaited: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Tell the exit status of a command that has ended, and its peak; nobody listens after its deadline."""
    command: _Command = key.data
    _, status, usage = os.wait4(command.process, 0)
    awaited.unregister(key.fileobj)
    os.close(key.fd)
    with suppress(BrokenPipeError):
        os.write(command.told, b"%d %d\n" % (os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024))
    os.close(command.told)


def _run(request: Request, streams: Sequence[int]) -> NoReturn:
    """Run a command in this process, to its end."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = ["asynclog", *request.words]
    try:
        status = import_module("asynclog.cli").main()
    except SystemExit as stopped:
        status = stopped.code
    if not request.quick_exit or not isinstance(status, int):
        sys.exit(status)
    # What sys.exit does, but for taking the interpreter apart: that takes three times as long as a short command.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
