"""Audit schema definitions -> policy: YAML as people write it, or MXCP's registry.

An unknown policy is no permission to delete: whatever is wrong in such a file is an error.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from asynclog.config.configuration_file import OURS, nearest
from asynclog.config.mxcp.registry import is_registry, read_registry, read_rotated
from asynclog.config.paths.usable_paths import working_folder
from asynclog.config.reading.file_text import Origin
from asynclog.config.reading.msgspec_errors import KeyPath
from asynclog.config.settings import Settings
from asynclog.config.values.retention_problems import days_problem, period_problem
from asynclog.errors import ConfigurationError
from asynclog.policy.patterns import RIVALRY, Pattern, first_rivals
from asynclog.policy.periods import days_in_ns, parse_period
from asynclog.policy.rules import WILDCARD, Policy, PolicyFile, Rule, Scope, make_policy, scope_for
from asynclog.storage.naming import SegmentNaming

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document


class _WrittenDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a YAML file. The keys after `description` are MXCP's, and mean nothing here."""

    schema_name: Annotated[str, msgspec.Meta(min_length=1)]
    version: int | None = None
    retention_days: Annotated[int, msgspec.Meta(ge=0)] | None = None
    retention: str | None = None
    active: bool = True
    description: str | None = None
    evidence_level: Any = None
    extract_fields: Any = None
    require_signature: Any = None
    created_at: Any = None
    created_by: Any = None
    indexes: Any = None
    fields: Any = None
    field_redactions: Any = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schemas: list[dict[str, Any]]


def policy_of(settings: Settings) -> Policy:
    """Return the policy that these settings name.

    If a registry is missing or has no rule, those that were rotated count. A registry that may come yet has no rules
    yet: one of MXCP's own, or one in a folder that does not exist yet.
    """
    path = settings.schemas
    if settings.schemas_are == "named" and is_registry(path) and _is_of_the_log(path, settings):
        raise ConfigurationError(f"{path}: this is a log, and no registry: name it with --path, or as audit.path")
    is_there = os.path.lexists(path)
    policy = load_policy(path, settings.schemas_are) if is_there else Policy()
    if is_registry(path) and not policy.exact:
        policy = read_rotated(path, settings.schemas_are) or policy
    if not is_there and not policy.source:
        beside = os.path.dirname(path) == settings.folder
        if settings.awaits_registry or (beside and not os.path.lexists(settings.folder)):
            return Policy()
        if beside and path.endswith("_schemas.jsonl"):
            raise ConfigurationError(
                f"{path}: there is no such file, and so no registry beside the log: name the audit schema definitions, "
                f"with --schemas or as `schemas:` in asynclog.yaml{_found(settings)}"
            )
        return load_policy(path, settings.schemas_are)
    return policy


def _is_of_the_log(path: str, settings: Settings) -> bool:
    """Return whether a file is a segment of the log itself, whose lines look like definitions without a period."""
    folder, name = os.path.split(path)
    return folder == settings.folder and SegmentNaming(settings.base).match(name)


def _found(settings: Settings) -> str:
    """Return which configuration a path alone has left out; empty if there is none."""
    found = nearest(OURS, working_folder()) if settings.profile is None else None
    return f" (a path alone reads none: for {found} leave it out, or name it with --config)" if found else ""


def load_policy(path: str, origin: Origin = "named") -> Policy:
    """Return the policy that a file defines: a registry if its name ends in `.jsonl`, else YAML.

    Raise ConfigurationError with the file, the line and the key.
    """
    return read_registry(path, origin) if is_registry(path) else _from_yaml(path, origin)


def _from_yaml(path: str, origin: Origin) -> Policy:
    from asynclog.config.reading.yaml_document import Document  # noqa: PLC0415 - YAML takes a tenth of a short job to import

    document = Document(path, origin)
    rules: dict[Scope, Rule] = {}
    if isinstance(document.data, dict) and "profiles" in document.data and "schemas" not in document.data:
        raise document.error(
            ("profiles",), f"this is a configuration, and no audit schema definitions: --config {document.path}"
        )
    entries = document.convert(document.data, (), _File).schemas
    for index, entry in enumerate(entries):
        place = ("schemas", index)
        retention = _written_retention(document, place, entry)
        found = document.convert(entry, place, _WrittenDefinition)
        if found.schema_name == WILDCARD and found.version is not None:
            raise document.error((*place, "version"), "the rule for * has no version, it is for all others")
        where = f"{path}:{document.line((*place, 'schema_name'))}"
        scope = scope_for(found.schema_name, found.version)
        if scope in rules:
            raise document.error((*place, "schema_name"), f"{scope} is defined at {rules[scope].where} already")
        rules[scope] = Rule(retention=retention, active=found.active, where=where)
    rivals = first_rivals(scope for scope in rules if isinstance(scope, Pattern))
    if rivals is not None:
        where, other = (rules[each].where for each in reversed(rivals))
        raise ConfigurationError(f"{where}: schemas.schema_name: {rivals[1]} and {rivals[0]} ({other}) {RIVALRY}")
    return make_policy(rules, PolicyFile(path, document.sha256))


def _written_retention(document: "Document", place: KeyPath, entry: Mapping[str, Any]) -> int | None:
    """Return how long a rule keeps records, in ns: `retention`, such as 36h, or `retention_days`; None for ever."""
    if "retention" in entry and "retention_days" in entry:
        raise document.error((*place, "retention"), "retention_days is there, too: write one of the two")
    days, period = entry.get("retention_days"), entry.get("retention")
    problem = days_problem(days)
    if problem:
        other = f", or retention: {days}" if isinstance(days, str) and parse_period(days) else ""
        raise document.error((*place, "retention_days"), problem + other)
    problem = period_problem(period)
    if problem:
        raise document.error((*place, "retention"), problem)
    return parse_period(period) if period is not None else days_in_ns(days)
