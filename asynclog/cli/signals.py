"""SIGINT and SIGTERM: they end a job cleanly, wherever it is."""

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


class Signals:
    """Raises StoppedError, which says at which `moment`; or, where work is in flight, asks it to stop."""

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.in_flight = False
        self.moment = "before anything was deleted"

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.stop.signal = signal.Signals(number)
        if not self.in_flight:
            raise StoppedError(self.stop.signal, self.moment)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """For the time of the `with`, a signal ends what is not in flight, as does one that came before; afterwards,
        until the next such time, it only asks for a stop.
        """
        try:
            self.in_flight = False
            if self.stop.signal:
                raise StoppedError(self.stop.signal, self.moment)
            yield
        finally:
            self.in_flight = True

    @contextmanager
    def held(self, moment: str) -> Iterator[None]:
        """For the time of the `with`, a signal only asks for a stop; the end of it then raises StoppedError."""
        self.in_flight = True
        yield
        self.in_flight = False
        if self.stop.signal:
            raise StoppedError(self.stop.signal, moment)


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """For the time of the `with`, both signals are ours; afterwards they are whose they were."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
