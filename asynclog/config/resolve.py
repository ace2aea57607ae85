"""Options, as a command line or a caller gives them, + files + environment -> the settings of one job."""

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from asynclog.config.configuration_file import load_profile
from asynclog.config.paths.contested_segments import by_folder, contested, located, refuse, within
from asynclog.config.paths.state_path import state_folder
from asynclog.config.paths.usable_paths import absolute, working_folder
from asynclog.config.paths.wildcards import escaped, has_wildcard, literal, wildcard_problem
from asynclog.config.profile import Profile
from asynclog.config.reading.file_text import Origin
from asynclog.config.settings import Options, Settings
from asynclog.config.values.units import bytes_per_second, seconds
from asynclog.errors import ConfigurationError
from asynclog.storage.naming import LONGEST_BASE, length
from asynclog.storage.profile_claims import Claim, Contest
from asynclog.timestamps import parse_instant

_YAML = (".yaml", ".yml")
MOST_JOBS = 1024  # each is a thread or a process, and has some MiB of memory


class Target(msgspec.Struct, frozen=True):
    """The log that options name, or the pattern of many, and `where` they do; the profile; all claims, own first."""

    profile: Profile
    log: str
    where: str
    of_many: bool
    claims: tuple[Claim, ...]


def resolve(options: Options, environment: Mapping[str, str]) -> Settings:
    """Return the settings that these options mean, in this environment and working folder: of one log.

    Raise ConfigurationError. With `path`, no configuration is looked for unless `config` or `profile` asks for it.
    """
    target = resolve_target(options, environment)
    if target.of_many:
        beside = "" if target.profile.name is None else f", beside --config {target.profile.source}"
        raise ConfigurationError(
            f"{target.where}: a * in a folder's name stands for many logs, and this is for one: name it with its "
            f"folder, with --path{beside}; [*] is the character itself"
        )
    return settings_of_log(options, environment, target)


def resolve_target(options: Options, environment: Mapping[str, str]) -> Target:
    """Return the log, or logs, that these options name. Raise ConfigurationError."""
    _refuse_empty(options)
    path = options.get("path")
    config, profile_name = options.get("config"), options.get("profile")
    if config:
        absolute(config, "--config")
    if path and not config and not profile_name:
        profile = Profile(source="--path", name=None, enabled=True)
    else:
        profile = load_profile(config, profile_name, environment)
    log, of_many = _named(path) if path else (profile.log, profile.of_many)
    where = f"--path {path}" if path else profile.log_at
    own = Claim(profile.name or profile.source, log, profile.enabled, profile.patterns, profile.more_names, of_many)
    others = (claim for claim in profile.claims if claim.profile != profile.name)
    return Target(profile, log, where, of_many, (own, *others))


def _refuse_empty(options: Options) -> None:
    """Raise ConfigurationError for an option whose value is empty, as of a variable that is not set."""
    for name in ("path", "config", "profile", "schemas", "state"):
        if options.get(name) == "":
            raise ConfigurationError(f"--{name} is empty: write its value, or leave it out")


def _named(path: str) -> tuple[str, bool]:
    """Return the absolute path that a command line names, and whether it is a pattern. Raise ConfigurationError."""
    if has_wildcard(path) and (problem := wildcard_problem(path)):
        raise ConfigurationError(f"--path {path!r}: {problem}")
    here = "" if os.path.isabs(path) else escaped(working_folder())
    log = absolute(os.path.join(here, path), "--path")
    return (log, True) if has_wildcard(log) else (literal(log), False)


def settings_of_log(
    options: Options, environment: Mapping[str, str], target: Target, claims: Sequence[Claim] = ()
) -> Settings:
    """Return the settings of a log: `claims` are those on its folder's files if they are known, and not contested.

    Of many logs, return what they have in common. Raise ConfigurationError.
    """
    path, schemas = options.get("path"), options.get("schemas")
    profile = target.profile
    _must_name_a_file(target, path)
    folder, base = os.path.split(target.log)
    contests: tuple[Contest, ...] = ()
    if not claims and not target.of_many:
        claims, contests = _claims(target)
    stem = os.path.splitext(base)[0]
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
        more_names=profile.more_names,
        fields=profile.fields,
        guard=profile.guard,
        budget=profile.budget,
        explicit_path=bool(path),
        explicit_schemas=bool(schemas),
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
        hooks=profile.hooks,
        pings=profile.pings,
        state="" if options.get("no_catalog") else state_folder(options.get("state"), profile, folder, environment),
        max_runtime=_given(seconds, "--max-runtime", options.get("max_runtime")),
        io_limit=_given(bytes_per_second, "--io-limit", options.get("io_limit")),
        apart=tuple(within(folder, [policy, profile.source, *profile.policies])),
        claims=tuple(claims),
        contests=contests,
        ignored_keys=profile.ignored_keys,
        is_mxcps=profile.is_mxcps,
        awaits_registry=profile.is_mxcps and not path and not schemas,
        shares_policy=target.claims[0].of_many and bool(schemas or profile.schemas),
    )


def _must_name_a_file(target: Target, path: str | None) -> None:
    """Raise ConfigurationError if the log is a folder, or has a name that leaves no room for those of its segments."""
    source, log = target.profile.source, target.log
    base = os.path.basename(log)
    is_odd = not base or base.endswith(_YAML) or os.path.isdir(log) or (path and not os.path.lexists(log))
    if is_odd and target.profile.enabled:
        from asynclog.config.paths.path_problems import path_problem  # noqa: PLC0415 - most paths are those of a log

        if problem := path_problem(path or log, log):
            raise ConfigurationError(f"{source}: {problem}")
    if length(base) > LONGEST_BASE:
        raise ConfigurationError(
            f"{source}: the log's name has {length(base)} bytes, and late segments need room in theirs: "
            f"give it one of {LONGEST_BASE} bytes at the most"
        )


def _claims(target: Target) -> tuple[tuple[Claim, ...], tuple[Contest, ...]]:
    """Return the claims on files of the log's folder, its own first, and what two profiles claim, in any folder.

    Raise ConfigurationError for that, unless it is MXCP's to refuse.
    """
    folders = [os.path.dirname(claim.log) for claim in target.claims if not claim.of_many]
    claims = list(located(target.claims, folders))
    contests = tuple(contested(claims))
    if not target.profile.is_mxcps:
        refuse(contests)
    return tuple(next((each for each in by_folder(claims).values() if claims[0] in each), ())), contests


def _origin(options: Options, profile: Profile) -> Origin:
    """Return how the audit schema definitions were chosen. Who allows an unsafe folder allows the registry in it."""
    if options.get("schemas"):
        return "named"
    if profile.schemas:
        return "named" if options.get("config") else "found"
    return "named" if options.get("allow_unsafe_folder") else "beside"


def _given(meaning: Callable[[str, str], float], option: str, text: str | None) -> float | None:
    return None if text is None else meaning(option, text)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    instant = parse_instant(text)
    if instant is None:
        meant = next((each for each in (f"{text}Z", f"{text}T00:00:00Z") if parse_instant(each) is not None), "")
        raise ConfigurationError(
            f"--now {text!r}: write an instant with its offset, such as {meant or '2026-11-24T00:00:00Z'}"
        )
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
