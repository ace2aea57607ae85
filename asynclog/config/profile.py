"""One profile of a configuration file, whoever's file that is."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from asynclog.config.paths.usable_paths import usable
from asynclog.plan.budget import NO_BUDGET, Budget
from asynclog.plan.guards import Guard
from asynclog.plan.rewrite_threshold import ALWAYS, Percent
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.storage.profile_claims import Claim

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document
    from asynclog.config.values.hooks import Hooks, Pings


class Profile(msgspec.Struct, frozen=True):
    """One profile, resolved: paths are absolute. `schemas` is empty for the one beside the log, `state` for none.

    `log` is a pattern if it is `of_many` logs; `log_at` is where it is written, with file, line and key.

    `claims` are those of all profiles of the file, `policies` the files that any of them names. `is_mxcps` tells whose
    file it is; `ignored_keys` are such as look like retention in MXCP's, each with its place.
    """

    source: str
    name: str | None
    enabled: bool
    log: str = ""
    schemas: str = ""
    patterns: tuple[str, ...] = ()
    more_names: tuple[str, ...] = ()
    fields: Fields = MXCP_FIELDS
    weak_leases: bool = False
    guard: Guard = Guard()
    budget: Budget = NO_BUDGET
    rewrite: Percent = ALWAYS
    hooks: "Hooks | None" = None
    pings: "Pings | None" = None
    state: str = ""
    of_many: bool = False
    log_at: str = ""
    claims: tuple[Claim, ...] = ()
    policies: tuple[str, ...] = ()
    is_mxcps: bool = False
    ignored_keys: tuple[str, ...] = ()


def must_have(document: "Document", profiles: Mapping[str, object], name: str) -> None:
    """Raise ConfigurationError, with the names that there are, for a profile that there is not."""
    if name not in profiles:
        from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - only for an error

        known = ", ".join(sorted(profiles)) or "none"
        near = did_you_mean(name, profiles)
        raise document.error(("profiles",), f"there is no profile {name!r} (there are: {known}){near}")


def beside(document: "Document", profile: str, path: str) -> str:
    """Resolve a path relative to the file that names it."""
    return usable(os.path.join(os.path.dirname(document.path), path), f"{document.path}: profile {profile}")
