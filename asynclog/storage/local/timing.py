"""The times that a run waits in a log's folder: for writers, for what has to come to rest, for other jobs."""

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """The times that a run waits, in seconds.

    `lease_pauses`: before each attempt to take a lease; most writers only come for a moment. `drain_grace`: before an
    old file is drained, for a writer who looked its name up just before it was replaced; the worker goes on with other
    segments meanwhile. `drain_patience`: at the end of a run, for writers who still have an old file open, looked at
    every `drain_pause`. `idle_period`: without a change, after which nobody is believed to write to a file where no
    lease can tell. `lock_check`: before the holder of a lock looks whether it still is that, and between two such looks
    as long as the lock file has no room for its record.
    """

    lease_pauses: tuple[float, ...] = (0.0, 0.003, 0.007, 0.02, 0.05)
    drain_grace: float = 0.05
    drain_patience: float = 1.0
    drain_pause: float = 0.02
    idle_period: int = 3600
    lock_check: float = 0.5


TIMING = Timing()
