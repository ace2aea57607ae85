"""How a job is asked to end."""

import signal


class Stop:
    """Asks a job to end: no new unit of work is begun, those in flight are finished."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None
