"""The result of `init`: the files that it wrote, and the schemas in them."""

from typing import Literal

import msgspec

from asynclog.report.envelope import FORMAT
from asynclog.report.holdings import Holding, SegmentsRead
from asynclog.report.neighbours import Neighbours
from asynclog.report.unjudged_segments import Unjudged


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """`result` of the JSON document. `files` are absolute paths; `left_out` are keys that a YAML policy can't name.

    `registry` is the path of MXCP's registry if the policy has its rules. `preset`, or `fields` and `time`, are what
    the configuration says of the lines, None if that is nothing; `recognised` are sentences about how certain that is.
    """

    status: Literal["success", "partial"]
    message: str
    format: Literal[1] = FORMAT
    log: str
    host: str
    user: str
    version: str
    reader: str
    files: list[str]
    registry: str | None
    preset: str | None
    fields: dict[str, str | dict[str, str]] | None
    time: dict[str, str] | None
    recognised: list[str]
    schemas: dict[str, Holding]
    left_out: list[str]
    segments: SegmentsRead
    unread: dict[str, str]
    warnings: list[str]
    neighbours: Neighbours
    unjudged: Unjudged
    errors: list[str]
