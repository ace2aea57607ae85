"""A document that `--json` printed and somebody has saved -> the text that the same run would have printed."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_control
from asynclog.report.envelope import CommandResult
from asynclog.report.show.result import Kind


class _Form(NamedTuple):
    """A kind of result: the name of its type, and a key that no other kind has."""

    type: str
    key: str


_FORMS: dict[Kind, _Form] = {
    "cleanup": _Form("CleanupResult", "deleted_per_schema"),
    "estimate": _Form("EstimateResult", "what_if"),
    "check": _Form("CheckResult", "unused_rules"),
    "init": _Form("InitResult", "left_out"),
    "presets": _Form("PresetsResult", "presets"),
    "history": _Form("HistoryResult", "runs"),
    "explain": _Form("ExplainResult", "segments"),
}


def kind_of(document: dict[str, Any]) -> Kind | None:
    """Return which kind of report this is; None if it is none."""
    result = document.get("result")
    if document.get("status") == "error" and isinstance(document.get("error"), str) and result is None:
        return "error"
    if document.get("status") not in {"ok", "error"} or not isinstance(result, dict):
        return None
    return next((kind for kind, form in _FORMS.items() if form.key in result), None)


def text_of(document: dict[str, Any], kind: Kind, source: str) -> str:
    """Return the report as text. Raise ConfigurationError if it is not whole."""
    error = f"Error: {escape_control(document['error'])}" if document["status"] == "error" else ""
    if kind == "error":
        return error
    module = f"asynclog.report.{kind}"
    result_type = getattr(import_module(f"{module}.result"), _FORMS[kind].type)
    try:
        result = msgspec.convert(document["result"], result_type)
    except msgspec.ValidationError as problem:
        raise ConfigurationError(f"{source}: this is not a whole report of asynclog: {problem}") from None
    as_text: Callable[[Any], str] = import_module(f"{module}.text").as_text
    return "\n".join(filter(None, (as_text(CommandResult(result)), error)))
