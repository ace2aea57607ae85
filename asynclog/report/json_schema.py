"""The JSON Schema of every `--json` document, generated from the documents' types.

It ships as `schema.json` beside this module. `make schema` writes it, and from it the tables of docs/json.md. The
meanings of the keys are in `key_meanings.toml`, by type.
"""

import tomllib
from importlib.resources import files
from inspect import cleandoc
from typing import Any

import msgspec

from asynclog.report.check.result import CheckResult
from asynclog.report.cleanup.result import CleanupResult
from asynclog.report.completion.result import CompletionResult
from asynclog.report.envelope import Failed, Succeeded
from asynclog.report.estimate.result import EstimateResult
from asynclog.report.explain.result import ExplainResult
from asynclog.report.help.result import HelpResult
from asynclog.report.history.result import HistoryResult
from asynclog.report.init.result import InitResult
from asynclog.report.presets.result import PresetsResult
from asynclog.report.show.result import ShowResult
from asynclog.report.version.result import VersionResult

# The document of each command.
DOCUMENTS = {
    "presets": Succeeded[PresetsResult] | Failed[PresetsResult],
    "init": Succeeded[InitResult] | Failed[InitResult],
    "check": Succeeded[CheckResult] | Failed[CheckResult],
    "estimate": Succeeded[EstimateResult] | Failed[EstimateResult],
    "explain": Succeeded[ExplainResult] | Failed[ExplainResult],
    "cleanup": Succeeded[CleanupResult] | Failed[CleanupResult],
    "apply": Succeeded[CleanupResult] | Failed[CleanupResult],
    "show": Succeeded[ShowResult] | Failed[ShowResult],
    "history": Succeeded[HistoryResult] | Failed[HistoryResult],
    "help": Succeeded[HelpResult] | Failed[HelpResult],
    "completion": Succeeded[CompletionResult] | Failed[CompletionResult],
}
# And that of --version, which is no command.
ALL = {**DOCUMENTS, "version": Succeeded[VersionResult] | Failed[VersionResult]}


def json_schema() -> dict[str, Any]:
    """Return the schema: `$defs` has each command's schema under the command's name, and their parts."""
    documents, parts = msgspec.json.schema_components(ALL.values(), ref_template="#/$defs/{name}")
    for part in parts.values():
        _require_all_keys(part)
    _describe_keys(parts, key_meanings())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What asynclog prints with --json",
        "anyOf": [{"$ref": f"#/$defs/{command}"} for command in ALL],
        "$defs": {**dict(zip(ALL, documents, strict=True)), **parts},
    }


def key_meanings() -> dict[str, dict[str, str]]:
    """Return the meaning of each key, by the name of its type."""
    return tomllib.loads((files("asynclog.report") / "key_meanings.toml").read_text(encoding="utf-8"))


def _describe_keys(parts: dict[str, Any], meanings: dict[str, dict[str, str]]) -> None:
    """Add the meaning of each key. Raise KeyError if a type or a key does not exist any more."""
    for name, keys in meanings.items():
        for key, meaning in keys.items():
            parts[name]["properties"][key]["description"] = meaning


def _require_all_keys(part: dict[str, Any]) -> None:
    """Require all keys of an object: a document always has them all, even those that have a default in Python.

    Keys that may be UNSET are the exception: their default is not written. A description is the type's docstring, which
    msgspec before 0.23 passes on with the indentation of the source, unless Python (3.13) has removed that.
    """
    if "description" in part:
        part["description"] = cleandoc(part["description"])
    keys, needed = part["properties"], part["required"]
    part["required"] = [key for key, value in keys.items() if key in needed or "default" in value]
    for value in keys.values():
        value.pop("default", None)
