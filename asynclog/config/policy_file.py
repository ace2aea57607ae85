"""Audit schema definitions -> policy: YAML as people write it, and MXCP's registry, a JSONL file.

An unknown policy is no permission to delete: whatever is wrong in such a file is an error.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from asynclog.config.file_text import Origin, read_file
from asynclog.config.retention_values import days_problem, period_problem
from asynclog.config.rotated_registry import is_registry, readable_rotations
from asynclog.config.settings import Settings
from asynclog.config.validation_errors import KeyPath, explain
from asynclog.errors import ConfigurationError
from asynclog.policy.patterns import RIVALRY, Pattern, first_rivals
from asynclog.policy.periods import parse_period
from asynclog.policy.rules import WILDCARD, Policy, PolicyFile, Rule, Scope, make_policy, scope_for
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY

if TYPE_CHECKING:
    from asynclog.config.yaml_document import Document

# Of a registry; one has a line for each change of a schema.
LONGEST_LINE = 1 << 20  # characters
MOST_RULES = 50_000
_LONGEST_INTEGER = 1000  # characters

_Days = Annotated[int, msgspec.Meta(ge=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Definition(msgspec.Struct, frozen=True):
    """One line of a registry: what MXCP writes, as far as retention needs it; it has more keys."""

    schema_name: _Name
    version: int = 1
    retention_days: _Days | None = None
    active: bool = True


class _WrittenDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a YAML file. The keys after `description` are MXCP's, and mean nothing here."""

    schema_name: _Name
    version: int | None = None
    retention_days: _Days | None = None
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
    is_there = os.path.lexists(path)
    policy = load_policy(path, settings.schemas_are) if is_there else Policy()
    if is_registry(path) and not policy.exact:
        policy = _from_rotated(path, settings.schemas_are) or policy
    if not is_there and not policy.source:
        beside = os.path.dirname(path) == settings.folder
        if settings.awaits_registry or (beside and not os.path.lexists(settings.folder)):
            return Policy()
        if beside and path.endswith("_schemas.jsonl"):
            raise ConfigurationError(
                f"{path}: there is no such file, and so no registry beside the log: name the audit schema definitions, "
                "with --schemas or as `schemas:` in asynclog.yaml"
            )
        return load_policy(path, settings.schemas_are)
    return policy


def load_policy(path: str, origin: Origin = "named") -> Policy:
    """Return the policy that a file defines: a registry if its name ends in `.jsonl`, else YAML.

    Raise ConfigurationError with the file, the line and the key.
    """
    return _from_registry(path, origin) if is_registry(path) else _from_yaml(path, origin)


def _from_yaml(path: str, origin: Origin) -> Policy:
    from asynclog.config.yaml_document import Document  # noqa: PLC0415 - YAML takes a tenth of a short job to import

    document = Document(path, origin)
    rules: dict[Scope, Rule] = {}
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
    return parse_period(period) if period is not None else _ns(days)


def _ns(days: int | None) -> int | None:
    return None if days is None else days * DAY


def _from_registry(path: str, origin: Origin) -> Policy:
    exact: dict[SchemaKey, Rule] = {}
    file = read_file(path, origin=origin)
    for number, line in enumerate(io.StringIO(file.text, newline="\n"), start=1):
        if not line.strip(" \t\r\n"):
            continue
        where = f"{path}:{number}"
        if len(line) > LONGEST_LINE:
            raise ConfigurationError(f"{where}: this line has {len(line):,} characters: more than {LONGEST_LINE:,}")
        try:
            entry = _strict_object(line)
            problem = days_problem(entry.get("retention_days")) if isinstance(entry, dict) else ""
            if problem:
                raise ConfigurationError(f"{where}: retention_days: {problem}")
            found = msgspec.convert(entry, _Definition)
        except msgspec.ValidationError as error:
            place, problem = explain(error)
            key = f"{place[0]}: " if place else ""
            raise ConfigurationError(f"{where}: {key}{problem}") from None
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{where}: this line is not one JSON object: {error}") from None
        rule = Rule(retention=_ns(found.retention_days), active=found.active, where=where)
        exact[SchemaKey(found.schema_name, found.version)] = rule
        if len(exact) > MOST_RULES:
            raise ConfigurationError(
                f"{where}: there are more than {MOST_RULES:,} schemas, which takes too much memory"
            )
    return Policy(exact, source=PolicyFile(path, file.sha256))


def _from_rotated(path: str, origin: Origin) -> Policy | None:
    """Return the policy of the files that a registry was before its rotations; None if these have no rule, either."""
    exact: dict[SchemaKey, Rule] = {}
    digests: dict[str, str] = {}
    for file in readable_rotations(path):
        older = _from_registry(file, origin)
        if older.source and older.exact:
            exact |= older.exact
            digests[file] = older.source.sha256
        if len(exact) > MOST_RULES:
            raise ConfigurationError(f"{file}: with this file there are more than {MOST_RULES:,} schemas: remove it")
    if not digests:
        return None
    sha256 = next(iter(digests.values()))
    if len(digests) > 1:
        sha256 = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    return Policy(exact, source=PolicyFile([*digests][-1], sha256, rotated=tuple(digests)))


def _strict_object(line: str) -> Any:
    return json.loads(line, object_pairs_hook=_unambiguous, parse_constant=_refuse, parse_int=_integer)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a number of {len(text):,} characters")
    return int(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
