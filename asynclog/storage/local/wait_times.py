"""The times that a run waits in a log's folder: for writers, for files to become idle, for other jobs."""

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """The times that a run waits, in seconds.

    `lease_pauses`: before each attempt to take a lease; most writers stay only briefly. `drain_grace`: before an old
    file is drained, for a writer that looked up its name just before it was replaced; the worker goes on with other
    segments meanwhile. `drain_patience`: at the end of a run, for writers that still have an old file open, checked
    every `drain_pause`. `idle_period`: without leases, how long a file must be unchanged to count as no longer written
    to. `lock_check`: before the holder of a lock checks whether it still holds it, and between two such checks while
    the disk has no room for its record.
    """

    lease_pauses: tuple[float, ...] = (0.0, 0.003, 0.007, 0.02, 0.05)
    drain_grace: float = 0.05
    drain_patience: float = 1.0
    drain_pause: float = 0.02
    idle_period: int = 3600
    lock_check: float = 0.5


TIMING = Timing()
