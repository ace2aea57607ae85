"""What a caller may say of a job, in Python and on the command line."""

from typing import TypedDict


class Options(TypedDict, total=False):
    """What a caller may say; the command line has the same words. Nothing of it is needed.

    `now` is an instant as records have it; `lock_wait`, `max_runtime` and `max_overdue` are durations such as `90s` or
    `7d`, `io_limit` is a rate such as `200MB/s`. `allow_delete_percent` is 0 to 100.
    """

    config: str | None
    profile: str | None
    path: str | None
    schemas: str | None
    now: str | None
    jobs: int | None
    lock_wait: str | None
    max_overdue: str | None
    allow_delete_all: bool
    allow_delete_percent: float | None
    allow_unsafe_folder: bool
    weak_leases: bool
    break_lock: bool
    double_check: bool
    state: str | None
    no_catalog: bool
    max_runtime: str | None
    io_limit: str | None
