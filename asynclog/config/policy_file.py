"""Audit schema definitions -> policy: YAML as people write it, and MXCP's registry, a JSONL file.

An unknown policy is no permission to delete: whatever is wrong in such a file is an error.
"""

import io
import json
import os
import re
from typing import Annotated, Any

import msgspec

from asynclog.config.file_text import Origin, read_file
from asynclog.config.settings import Settings
from asynclog.config.validation_errors import explain
from asynclog.errors import ConfigurationError
from asynclog.policy.rules import WILDCARD, Policy, PolicyFile, Rule
from asynclog.schemas import SchemaKey

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

    A registry that may come yet has no rules yet: one of MXCP's own, or one in a folder that does not exist yet.
    """
    path = settings.schemas
    if not os.path.lexists(path):
        beside = os.path.dirname(path) == settings.folder
        if settings.awaits_registry or (beside and not os.path.lexists(settings.folder)):
            return Policy()
        if beside and path.endswith("_schemas.jsonl"):
            raise ConfigurationError(
                f"{path}: there is no such file, and so no registry beside the log: name the audit schema definitions, "
                "with --schemas or as `schemas:` in asynclog.yaml"
            )
    return load_policy(path, settings.schemas_are)


def load_policy(path: str, origin: Origin = "named") -> Policy:
    """Return the policy that a file defines: a registry if its name ends in `.jsonl`, else YAML.

    Raise ConfigurationError with the file, the line and the key.
    """
    return _from_registry(path, origin) if path.endswith(".jsonl") else _from_yaml(path, origin)


def _from_yaml(path: str, origin: Origin) -> Policy:
    from asynclog.config.yaml_document import Document  # noqa: PLC0415 - YAML takes a tenth of a short job to import

    document = Document(path, origin)
    exact: dict[SchemaKey, Rule] = {}
    wide: dict[str, Rule] = {}
    entries = document.convert(document.data, (), _File).schemas
    for index, entry in enumerate(entries):
        place = ("schemas", index)
        problem = _days_problem(entry.get("retention_days"))
        if problem:
            raise document.error((*place, "retention_days"), problem)
        found = document.convert(entry, place, _WrittenDefinition)
        where = f"{path}:{document.line((*place, 'schema_name'))}"
        rule = Rule(found.retention_days, found.active, where)
        if found.version is None:
            earlier = wide.setdefault(found.schema_name, rule)
        elif found.schema_name == WILDCARD:
            raise document.error((*place, "version"), "the rule for * has no version, it is for all others")
        else:
            earlier = exact.setdefault(SchemaKey(found.schema_name, found.version), rule)
        if earlier is not rule:
            raise document.error((*place, "schema_name"), f"{_named(found)} is defined at {earlier.where} already")
    by_name = {name: rule for name, rule in wide.items() if name != WILDCARD}
    return Policy(exact, by_name, wide.get(WILDCARD), PolicyFile(path, document.sha256))


def _named(found: _WrittenDefinition) -> str:
    return found.schema_name if found.version is None else f"{found.schema_name}:{found.version}"


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
            problem = _days_problem(entry.get("retention_days")) if isinstance(entry, dict) else ""
            if problem:
                raise ConfigurationError(f"{where}: retention_days: {problem}")
            found = msgspec.convert(entry, _Definition)
        except msgspec.ValidationError as error:
            place, problem = explain(error)
            key = f"{place[0]}: " if place else ""
            raise ConfigurationError(f"{where}: {key}{problem}") from None
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{where}: this line is not one JSON object: {error}") from None
        exact[SchemaKey(found.schema_name, found.version)] = Rule(found.retention_days, found.active, where)
        if len(exact) > MOST_RULES:
            raise ConfigurationError(
                f"{where}: there are more than {MOST_RULES:,} schemas, which takes too much memory"
            )
    return Policy(exact, source=PolicyFile(path, file.sha256))


def _days_problem(value: object) -> str:
    """Say what is wrong with a value of `retention_days`, and what to write; empty if it is null or an integer >= 0."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return ""
    if isinstance(value, bool | float | int):
        shown = str(value).lower()
        instead = "0 or more, or null to keep them for ever" if shown[:1] == "-" else "such as 1"
        return f"{shown}: write whole days (24 hours each), {instead}"
    if not isinstance(value, str):
        return "this must be one number: write whole days (24 hours each), such as 90"
    number = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:d|days?)?\s*", value, re.IGNORECASE)
    if number is None:
        return f"{_shortened(value)!r}: write whole days (24 hours each), such as 1"
    plain = int(number[1])
    if value.strip().isdigit():
        return f"{value!r} is text: write the number of days without quotes: {plain}"
    return f"{value!r}: write the number of days without a unit: {plain}"


def _shortened(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


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
