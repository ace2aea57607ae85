"""The result of `asynclog --version --json`."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT


class VersionResult(msgspec.Struct, frozen=True):
    """`result` of the JSON document."""

    status: Literal["success"]
    message: str
    version: str
    reader: str
    format: Literal[1] = FORMAT
