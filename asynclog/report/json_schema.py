"""The JSON Schema of every `--json` document, made from the types that they are made of.

It ships as `schema.json` beside this module, which `make schema` writes anew.
"""

from inspect import cleandoc
from typing import Any

import msgspec

from asynclog.report.check.result import CheckResult
from asynclog.report.cleanup.result import CleanupResult
from asynclog.report.envelope import Failed, Succeeded
from asynclog.report.estimate.result import EstimateResult
from asynclog.report.explain.result import ExplainResult
from asynclog.report.init.result import InitResult

# The document of each command.
DOCUMENTS = {
    "init": Succeeded[InitResult] | Failed[InitResult],
    "check": Succeeded[CheckResult] | Failed[CheckResult],
    "estimate": Succeeded[EstimateResult] | Failed[EstimateResult],
    "explain": Succeeded[ExplainResult] | Failed[ExplainResult],
    "cleanup": Succeeded[CleanupResult] | Failed[CleanupResult],
    "apply": Succeeded[CleanupResult] | Failed[CleanupResult],
}


def json_schema() -> dict[str, Any]:
    """The schema: `$defs` has that of each command under its name, and what they consist of."""
    documents, parts = msgspec.json.schema_components(DOCUMENTS.values(), ref_template="#/$defs/{name}")
    for part in parts.values():
        _as_written(part)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What asynclog prints with --json",
        "anyOf": [{"$ref": f"#/$defs/{command}"} for command in DOCUMENTS],
        "$defs": {**dict(zip(DOCUMENTS, documents, strict=True)), **parts},
    }


def _as_written(part: dict[str, Any]) -> None:
    """Says of an object what holds for one that is written: all keys are there, whatever could be left out in Python.

    The exception are those that may be UNSET: they have no default that could be written. A description is the type's
    docstring, which msgspec before 0.23 hands on with the indentation of the source, unless Python (3.13) took it away.
    """
    if "description" in part:
        part["description"] = cleandoc(part["description"])
    keys, needed = part["properties"], part["required"]
    part["required"] = [key for key, value in keys.items() if key in needed or "default" in value]
    for value in keys.values():
        value.pop("default", None)
