"""Handle SIGINT and SIGTERM, to end a run cleanly at any moment, and SIGUSR1, to say how far it has come."""

import signal
import sys
from _thread import start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from asynclog.cancellation import StopRequest

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN = 0.01  # seconds until a signal that could not be raised is raised again


class StoppedError(BaseException):
    """A signal came while nothing was in flight; not an Exception, so that no `except` mistakes it for an error."""

    def __init__(self, number: signal.Signals, moment: str) -> None:
        super().__init__(f"stopped by {number.name} {moment}")
        self.exit_code = 128 + number


class Signals(StopRequest):
    """A signal handler: it raises StoppedError, which says at which moment, or, if deferred, only requests a stop.

    During an import it waits for its end: modules in C may crash where what they import raises, and Python makes a
    RuntimeError of what is raised while a class is made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alarm_before: Any = None
        self._deferred = False
        self._moment = "before anything was deleted"

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if self._deferred:
            return
        if _is_in_import(frame):
            self.retry()
        else:
            raise StoppedError(self.signal, self._moment)

    def retry(self) -> None:
        """Handle the signal again soon. Only then an alarm is set: one of a parent that means to end a job is left."""
        if self.alarm_before is None:
            self.alarm_before = signal.signal(signal.SIGALRM, self.again)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def again(self, _number: int, frame: FrameType | None) -> None:
        """Handle the last signal again, because its StoppedError may have been lost."""
        if self.signal:
            self(self.signal, frame)

    def tell(self, _number: int, _frame: FrameType | None) -> None:
        """Print how far the run has come.

        In another thread: this one may be in the middle of an import, of a line that it prints, or of anything that has
        a lock. And as simply as can be, because it may be starting a thread itself.
        """
        start_new_thread(self._tell, ())

    def _tell(self) -> None:
        from asynclog.cli.progress_display import print_progress

        print_progress(self)

    def defer(self) -> None:
        self._deferred = True

    def finish(self) -> None:
        """Note that the run is over: from now on a signal interrupts the writing of its result."""
        self._deferred, self._moment = False, "while the result was written: the job itself was over"

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside the `with`, raise StoppedError on a signal, a pending one at once; afterwards only request a stop."""
        try:
            self._deferred = False
            if self.signal:
                raise StoppedError(self.signal, self._moment)
            yield
        finally:
            self._deferred = True

    @contextmanager
    def deferred(self, moment: str) -> Iterator[None]:
        """Inside the `with`, only request a stop on a signal; raise StoppedError on leaving it, if allowed there."""
        before, self._deferred = self._deferred, True
        try:
            yield
        finally:
            self._deferred = before
        if self.signal and not before:
            raise StoppedError(self.signal, moment)


def _is_in_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Yield a handler of the signals, installed inside the `with`; restore the old handlers afterwards.

    SIGUSR1 is ignored then, if it would end the process: whoever asks a moment too late should do no harm.
    """
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, signals.tell)
    if before[signal.SIGUSR1] == signal.SIG_DFL:
        before[signal.SIGUSR1] = signal.SIG_IGN
    hook = sys.unraisablehook

    def raise_again(unraisable: "UnraisableHookArgs") -> None:
        """Raise a signal again that came in a destructor or a callback, and so was lost."""
        if isinstance(unraisable.exc_value, StoppedError):
            signals.retry()
        else:
            hook(unraisable)

    sys.unraisablehook = raise_again
    try:
        yield signals
    finally:
        sys.unraisablehook = hook
        if signals.alarm_before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signals.alarm_before)
        for number, handler in before.items():
            signal.signal(number, handler)
