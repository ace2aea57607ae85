"""Options, as a command line or a caller gives them, + files + environment -> the settings of one job."""

import os
import re
from collections.abc import Mapping

import msgspec

from asynclog.config.options import Options
from asynclog.config.profiles import Profile, find_configuration, load_profile
from asynclog.errors import ConfigurationError
from asynclog.instant import parse_instant
from asynclog.plan.guards import Guard

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Settings(msgspec.Struct, frozen=True):
    """All that one job needs to know. `folder` and `schemas` are absolute paths.

    `source` tells where the log's path came from, `named_by_hand` whether a person typed it: a folder that is
    missing is then a mistake, else an application that has not started yet. `patterns` replace the names that
    are looked for, where there are any. `now` is None where the clock is to say it; `lock_wait` and
    `max_overdue` are in seconds, the latter None where nothing is too late.
    `reader` is the name of the one that is to be used, None for the fastest.
    """

    source: str
    profile: str | None
    enabled: bool
    folder: str
    base: str
    schemas: str
    patterns: tuple[str, ...] = ()
    guard: Guard = Guard()
    named_by_hand: bool = False
    now: int | None = None
    jobs: int = 1
    lock_wait: int = 0
    max_overdue: int | None = None
    allow_delete_all: bool = False
    allow_unsafe_folder: bool = False
    double_check: bool = False
    reader: str | None = None


def resolve(options: Options, environment: Mapping[str, str]) -> Settings:
    """The settings that these options mean, in this environment and working folder.

    Raises ConfigurationError. With `path`, no configuration is looked for unless `config` or `profile` asks for it.
    """
    path, schemas = options.get("path"), options.get("schemas")
    config, profile_name = options.get("config"), options.get("profile")
    if path and not config and not profile_name:
        profile = Profile(source="--path", name=None, enabled=True)
    else:
        profile = load_profile(config or find_configuration(), profile_name, environment)
    log = _absolute(path) if path else profile.log
    folder, base = os.path.split(log)
    if not base and profile.enabled:
        raise ConfigurationError(f"{profile.source}: the path of the log must name a file, not the folder {log!r}")
    stem = os.path.splitext(base)[0]
    return Settings(
        source=profile.source,
        profile=profile.name,
        enabled=profile.enabled,
        folder=folder,
        base=base,
        schemas=_absolute(schemas) if schemas else profile.schemas or f"{folder}/{stem}_schemas.jsonl",
        patterns=profile.patterns,
        guard=profile.guard,
        named_by_hand=bool(path),
        now=_instant(options.get("now")),
        jobs=_jobs(options.get("jobs")),
        lock_wait=_seconds("--lock-wait", options.get("lock_wait")) or 0,
        max_overdue=_seconds("--max-overdue", options.get("max_overdue")),
        allow_delete_all=options.get("allow_delete_all", False),
        allow_unsafe_folder=options.get("allow_unsafe_folder", False),
        double_check=options.get("double_check", False),
        reader=environment.get("ASYNCLOG_READER"),
    )


def _absolute(path: str) -> str:
    """Not normalised: `x/../y` means what the file system says, links included."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    instant = parse_instant(text)
    if instant is None:
        raise ConfigurationError(f"--now {text!r}: write an instant with its offset, such as 2026-11-24T00:00:00Z")
    return instant


def _jobs(jobs: int | None) -> int:
    if jobs is None:
        return len(os.sched_getaffinity(0))
    if jobs < 1:
        raise ConfigurationError(f"--jobs {jobs}: at least 1 is needed")
    return jobs


def _seconds(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if match is None:
        raise ConfigurationError(f"{option} {text!r}: write a number and its unit (s, m, h or d), such as 1h")
    return int(match[1]) * _UNITS[match[2]]
