"""Options, as a command line or a caller gives them, + files + environment -> the settings of one job."""

import os
from collections.abc import Callable, Mapping

import msgspec

from asynclog.config.contested import by_folder, contested, refuse, within
from asynclog.config.options import Options
from asynclog.config.paths import absolute, usable
from asynclog.config.profiles import Profile, load_profile
from asynclog.config.reading import Origin
from asynclog.config.units import bytes_per_second, seconds
from asynclog.errors import ConfigurationError
from asynclog.plan.guards import Guard
from asynclog.plan.rewrite_threshold import ALWAYS, Percent
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.storage.claims import Claim, Contest
from asynclog.storage.naming import LONGEST_BASE, SegmentNaming, length
from asynclog.timestamps import parse_instant

MOST_JOBS = 1024  # each is a thread or a process, and has some MiB of memory


class Settings(msgspec.Struct, frozen=True):
    """All that one job needs to know. `folder` and `schemas` are absolute paths; `schemas_are` how the latter was said.

    `source` tells where the log's path came from, `named_by_hand` whether a person typed it: a folder that is missing
    is then a mistake, else an application that has not started yet. `patterns` replace the names that are looked for,
    where there are any, and `fields` are the keys of its lines. `now` is None where the clock is to say it. `reader` is
    the name of one, None for the fastest. `state` is the folder for catalogs, empty where there is none to be.
    `lock_wait`, `max_runtime` and `max_overdue` are in seconds, the latter None where nothing is too late; `io_limit`
    is in bytes a second. `allow_delete_percent` is the guard's limit for this run, None for that of the configuration.
    `claims` are the claims on files of the log's folder, this log's own first; `contests` are what two profiles claim
    where that is MXCP's to refuse (`is_mxcps`), and `unread_keys` look like retention there. `awaits_registry` tells
    that a registry that is not there may come yet. `apart` are the configuration's own files in the log's folder.
    """

    source: str
    profile: str | None
    enabled: bool
    folder: str
    base: str
    schemas: str
    schemas_are: Origin = "named"
    patterns: tuple[str, ...] = ()
    fields: Fields = MXCP_FIELDS
    guard: Guard = Guard()
    named_by_hand: bool = False
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
    state: str = ""
    max_runtime: float | None = None
    io_limit: float | None = None
    apart: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    contests: tuple[Contest, ...] = ()
    unread_keys: tuple[str, ...] = ()
    is_mxcps: bool = False
    awaits_registry: bool = False

    @property
    def names(self) -> SegmentNaming:
        return SegmentNaming(self.base, self.patterns, self.apart)


