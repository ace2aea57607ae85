"""The options of a caller, and the settings of one job that follow from them."""

from typing import TYPE_CHECKING, TypedDict

import msgspec

from asynclog.config.reading.file_text import Origin
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.plan.guards import Guard
from asynclog.plan.rewrite_threshold import ALWAYS, Percent
from asynclog.records.fields import MXCP_FIELDS, Fields, WholeFile
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.profile_claims import Claim, Contest

if TYPE_CHECKING:
    from asynclog.config.values.hooks import Hooks, Pings


class Options(TypedDict, total=False):
    """The options of a job by their names on the command line. None of them is required.

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


class Settings(msgspec.Struct, frozen=True):
    """All that one job needs to know. `folder` and `schemas` are absolute paths; `schemas_are` how the latter was said.

    `source` tells where the log's path came from, `explicit_path` whether a person typed it: a folder that is missing
    is then a mistake, else an application that has not started yet; `explicit_schemas` is the same of the policy.
    `patterns` replace the names that are looked for,
    where there are any, `more_names` are looked for beside the usual ones, and `fields` are the keys of its lines.
    `now` is None where the clock is to say it. `reader` is the name of one, None for the fastest. `state` is the folder
    for catalogs, empty where there is none to be. `lock_wait`, `max_runtime` and `max_overdue` are in seconds, the
    latter None where nothing is too late; `io_limit` is in bytes a second. `allow_delete_percent` is the guard's limit
    for this run, None for that of the configuration. `claims` are the claims on files of the log's folder, this log's
    own first; `contests` are what two profiles claim where that is MXCP's to refuse (`is_mxcps`), and `ignored_keys`
    look like retention there. `awaits_registry` tells that a registry that is not there may come yet. `apart` are the
    configuration's own files in the log's folder. `shares_policy` is whether many logs have this policy, and what is to
    be said of its rules is said for all of them together.
    """

    source: str
    profile: str | None
    enabled: bool
    folder: str
    base: str
    schemas: str
    schemas_are: Origin = "named"
    patterns: tuple[str, ...] = ()
    more_names: tuple[str, ...] = ()
    fields: Fields = MXCP_FIELDS
    guard: Guard = Guard()
    budget: Budget = NO_BUDGET
    explicit_path: bool = False
    explicit_schemas: bool = False
    now: int | None = None
    jobs: int = 1
    lock_wait: float = 0
    max_overdue: float | None = None
    allow_delete_all: bool = False
    allow_delete_percent: float | None = None
    allow_unsafe_folder: bool = False
    weak_leases: bool = False
    break_lock: bool = False
    double_check: bool = False
    reader: str | None = None
    rewrite: Percent = ALWAYS
    hooks: "Hooks | None" = None
    pings: "Pings | None" = None
    state: str = ""
    max_runtime: float | None = None
    io_limit: float | None = None
    apart: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    contests: tuple[Contest, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    is_mxcps: bool = False
    awaits_registry: bool = False
    shares_policy: bool = False

    @property
    def has_whole_files(self) -> bool:
        """Whether each file is one record."""
        return isinstance(self.fields, WholeFile)

    @property
    def conditions(self) -> tuple[object, ...]:
        """The configuration, besides policy, fields and budget, that decides whether and what is deleted."""
        return self.patterns, self.more_names, self.guard, self.rewrite, self.hooks

    def naming(self) -> SegmentNaming:
        """Return which names the log's segments have: made anew, so that whoever asks often keeps it."""
        return SegmentNaming(self.base, self.patterns, self.apart, self.more_names)
