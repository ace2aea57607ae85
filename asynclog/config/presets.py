"""Presets: which files, fields and times the logs of known products have. What they say is in presets.toml."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from asynclog.config.values.mapped_fields import FieldKeys, TimeKeys, mapped_fields, whole_file
from asynclog.records.fields import MXCP_FIELDS, Fields

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One product's log. `path` is where it usually is, and `segments` are patterns for names that no rotator gives.

    `base` is a pattern for the usual name of its file, empty if that is always the one in `path`. `marks` are what its
    lines are recognised by: of each list, a line has one, which is a path, or a path, `=` and a pattern for its value.
    An empty `schema` means that all records have the schema `constant`; without that either, the lines are MXCP's. If
    the `format` is `file`, each file is one record.
    `policy` has the periods that operators usually set, by schema: it is shown, and never applied.
    """

    about: str
    path: str
    base: str = ""
    marks: tuple[tuple[str, ...], ...] = ()
    segments: tuple[str, ...] = ()
    timestamp: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    constant: str = ""
    form: tuple[str, ...] = ("rfc3339",)
    format: str = ""
    rewrite: str = ""
    policy: tuple[tuple[str, str], ...] = ()

    def keys(self) -> dict[str, Any]:
        """Return the keys of a profile that this preset stands for, apart from its names."""
        keys: dict[str, Any] = {}
        if self.format:
            keys = {"format": self.format, "fields": {"schema": {"constant": self.constant}}}
        elif self.timestamp:
            schema = list(self.schema) or {"constant": self.constant}
            keys = {"fields": {"timestamp": list(self.timestamp), "schema": schema}, "time": {"form": list(self.form)}}
        return keys | ({"rewrite": self.rewrite} if self.rewrite else {})

    def fields(self) -> Fields:
        """Return the fields of its lines."""
        keys = self.keys()
        if "fields" not in keys:
            return MXCP_FIELDS
        fields = msgspec.convert(keys["fields"], FieldKeys)
        return whole_file(fields) if self.format else mapped_fields(fields, msgspec.convert(keys["time"], TimeKeys))


@cache
def load_presets() -> Mapping[str, Preset]:
    """Return all presets, by name."""
    from importlib.resources import files  # noqa: PLC0415 - few logs have a preset, and this imports much

    text = (files("asynclog.config") / "presets.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Preset])


def unknown_preset(name: object) -> str:
    """Say what is wrong with the name of a preset; empty if there is such a one."""
    if isinstance(name, str) and name in load_presets():
        return ""
    from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - only for an error

    near, there = did_you_mean(str(name), load_presets()), ", ".join(sorted(load_presets()))
    return f"there is no preset {name!r}{f'{near} Or' if near else ':'} write one of {there}"


def with_preset(document: "Document", profile: str, value: Any) -> Any:
    """Return a profile's keys with what its preset says beneath them. Raise ConfigurationError."""
    if not isinstance(value, dict) or value.get("preset") is None:
        return value
    if problem := unknown_preset(value["preset"]):
        raise document.error(("profiles", profile, "preset"), problem)
    return _beneath(load_presets()[value["preset"]].keys(), value)


def _beneath(keys: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return these keys under those of a profile, which come first, also within `fields` and `time`."""
    merged = {**keys, **value}
    for name in ("fields", "time"):
        if isinstance(keys.get(name), dict) and isinstance(value.get(name), dict):
            merged[name] = {**keys[name], **value[name]}
    fields = merged.get("fields")
    if isinstance(fields, dict) and isinstance(fields.get("timestamp"), dict) and "time" not in value:
        merged.pop("time", None)  # the file's own time is in no form
    return merged