def resolve(options: Options, environment: Mapping[str, str]) -> Settings:
    """The settings that these options mean, in this environment and working folder.

    Raises ConfigurationError. With `path`, no configuration is looked for unless `config` or `profile` asks for it.
    """
    path, schemas = options.get("path"), options.get("schemas")
    config, profile_name = options.get("config"), options.get("profile")
    if config:
        absolute(config, "--config")
    if path and not config and not profile_name:
        profile = Profile(source="--path", name=None, enabled=True)
    else:
        profile = load_profile(config, profile_name, environment)
    log = absolute(path, "--path") if path else profile.log
    folder, base = os.path.split(log)
    if not base and profile.enabled:
        raise ConfigurationError(f"{profile.source}: the path of the log must name a file, not the folder {log!r}")
    if profile.enabled and os.path.isdir(log):
        raise ConfigurationError(
            f"{profile.source}: {log} is a folder: name the log in it, as in {os.path.join(path or log, 'logs.jsonl')}"
        )
    if length(base) > LONGEST_BASE:
        raise ConfigurationError(
            f"{profile.source}: the log's name has {length(base)} bytes, and late segments need room in theirs: "
            f"give it one of {LONGEST_BASE} bytes at the most"
        )
    stem = os.path.splitext(base)[0]
    own = Claim(profile.name or profile.source, log, profile.enabled, profile.patterns)
    claims = [own, *(claim for claim in profile.claims if claim.profile != profile.name)]
    contests = tuple(contested(claims))
    if not profile.is_mxcps:
        refuse(contests)
    policy = absolute(schemas, "--schemas") if schemas else profile.schemas or f"{folder}/{stem}_schemas.jsonl"
    return Settings(
        source=profile.source,
        profile=profile.name,
        enabled=profile.enabled,
        folder=folder,
        base=base,
        schemas=policy,
        schemas_are=_origin(options, profile),
        patterns=profile.patterns,
        guard=profile.guard,
        named_by_hand=bool(path),
        now=_instant(options.get("now")),
        jobs=_jobs(options.get("jobs")),
        lock_wait=_given(seconds, "--lock-wait", options.get("lock_wait")) or 0,
        max_overdue=_given(seconds, "--max-overdue", options.get("max_overdue")),
        allow_delete_all=options.get("allow_delete_all", False),
        allow_delete_percent=_percent(options.get("allow_delete_percent")),
        allow_unsafe_folder=options.get("allow_unsafe_folder", False),
        weak_leases=options.get("weak_leases", False) or profile.weak_leases,
        break_lock=options.get("break_lock", False),
        double_check=options.get("double_check", False),
        reader=environment.get("ASYNCLOG_READER"),
        rewrite=profile.rewrite,
        state="" if options.get("no_catalog") else _state(options.get("state"), profile, folder, environment),
        max_runtime=_given(seconds, "--max-runtime", options.get("max_runtime")),
        io_limit=_given(bytes_per_second, "--io-limit", options.get("io_limit")),
        apart=tuple(within(folder, [policy, profile.source, *profile.policies])),
        claims=tuple(next((each for each in by_folder(claims).values() if own in each), ())),
        contests=contests,
        unread_keys=profile.unread_keys,
        is_mxcps=profile.is_mxcps,
        awaits_registry=profile.is_mxcps and not path and not schemas,
    )


def _origin(options: Options, profile: Profile) -> Origin:
    """How the audit schema definitions came to be used. Who allows an unsafe folder allows the registry in it."""
    if options.get("schemas"):
        return "named"
    if profile.schemas:
        return "named" if options.get("config") else "found"
    return "named" if options.get("allow_unsafe_folder") else "beside"


def _state(option: str | None, profile: Profile, folder: str, environment: Mapping[str, str]) -> str:
    """The state folder: as it was said, else systemd's, else the user's; empty where not even a home is known.

    A log in somebody's home may well have the user's below it. Raises ConfigurationError.
    """
    said = absolute(option, "--state") if option else profile.state
    state = usable(said or _usual_state(environment), "the state folder (STATE_DIRECTORY, XDG_STATE_HOME, HOME)")
    real, log = os.path.realpath(state), os.path.realpath(folder)
    if state and profile.enabled and (real == log or (said and real.startswith(log + os.sep))):
        raise ConfigurationError(f"{state}: the state folder lies in the log's own folder {folder}: name another one")
    return state


def _usual_state(environment: Mapping[str, str]) -> str:
    given = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return given
    base = environment.get("XDG_STATE_HOME", "")
    home = environment.get("HOME") or os.path.expanduser("~")
    base = base if os.path.isabs(base) else os.path.join(home, ".local/state")
    return os.path.join(base, "asynclog") if os.path.isabs(base) else ""


def _given(meaning: Callable[[str, str], float], option: str, text: str | None) -> float | None:
    return None if text is None else meaning(option, text)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    instant = parse_instant(text)
    if instant is None:
        raise ConfigurationError(f"--now {text!r}: write an instant with its offset, such as 2026-11-24T00:00:00Z")
    return instant


def _percent(percent: float | None) -> float | None:
    if percent is not None and not 0 <= percent <= 100:
        raise ConfigurationError(f"--allow-delete-percent {percent:g}: write a number from 0 to 100, such as 78")
    return percent


def _jobs(jobs: int | None) -> int:
    if jobs is None:
        return len(os.sched_getaffinity(0))
    if not 1 <= jobs <= MOST_JOBS:
        raise ConfigurationError(f"--jobs: from 1 to {MOST_JOBS:,} segments can be worked on at once")
    return jobs
