"""Our own configuration file, `asynclog.yaml`: what its profiles say."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from asynclog.config.paths.wildcards import escaped, has_wildcard, literal, wildcard_problem
from asynclog.config.presets import load_presets, with_preset
from asynclog.config.profile import Profile, beside, must_have
from asynclog.config.values.mapped_fields import FieldKeys, TimeKeys, fields_from
from asynclog.config.values.units import percent
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.plan.guards import Guard
from asynclog.plan.rewrite_threshold import Percent
from asynclog.storage.profile_claims import Claim

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document
    from asynclog.config.values.hooks import Hooks, Pings


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


def our_profile(document: "Document", name: str | None, environment: Mapping[str, str]) -> Profile:
    """Return the profile `name`, else the one that the environment or the file says. Raise ConfigurationError."""
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
