"""The configuration file: which one, which profile of it, and what that says. Ours, or MXCP's own."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from asynclog.config.paths.log_folders import escaped, has_wildcard, literal, wildcard_problem
from asynclog.config.paths.usable_paths import absolute, working_folder
from asynclog.config.presets import load_presets, with_preset
from asynclog.config.profile import Profile, beside, must_have
from asynclog.config.reading.file_text import Origin
from asynclog.config.values.mapped_fields import FieldKeys, TimeKeys, fields_from
from asynclog.config.values.units import percent
from asynclog.errors import ConfigurationError
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.plan.guards import Guard
from asynclog.plan.rewrite_threshold import Percent
from asynclog.storage.profile_claims import Claim

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document
    from asynclog.config.values.hooks import Hooks, Pings

OURS = "asynclog.yaml"
MXCPS = "mxcp-site.yml"


class _Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str | None = None
    enabled: bool = True
    schemas: str | None = None
    segments: str | list[str] | msgspec.UnsetType = msgspec.UNSET
    weak_leases: bool = False


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    audit: _Audit
    guard: Guard = Guard()
    rewrite: str = "always"
    state: str | None = None
    preset: str | None = None
    fields: FieldKeys | None = None
    time: TimeKeys | None = None
    format: str | None = None
    max_bytes: Any = None
    min_free: Any = None
    hooks: Any = None
    ping: Any = None

    @property
    def more_names(self) -> tuple[str, ...]:
        """Patterns of the preset, for segments beside those with usual names; none if the profile has patterns."""
        is_named = self.audit.segments is not msgspec.UNSET
        return () if is_named or self.preset is None else load_presets()[self.preset].segments


class _Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profiles: dict[str, Any]
    asynclog: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    profile: str | None = None
    state: str | None = None


def find_configuration() -> str:
    """Return the nearest `asynclog.yaml`, else the nearest `mxcp-site.yml`, from the working folder upwards."""
    start = working_folder()
    path = nearest(OURS, start) or nearest(MXCPS, start)
    if path is not None:
        return path
    raise ConfigurationError(
        f"no {OURS} and no {MXCPS} in {start} or above it: name one with --config, "
        "or the log with --path and its audit schema definitions with --schemas"
    )


def nearest(name: str, folder: str) -> str | None:
    """Return the nearest file of this name, from an absolute folder upwards; None if there is none."""
    while True:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            return path
        if folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)


def profile_names(path: str | None) -> list[str]:
    """Return the names of all profiles of the file at `path`, else of the one found. Raise ConfigurationError."""
    document = _document(path)
    names = list(document.mapping(("profiles",))) if "profiles" in document.mapping(()) else []
    if not names:
        raise ConfigurationError(f"{document.path}: there are no profiles")
    return names


def _document(path: str | None, origin: Origin = "named") -> "Document":
    from asynclog.config.reading.yaml_document import Document  # noqa: PLC0415 - YAML takes a tenth of a short job to import

    if path and path.endswith(".jsonl"):
        raise ConfigurationError(
            f"--config {path}: this is no configuration, which is a YAML file: name a log with --path"
        )
    return Document(absolute(path, "--config"), origin) if path else Document(find_configuration(), "found")


def load_profile(path: str | None, name: str | None, environment: Mapping[str, str]) -> Profile:
    """Return the profile `name`, else the one that the environment or the file says.

    The file is the one at `path`, else the one that is found, which then has to be ours or root's; so has one that
    names programs to run.
    """
    document = _document(path)
    if path and _has_hooks(document):
        document = _document(path, "hooks")
    keys = document.mapping(())
    if "mxcp" in keys:
        from asynclog.config.mxcp.site import mxcp_profile  # noqa: PLC0415 - only in an MXCP project

        return mxcp_profile(document, name, environment)
    if "schemas" in keys and "profiles" not in keys:
        raise document.error(
            ("schemas",), f"these are audit schema definitions, and no configuration: --schemas {document.path}"
        )
    return _our_profile(document, name, environment)


def _our_profile(document: "Document", name: str | None, environment: Mapping[str, str]) -> Profile:
    file = document.convert(document.data, (), _Configuration)
    # All profiles are read, so that a fault in one is found before its own timer finds it.
    profiles = {
        each: document.convert(with_preset(document, each, value), ("profiles", each), _Profile)
        for each, value in file.profiles.items()
    }
    rewrites = {each: _rewrite(document, each, profile.rewrite) for each, profile in profiles.items()}
    patterns = {each: _patterns(document, each, profile.audit) for each, profile in profiles.items()}
    fields = {
        each: fields_from(document, each, profile.fields, profile.time, profile.format)
        for each, profile in profiles.items()
    }
    budgets = {each: _budget(document, each, profile) for each, profile in profiles.items()}
    around = {each: _around(document, each, profile) for each, profile in profiles.items()}
    name = name or environment.get("ASYNCLOG_PROFILE") or file.profile or "default"
    must_have(document, profiles, name)
    profile = profiles[name]
    audit, state = profile.audit, profile.state or file.state
    if audit.path is None and audit.enabled:
        raise document.error(("profiles", name, "audit", "path"), "the log's path is missing")
    logs = {each: _log(document, each, profile.audit) for each, profile in profiles.items()}
    return Profile(
        source=document.path,
        name=name,
        enabled=audit.enabled,
        log=logs[name],
        of_many=has_wildcard(logs[name]),
        log_at=str(document.error(("profiles", name, "audit", "path"), audit.path or "")),
        schemas=beside(document, name, audit.schemas) if audit.schemas else "",
        patterns=patterns[name],
        more_names=profile.more_names,
        fields=fields[name],
        weak_leases=audit.weak_leases,
        guard=profile.guard,
        budget=budgets[name],
        rewrite=rewrites[name],
        hooks=around[name][0],
        pings=around[name][1],
        state=beside(document, name, state) if state else "",
        claims=tuple(
            Claim(
                each,
                logs[each],
                profile.audit.enabled,
                patterns[each],
                profile.more_names,
                has_wildcard(logs[each]),
            )
            for each, profile in profiles.items()
            if profile.audit.path
        ),
        policies=tuple(
            beside(document, each, profile.audit.schemas) for each, profile in profiles.items() if profile.audit.schemas
        ),
    )


def _log(document: "Document", name: str, audit: _Audit) -> str:
    """Return the absolute path of one profile's log, or the pattern of many. Raise ConfigurationError."""
    path = audit.path or ""
    if has_wildcard(path) and (problem := wildcard_problem(path)):
        raise document.error(("profiles", name, "audit", "path"), f"{path!r}: {problem}")
    log = beside(document, name, os.path.join(escaped(os.path.dirname(document.path)), path))
    return log if has_wildcard(log) else literal(log)


