"""The result of `presets`: what each of them stands for."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT


class PresetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One product's log. `fields` and `time` are None if its lines are MXCP's; `format` is None if it has lines."""

    about: str
    path: str
    segments: list[str]
    fields: dict[str, list[str] | dict[str, str]] | None
    time: dict[str, list[str]] | None
    format: str | None
    rewrite: str | None
    policy: dict[str, str]


class PresetsResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `shown` is the preset that is printed as a configuration, None for the list."""

    status: Literal["success"]
    message: str
    format: Literal[1] = FORMAT
    shown: str | None
    presets: dict[str, PresetRow]
