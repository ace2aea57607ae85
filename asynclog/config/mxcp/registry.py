"""MXCP's registry of audit schemas, a JSONL file -> policy, and what rotations have made of that file."""

import hashlib
import io
import json
import os
from typing import Annotated, Any

import msgspec

from asynclog.config.reading.file_text import Origin, read_file
from asynclog.config.reading.msgspec_errors import explain
from asynclog.config.values.retention_problems import days_problem
from asynclog.errors import ConfigurationError
from asynclog.policy.periods import days_in_ns
from asynclog.policy.rules import Policy, PolicyFile, Rule
from asynclog.schemas import SchemaKey
from asynclog.storage.codecs import is_packed
from asynclog.storage.naming import SegmentNaming

_LONGEST_LINE = 1 << 20  # characters
_MOST_RULES = 50_000  # in all; a registry has a line for each change of one
_LONGEST_INTEGER = 1000  # characters


class _Definition(msgspec.Struct, frozen=True):
    """One line of a registry: what MXCP writes, as far as retention needs it; it has more keys."""

    schema_name: Annotated[str, msgspec.Meta(min_length=1)]
    version: int = 1
    retention_days: Annotated[int, msgspec.Meta(ge=0)] | None = None
    active: bool = True


def is_registry(path: str) -> bool:
    """Return whether audit schema definitions at this path are a registry, and not YAML."""
    return path.endswith(".jsonl")


def read_registry(path: str, origin: Origin) -> Policy:
    """Return the policy that a registry defines; the last definition of a schema counts. Raise ConfigurationError."""
    exact: dict[SchemaKey, Rule] = {}
    file = read_file(path, origin=origin)
    for number, line in enumerate(io.StringIO(file.text, newline="\n"), start=1):
        if not line.strip(" \t\r\n"):
            continue
        where = f"{path}:{number}"
        if len(line) > _LONGEST_LINE:
            raise ConfigurationError(f"{where}: this line has {len(line):,} characters: more than {_LONGEST_LINE:,}")
        try:
            entry = _strict_object(line)
            problem = days_problem(entry.get("retention_days")) if isinstance(entry, dict) else ""
            if problem:
                raise ConfigurationError(f"{where}: retention_days: {problem}")
            found = msgspec.convert(entry, _Definition)
        except msgspec.ValidationError as error:
            place, problem = explain(error, _Definition)
            key = f"{place[0]}: " if place else ""
            raise ConfigurationError(f"{where}: {key}{problem}") from None
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{where}: this line is not one JSON object: {error}") from None
        rule = Rule(retention=days_in_ns(found.retention_days), active=found.active, where=where)
        exact[SchemaKey(found.schema_name, found.version)] = rule
        if len(exact) > _MOST_RULES:
            raise ConfigurationError(
                f"{where}: there are more than {_MOST_RULES:,} schemas, which takes too much memory"
            )
    return Policy(exact, source=PolicyFile(path, file.sha256))


def read_rotated(path: str, origin: Origin) -> Policy | None:
    """Return the policy of the files that a registry was before its rotations; None if these have no rule, either."""
    exact: dict[SchemaKey, Rule] = {}
    digests: dict[str, str] = {}
    for file in _readable_rotations(path):
        older = read_registry(file, origin)
        if older.source and older.exact:
            exact |= older.exact
            digests[file] = older.source.sha256
        if len(exact) > _MOST_RULES:
            raise ConfigurationError(f"{file}: with this file there are more than {_MOST_RULES:,} schemas: remove it")
    if not digests:
        return None
    sha256 = next(iter(digests.values()))
    if len(digests) > 1:
        sha256 = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    return Policy(exact, source=PolicyFile([*digests][-1], sha256, rotated=tuple(digests)))


def rotations(registry: str) -> list[str]:
    """Return the names of the files beside a registry that were one before a rotation, from the oldest on."""
    folder, base = os.path.split(registry)
    naming = SegmentNaming(base)
    try:
        return sorted(filter(naming.is_rotated, os.listdir(folder)), key=naming.sort_key)
    except OSError:
        return []


def _readable_rotations(registry: str) -> list[str]:
    """Return the paths of those that can be read, from the oldest on, but none that is older than a packed one.

    A later definition counts, and what may be in a packed file is not known. Raise ConfigurationError where the order
    is not known: a number counts from the newest file, and does not say whether that is newer than one with a date.
    """
    names, naming = rotations(registry), SegmentNaming(os.path.basename(registry))
    numbered = [name for name in names if naming.is_renamed_later(name)]
    others = [name for name in names if name not in numbered]
    if numbered and others:
        raise ConfigurationError(
            f"{registry} has no rule, and of what seems to be left of it after rotations nothing says whether "
            f"{numbered[-1]} or {others[-1]} is newer: put the lines that count back into the registry"
        )
    packed = [number for number, name in enumerate(names, start=1) if is_packed(name)]
    return [os.path.join(os.path.dirname(registry), name) for name in names[max(packed, default=0) :]]


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