def _patterns(document: "Document", name: str, audit: _Audit) -> tuple[str, ...]:
    """Return the globs of one profile. Raise ConfigurationError if one of them can match nothing."""
    if audit.segments is msgspec.UNSET:
        return ()
    place = ("profiles", name, "audit", "segments")
    if not audit.segments:
        raise document.error(place, "this names no segment: name some, or leave the key out for the usual names")
    globs = (audit.segments,) if isinstance(audit.segments, str) else tuple(audit.segments)
    for glob in globs:
        if not glob or glob.startswith("."):
            problem = "no segment has such a name: none is empty or begins with a dot"
        elif "/" in glob:
            problem = (
                "a name has no /, and only files directly in the folder of `path` are looked at: "
                "write folders into `path`, which may have * and ** there"
            )
        else:
            continue
        raise document.error(place, f"{glob!r} matches nothing: {problem}")
    return globs


def _rewrite(document: "Document", name: str, text: str) -> Percent:
    try:
        return percent(text)
    except ValueError as error:
        raise document.error(("profiles", name, "rewrite"), f"{text!r}: {error}") from None


def _has_hooks(document: "Document") -> bool:
    from asynclog.config.values.hooks import has_hooks  # noqa: PLC0415 - a file that is found needs no second look

    return "mxcp" not in document.mapping(()) and has_hooks(document)


def _around(document: "Document", name: str, profile: _Profile) -> "tuple[Hooks | None, Pings | None]":
    if profile.hooks is None and profile.ping is None:
        return None, None
    from asynclog.config.values.hooks import hooks_from, pings_from  # noqa: PLC0415 - few profiles have any

    return hooks_from(document, name, profile.hooks), pings_from(document, name, profile.ping)


def _budget(document: "Document", name: str, profile: _Profile) -> Budget:
    if profile.max_bytes is None and profile.min_free is None:
        return NO_BUDGET
    from asynclog.config.values.budget import budget_from  # noqa: PLC0415 - few logs have a budget

    return budget_from(document, name, profile.max_bytes, profile.min_free)
