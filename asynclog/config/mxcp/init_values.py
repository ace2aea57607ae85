"""Take over for a new asynclog.yaml what is in the `mxcp-site.yml` beside it: its profiles, and a registry's rules."""

import os
from collections.abc import Mapping

import msgspec

from asynclog.config.configuration_file import MXCPS, OURS, load_profile, nearest
from asynclog.config.paths.contested_segments import refuse
from asynclog.config.paths.usable_paths import absolute, identity, working_folder
from asynclog.config.policy_file import policy_of
from asynclog.config.resolve import resolve
from asynclog.config.settings import Options, Settings
from asynclog.errors import ConfigurationError
from asynclog.policy.rules import Policy
from asynclog.storage.profile_claims import Claim


class Takeover(msgspec.Struct, frozen=True):
    """The file at `site`, the settings of the chosen profile, its registry's rules, and the logs of all profiles."""

    site: str
    settings: Settings
    policy: Policy
    logs: tuple[Claim, ...]


def find_takeover(options: Options, environment: Mapping[str, str]) -> Takeover | None:
    """Return what to take over for the log at `path`, else for the profile that the environment or the file says.

    Return None if asynclog does not read an `mxcp-site.yml` here, or if that log is none of its enabled ones. Raise
    ConfigurationError if the log is one of them, but has no rules yet.
    """
    here, path = working_folder(), options.get("path")
    site = nearest(MXCPS, here)
    if site is None or nearest(OURS, here):
        return None
    try:
        profile = load_profile(None, None, environment)
    except ConfigurationError:
        if path:
            return None  # whatever is wrong there, it is not what was asked for
        raise
    name = _owner(path, profile.claims) if path else profile.name
    if name is None:
        return None
    if os.path.dirname(site) != here:
        raise ConfigurationError(f"{site} configures this log: run init in its folder, {os.path.dirname(site)}")
    settings = resolve({**options, "path": None, "profile": name}, environment)
    return Takeover(site, settings, _rules(settings), profile.claims)


def _owner(path: str, claims: tuple[Claim, ...]) -> str | None:
    """Return the enabled profile that has this log, whatever path leads there; None if none has."""
    log = identity(absolute(path, "--path"))
    return next((claim.profile for claim in claims if claim.enabled and identity(claim.log) == log), None)


def _rules(settings: Settings) -> Policy:
    """Return the rules of the registry. Raise ConfigurationError if there is nothing to take over."""
    if not settings.enabled:
        raise ConfigurationError(
            f"{settings.source}: audit logging is switched off in profile {settings.profile}: choose another one with "
            "MXCP_PROFILE, or name the log with --path"
        )
    refuse(settings.contests)
    policy = policy_of(settings)
    if policy.source is None:
        raise ConfigurationError(
            f"{settings.schemas}: MXCP has not written its audit schemas yet, so there are no rules to take over. "
            f"Until then all records are kept, and {settings.source} is all the configuration that asynclog needs"
        )
    return policy
