"""SIGINT and SIGTERM: they end a run cleanly, wherever it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from asynclog.cancellation import StopRequest


class StoppedError(BaseException):
    """A signal came while nothing was in flight; not an Exception, so that nothing on the way takes it for a fault."""

    def __init__(self, number: signal.Signals, moment: str) -> None:
        super().__init__(f"stopped by {number.name} {moment}")
        self.exit_code = 128 + number


class Signals(StopRequest):
    """A handler of signals: it raises StoppedError, which says at which moment; or, once that is deferred, asks for a
    stop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._deferred = False
        self._moment = "before anything was deleted"

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if not self._deferred:
            raise StoppedError(self.signal, self._moment)

    def defer(self) -> None:
        self._deferred = True

    def finish(self) -> None:
        """Note that the run is over: a signal that comes now ends the writing of its result."""
        self._deferred, self._moment = False, "while the result was written: the job itself was over"

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside the `with` a signal raises StoppedError, a pending one at once; afterwards it only asks for a stop."""
        try:
            self._deferred = False
            if self.signal:
                raise StoppedError(self.signal, self._moment)
            yield
        finally:
            self._deferred = True

    @contextmanager
    def deferred(self, moment: str) -> Iterator[None]:
        """Inside the `with` a signal only asks for a stop; leaving it then raises StoppedError."""
        self._deferred = True
        yield
        self._deferred = False
        if self.signal:
            raise StoppedError(self.signal, moment)


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Handle both signals inside the `with`; restore their handlers afterwards."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
