"""MXCP's own configuration file, `mxcp-site.yml`: what is read of it, and which keys only look as if they were."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from asynclog.config.profile import Profile, beside, must_have
from asynclog.errors import ConfigurationError
from asynclog.storage.profile_claims import Claim

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document

_SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# A key that has one of these words in it looks like retention.
_WORDS = re.compile(
    "age|cleanup|days|deletes?|expir(e|es|y|ation)|guards?|keep|prune|purge|retain|retention|ttl", re.IGNORECASE
)
# Keys of our own configuration: they mean nothing in MXCP's.
_OURS = frozenset({"fields", "hooks", "ping", "rewrite", "schemas", "segments", "time"})


class _MxcpAudit(msgspec.Struct, frozen=True):
    path: str | None = None
    enabled: bool = False


class _MxcpProfile(msgspec.Struct, frozen=True):
    audit: _MxcpAudit | None = None


class _MxcpSite(msgspec.Struct, frozen=True):
    profiles: dict[str, Any] = {}
    profile: str | None = None


def mxcp_profile(document: "Document", name: str | None, environment: Mapping[str, str]) -> Profile:
    """Return the profile `name`, else the one that the environment or the file says. Raise ConfigurationError."""
    file = document.convert(document.data, (), _MxcpSite)
    name = name or environment.get("ASYNCLOG_PROFILE") or environment.get("MXCP_PROFILE") or file.profile or "default"
    must_have(document, file.profiles, name)
    profile = document.convert(file.profiles[name] or {}, ("profiles", name), _MxcpProfile)
    audit = profile.audit or _MxcpAudit()
    return Profile(
        source=document.path,
        name=name,
        enabled=_overridden(environment.get("MXCP_AUDIT_ENABLED"), audit.enabled),
        log=_mxcp_log(document, name, audit),
        claims=tuple(_mxcp_claims(document, file.profiles, environment)),
        is_mxcps=True,
        ignored_keys=tuple(_ignored_keys(document, name)),
    )


def _mxcp_log(document: "Document", name: str, audit: _MxcpAudit) -> str:
    return beside(document, name, audit.path or f"audit/logs-{name}.jsonl")


def _mxcp_claims(
    document: "Document", profiles: Mapping[str, object], environment: Mapping[str, str]
) -> Iterator[Claim]:
    """Yield those of all profiles but the ones that have a fault: it is theirs to tell."""
    for name, profile in profiles.items():
        with suppress(ConfigurationError):
            found = document.convert(profile or {}, ("profiles", name), _MxcpProfile).audit or _MxcpAudit()
            enabled = _overridden(environment.get("MXCP_AUDIT_ENABLED"), found.enabled)
            yield Claim(name, _mxcp_log(document, name, found), enabled)


def _overridden(switch: str | None, enabled: bool) -> bool:
    if not switch:
        return enabled
    try:
        return _SWITCH[switch.lower()]
    except KeyError:
        raise ConfigurationError(
            f"MXCP_AUDIT_ENABLED={switch!r} in the environment: write true, 1, yes, false, 0 or no"
        ) from None


def _ignored_keys(document: "Document", profile: str) -> Iterator[str]:
    """Yield the keys that this profile would be subject to, as `LINE: KEY`: of file and profile, and below `audit`."""
    yield from _looking_so(document, (), document.data, deep=False)
    there = (document.data.get("profiles") or {}).get(profile)
    if isinstance(there, dict):
        yield from _looking_so(document, ("profiles", profile), there, deep=False)
        yield from _looking_so(document, ("profiles", profile, "audit"), there.get("audit"), deep=True)


def _looking_so(document: "Document", place: tuple[str, ...], value: Any, *, deep: bool) -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if _looks_like_retention(key) or (place and key in _OURS):
            yield f"{document.path}:{document.line((*place, key))}: {'.'.join((*place[2:], key))}"
        elif deep:
            yield from _looking_so(document, (*place, key), inner, deep=True)


def _looks_like_retention(key: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key)
    return any(map(_WORDS.fullmatch, words))
