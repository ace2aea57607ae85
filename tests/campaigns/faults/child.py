"""Processes that jobs run in: forked, so that all that a job needs is there, and their output caught in memory."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Ended(NamedTuple):
    """The end of a job: its exit status, or minus the signal that killed it; what it printed; the calls it made."""

    status: int
    output: bytes
    errors: str
    calls: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON document on stdout, None where there is no whole one."""
        try:
            document = json.loads(self.output)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


class Streams:
    """The output and the errors of a child, in memory; for `with`, in the parent."""

    def __enter__(self) -> Streams:
        self._output, self._errors = os.memfd_create("output"), os.memfd_create("errors")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._output)
        os.close(self._errors)

    def put_in(self) -> None:
        """In the child: from now on it writes to these."""
        os.dup2(self._output, 1)
        os.dup2(self._errors, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)

    def empty(self) -> None:
        """Forgets what has been written."""
        for each in (self._output, self._errors):
            os.ftruncate(each, 0)
            os.lseek(each, 0, os.SEEK_SET)

    def ended(self, status: int, calls: Sequence[str] = ()) -> Ended:
        """Return what was written until a job ended so."""
        output, errors = (os.pread(each, 1 << 24, 0) for each in (self._output, self._errors))
        return Ended(status, output, errors.decode(errors="replace"), tuple(calls))


class Server:
    """A child that runs one job after the other, and ends with us. A new one for each costs four times as much."""

    def __init__(self, job: Callable[[Sequence[str]], int]) -> None:
        self._streams = Streams().__enter__()
        self._ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            try:
                self._ours.close()
                self._streams.put_in()
                while words := theirs.recv(1 << 16):
                    theirs.send(bytes([job(json.loads(words))]))
            finally:
                os._exit(0)
        theirs.close()

    def run(self, words: Sequence[str]) -> Ended:
        """Run the job that these words of a command line ask for."""
        self._streams.empty()
        self._ours.send(json.dumps(words).encode())
        (status,) = self._ours.recv(1)
        return self._streams.ended(status)
