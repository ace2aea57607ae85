"""A plan as a file that a person reviews before it is carried out: JSON, one segment after the other.

A checksum detects edits. It is not a secret: anybody can make a new one, but gains nothing by it.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from asynclog.actions import Action, Plan
from asynclog.errors import ConfigurationError
from asynclog.plan.approval import ApprovedAction, ApprovedPlan
from asynclog.report.plan_origin import PlannedConfiguration, PlanOrigin
from asynclog.report.provenance import PolicyRule
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.timestamps import format_instant, parse_instant

FORMAT: Final = 1

# The beginning of a file that `plan_to_text` made.
_HEAD = re.compile(rb'\{\n  "format": [0-9]+,\n  "log": "[^\n]*",\n  "policy": "[0-9a-f]{32}",\n  "now": "')

_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class PlannedFingerprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fingerprint of the content that was judged."""

    device: int
    inode: int
    size: _Count
    mtime_ns: int
    ctime_ns: int


class PlannedSegment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The planned action on one segment, and why; `expired` counts the records to delete, per schema key.

    `unexpired` counts those of them that go for the log's budget before they expire; only a drop by budget has it.
    `oldest` and `newest` are the times of what goes, None without any.
    """

    segment: str
    action: Literal["keep", "drop", "rewrite", "skip"]
    reason: str
    fingerprint: PlannedFingerprint
    expired: dict[str, _Count]
    bytes_after: _Count
    unexpired: dict[str, _Count] | msgspec.UnsetType = msgspec.UNSET
    oldest: str | None = None
    newest: str | None = None


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan file. `now` is the time that the plan is for, `created` when it was made; `policy` identifies the rules.

    With its `configuration` it can be applied without naming any. The keys after the checksum say where it comes from;
    a plan of an earlier version has none of them.
    """

    format: Literal[1]
    log: str
    policy: str
    now: str
    created: str
    reader: str
    segments: list[PlannedSegment]
    checksum: str
    policy_path: str | None = None
    policy_sha256: str | None = None
    host: str = ""
    user: str = ""
    version: str = ""
    policy_rules: list[PolicyRule] = []
    configuration: PlannedConfiguration | None = None


def is_plan(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a plan of ours, which a new one may replace."""
    return _HEAD.match(head) is not None


class PlanText(NamedTuple):
    """A whole plan file, in ASCII, so that names that are not UTF-8 survive; and its checksum."""

    text: str
    checksum: str


def plan_to_text(plan: Plan, made: PlanOrigin) -> PlanText:
    """Return the file of this plan."""
    provenance = made.provenance
    file = PlanFile(
        format=FORMAT,
        log=made.log,
        policy=made.policy,
        now=format_instant(plan.now),
        created=format_instant(made.created),
        reader=provenance.reader,
        policy_path=provenance.policy.path if provenance.policy else None,
        policy_sha256=provenance.policy.sha256 if provenance.policy else None,
        host=provenance.host,
        user=provenance.user,
        version=provenance.version,
        policy_rules=provenance.policy.rules if provenance.policy else [],
        configuration=made.configuration,
        segments=[_planned(action) for action in plan.actions],
        checksum="",
    )
    document = msgspec.to_builtins(file)
    document["checksum"] = _checksum(document)
    return PlanText(json.dumps(document, indent=2) + "\n", document["checksum"])


def parse_plan(text: str, source: str) -> PlanFile:
    """Return the plan in this text of the file `source`. Raise ConfigurationError if it is not a whole plan."""
    try:
        document = json.loads(text)
        checksum = _checksum(document) if isinstance(document, dict) else ""
    except (ValueError, RecursionError) as error:
        raise _bad(source, f"it is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise _bad(source, "it is not a JSON object")
    if document.get("format") != FORMAT:
        raise _bad(source, f"its format is {document.get('format')!a}, but only {FORMAT} is supported")
    if document.get("checksum") != checksum:
        raise _bad(source, "it was edited or damaged: its checksum does not match")
    try:
        return msgspec.convert(document, PlanFile)
    except msgspec.ValidationError as error:
        place = str(error).rpartition(" - at `$")[2].strip("`.") or "one of its keys"
        raise _bad(source, f"{place} is missing or not valid") from None


def approved_plan(file: PlanFile, source: str, valid_for: int) -> ApprovedPlan:
    """Return the plan of this file with the path `source`. Raise ConfigurationError if it contradicts itself."""
    now, created = parse_instant(file.now), parse_instant(file.created)
    if now is None or created is None:
        raise _bad(source, "its times can't be read")
    segments = {}
    for planned in file.segments:
        if planned.segment in segments:
            raise _bad(source, f"duplicate segment {planned.segment!a}")
        going = {_key(name, source): count for name, count in planned.expired.items()}
        print_ = Fingerprint(*msgspec.structs.astuple(planned.fingerprint))
        by_budget = planned.unexpired is not msgspec.UNSET
        segments[planned.segment] = ApprovedAction(planned.action, print_, going, planned.bytes_after, by_budget)
    conditions = file.configuration.digest if file.configuration else ""
    return ApprovedPlan(source, file.log, file.policy, now, created, valid_for, segments, file.checksum, conditions)


def _planned(action: Action) -> PlannedSegment:
    oldest, newest = action.times_to_delete
    return PlannedSegment(
        segment=action.segment,
        action=action.kind,
        reason=action.reason,
        fingerprint=PlannedFingerprint(*msgspec.structs.astuple(action.fingerprint)),
        expired={str(key): count for key, count in action.records_to_delete.items()},
        bytes_after=action.bytes_after,
        unexpired={str(key): n for key, n in action.unexpired.items()} if action.by_budget else msgspec.UNSET,
        oldest=None if oldest is None else format_instant(oldest),
        newest=None if newest is None else format_instant(newest),
    )


def _checksum(document: dict[str, Any]) -> str:
    """Return the checksum of everything but the checksum itself, whatever the layout."""
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return hashlib.blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=16).hexdigest()


def _key(text: str, source: str) -> SchemaKey:
    name, _, version = text.rpartition(":")
    try:
        return SchemaKey(name, int(version))
    except ValueError:
        raise _bad(source, f"{text!a} is not a schema key") from None


def _bad(source: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{source}: this is not a plan of asynclog: {problem}")
