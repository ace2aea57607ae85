"""Show on stderr how far a run has come: one line that is drawn again and again, or a new one every 30 seconds.

A thread of its own writes to the descriptor of stderr, so that the run waits neither for it nor for a terminal that is
stopped.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from asynclog.cancellation import StopRequest
from asynclog.cli.output import for_stderr
from asynclog.cli.progress_line import progress_line
from asynclog.escaping import escape_control
from asynclog.progress import Reached

_CLEAR = b"\r\x1b[K"
_WINDOW = 10.0  # seconds, of which the rate is shown
_USUAL = 80  # columns
_ENOUGH = 1.0  # seconds to wait for a terminal at the end


class Display:
    """Show the progress of a run that may be asked to `stop`: first after so many seconds, then `every` so many.

    If it is `live`, `descriptor` is a terminal on which one line is drawn; else it gets a line each time.
    """

    def __init__(self, stop: StopRequest, descriptor: int, *, live: bool, first: float, every: float) -> None:
        self._stop = stop
        self._descriptor = descriptor
        self._live = live
        self._first = first
        self._every = every
        self._noted: deque[Reached] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show_on, name="progress", daemon=True)
        self._drawn = False

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread.ident is None:
            with suppress(RuntimeError):  # a limit of the system is reached: then there is nothing to see
                self._thread.start()

    def close(self) -> None:
        """End, and leave nothing on the terminal."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_ENOUGH)
            self.hide()

    def hide(self, _record: logging.LogRecord | None = None) -> bool:
        """Remove the line, so that something else can be printed. As a filter of log records, let each one through."""
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = False
        return True

    def _show_on(self) -> None:
        wait = self._first
        while not self._over.wait(wait):
            self._show()
            wait = self._every

    def _show(self) -> None:
        reached = self._stop.progress.reached()
        if reached is None or (self._live and not _in_foreground(self._descriptor)):
            self.hide()
            return
        room = _columns(self._descriptor) - 1 if self._live else None
        line = escape_control(progress_line(reached, self._stop, self._rate(reached), room))
        if self._live:
            self._drawn = True
            self._write(_CLEAR + line.encode(errors="replace"))
        else:
            self._write(_as_line(line))

    def _rate(self, reached: Reached) -> float | None:
        """Return bytes a second over the last seconds; None at the beginning of a step."""
        noted = self._noted
        if noted and (noted[-1].step, noted[-1].part) != (reached.step, reached.part):
            noted.clear()
        noted.append(reached)
        while len(noted) > 2 and reached.seconds - noted[1].seconds > _WINDOW:
            noted.popleft()
        seconds = reached.seconds - noted[0].seconds
        return (reached.bytes_done - noted[0].bytes_done) / seconds if seconds > 0 else None

    def _write(self, text: bytes) -> None:
        with suppress(OSError):  # nobody looks any more
            os.write(self._descriptor, text)


@contextmanager
def displayed(stop: StopRequest, environ: Mapping[str, str]) -> Iterator[None]:
    """Inside the `with`, show the progress of a run on stderr, once it takes longer than a moment."""
    if sys.stderr is None:
        yield
        return
    live = sys.stderr.isatty() and environ.get("TERM") != "dumb"
    pace = (1.0, 0.2) if live else (30.0, 30.0)
    display = Display(stop, sys.stderr.fileno(), live=live, first=pace[0], every=pace[1])
    handlers = logging.getLogger().handlers
    for handler in handlers:
        handler.addFilter(display.hide)
    stop.progress.on_step = display.start
    try:
        yield
    finally:
        display.close()
        for handler in handlers:
            handler.removeFilter(display.hide)


def print_progress(stop: StopRequest) -> None:
    """Print one line to stderr, whatever it leads to."""
    if sys.stderr is None:
        return
    clear = _CLEAR if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else b""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), clear + _as_line(progress_line(stop.progress.reached(), stop)))


def _as_line(line: str) -> bytes:
    text = for_stderr(f"asynclog: {escape_control(line)}", logging.INFO)
    return f"{text}\n".encode(errors="replace")


def _columns(terminal: int) -> int:
    """Return the width of a terminal; the usual one if it does not know."""
    try:
        return os.get_terminal_size(terminal).columns or _USUAL
    except OSError:  # it has gone
        return _USUAL


def _in_foreground(terminal: int) -> bool:
    """Return whether the terminal is ours now: a job in the background must not draw over what others print there."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it controls no process of ours
        return True
