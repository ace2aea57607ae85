"""The result of `show`: which kind of document a file has, and that document."""

from typing import Any, Literal

import msgspec

from asynclog.report.envelope import FORMAT

Kind = Literal["plan", "presets", "init", "check", "estimate", "explain", "cleanup", "history", "error"]


class ShowResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `content` is the file's document, as it is."""

    status: Literal["success"]
    message: str
    format: Literal[1] = FORMAT
    file: str
    kind: Kind
    content: Any
