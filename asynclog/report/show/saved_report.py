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
    if document.get("status") not in ("ok", "error") or not isinstance(result, dict):
        return None
    return next((kind for kind, form in _FORMS.items() if form.key in result), None)


def text_of(document: dict[str, Any], kind: Kind, source: str) -> str:
    """Return the report as text. Raise ConfigurationError if it is not whole."""
    error = f"Error: {escape_control(document['error'])}" if document["status"] == "error" else ""
    if kind == "error":
        return error
    module = f"asynclog.report.{kind}"
    result_type = getattr(import_module(f"{module}.result"), _FORMS[kind].type)
    as_text: Callable[[Any], str] = import_module(f"{module}.text").as_text
    try:
        text = as_text(CommandResult(msgspec.convert(_printable(document["result"]), result_type)))
    except msgspec.ValidationError as problem:
        raise _not_whole(source, str(problem)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):  # others may have written any
        raise _not_whole(source, "its figures contradict each other") from None
    return "\n".join(filter(None, (text, error)))


def _printable(value: Any) -> Any:
    """Return plain data with every text escaped: where ours has a time or a word, others may have put anything."""
    if isinstance(value, dict):
        return {escape_control(name): _printable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [*map(_printable, value)]
    return escape_control(value) if isinstance(value, str) else value


def _not_whole(source: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{source}: this is not a whole report of asynclog: {problem}")
