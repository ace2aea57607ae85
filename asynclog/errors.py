"""One family of errors: each says what, where and what now, and carries its exit status.

Only what stops a whole job is an error; a segment that fails is an outcome (see `actions`).
"""

import errno


class AsynclogError(Exception):
    """The job can't go on. `str()` of it is one sentence for the person who reads it at night."""

    exit_code = 1


class ConfigurationError(AsynclogError):
    """Usage, configuration or policy is wrong, or the folder can't be worked on: nothing was touched."""

    exit_code = 2


class LockedError(AsynclogError):
    """Another job holds the log."""

    exit_code = 4


class RefusedError(AsynclogError):
    """A guard refused the plan: nothing was touched."""

    exit_code = 5


class BeforeHookError(AsynclogError):
    """The profile's hook `before` refused the run: nothing was touched."""

    exit_code = 6


class DisagreementError(Exception):
    """Two readers judge a line differently: a bug of ours, and so its segment stays. Becomes an outcome."""


class TooManyKeysError(OSError):
    """There are more schema keys than a job has memory for: it grows with nothing else. Becomes an outcome."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EOVERFLOW, what)


class DamagedError(OSError):
    """A packed segment can't be unpacked. Becomes an outcome."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EBADMSG, what)


class ChangedError(Exception):
    """A segment is not what it was when it was listed or planned. Becomes an outcome, never the job's end."""
