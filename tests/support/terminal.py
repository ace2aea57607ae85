"""Run the real command at a real pseudo-terminal, and return what it prints there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from command import CALM, COMMAND, DEADLINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Shown(NamedTuple):
    """What was printed on a terminal, and on stdout if that was a pipe, and the exit code."""

    code: int
    screen: str
    out: str

    @property
    def drawn(self) -> list[str]:
        """Everything that was drawn on one line after the other, without control sequences."""
        texts = (_CONTROLS.sub("", text) for text in re.split("[\r\n]+", self.screen))
        return [text for text in texts if text]

    @property
    def left(self) -> list[str]:
        """The lines that stay on the screen in the end: what was cleared is gone."""
        lines = (line.rpartition("\r\x1b[K")[2].rstrip("\r") for line in self.screen.split("\n"))
        return [_CONTROLS.sub("", line) for line in lines if line]


def at_terminal(
    *words: str,
    cwd: Path,
    columns: int = 80,
    env: Mapping[str, str] | None = None,
    out: bool = False,
    before: Sequence[str] = (),
) -> Shown:
    """Run the command with a terminal of so many columns for stdin and stderr, and for stdout, too, if `out`.

    `before` are words before the command.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [*before, *COMMAND, *words],
        cwd=cwd,
        env=CALM | {"TERM": "xterm-256color"} | dict(env or {}),
        stdin=slave,
        stdout=slave if out else subprocess.PIPE,
        stderr=slave,
    ) as process:
        os.close(slave)
        screen = b""
        with suppress(OSError):  # EIO: the command has ended
            while part := os.read(master, 1 << 16):
                screen += part
        os.close(master)
        plain = process.stdout.read() if process.stdout else b""
        code = process.wait(DEADLINE)
    return Shown(code, screen.decode(), plain.decode())
