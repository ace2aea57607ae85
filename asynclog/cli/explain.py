"""`asynclog explain`: options -> settings and policy -> why each segment is as it is."""

import os
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from asynclog.cli.command import settings_of
from asynclog.cli.logging import set_up_logging
from asynclog.cli.output import print_result
from asynclog.cli.signals import Signals
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.formatting import pluralize
from asynclog.plan.decide import decide
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.schema_names import refuse_unknown
from asynclog.report.envelope import CommandResult
from asynclog.report.explain.result import Explained, ExplainResult, UnreadableLine, UnreadableReason, explained
from asynclog.report.explain.text import as_text
from asynclog.report.holdings import sum_holdings
from asynclog.report.warnings import noticed
from asynclog.runner.inspect import LogInspection, notices_of_none, opened_look
from asynclog.runner.provenance import provenance_of
from asynclog.scan.chunks import ReadFailure
from asynclog.scan.unreadable_lines import Unreadable
from asynclog.timestamps import format_instant
from asynclog.types import Policy, SchemaKey, SegmentState, SegmentStats


def run(given: dict[str, Any], signals: Signals) -> int:
    """Explains what these options ask for and prints it; the exit status."""
    set_up_logging("DEBUG" if given["debug"] else "WARNING")
    answer = _answer(settings_of(given), given["segment"], given["schema"], signals)
    print_result(answer, as_text, as_json=given["json"], quiet=given["quiet"])
    return answer.exit_code


def _answer(
    settings: Settings, segment: str | None, schema: str | None, signals: Signals
) -> CommandResult[ExplainResult]:
    if not settings.enabled:
        message = f"Audit logging is switched off in profile {settings.profile}"
        return CommandResult(
            ExplainResult("skipped", message, profile=settings.profile, **asdict(provenance_of(settings)))
        )
    policy = policy_of(settings)
    provenance = provenance_of(settings, policy)
    with signals.held("while the log was read"), opened_look(settings, policy, signals.stop) as look:
        if look is None:
            message = f"Nothing to explain: {settings.folder} does not exist yet"
            if schema:
                refuse_unknown(f"--schema {schema}", schema, policy, [])
            nothing = ExplainResult("success", message, profile=settings.profile, **asdict(provenance))
            return CommandResult(noticed(nothing, notices_of_none(settings, policy)))
        findings = _findings(look, policy, settings, segment)
        if schema:
            refuse_unknown(f"--schema {schema}", schema, policy, look.findings.values())
        chosen = [(each, _keys(each, schema)) for each in findings]
        rows = [_explained(look, each, policy, settings, keys) for each, keys in chosen if keys or not schema]
        total, notices = len(look.segments), look.notices(policy)
    inventory = sum_holdings(findings)
    return inventory.answer(
        ExplainResult(
            status="partial" if inventory.failures else "success",
            message=f"{len(rows):,} of {pluralize(total, 'segment')}",
            profile=settings.profile,
            now=format_instant(look.now),
            **asdict(provenance),
            segments=rows,
            warnings=notices.warnings,
            neighbours=notices.neighbours,
            unjudged=notices.unjudged,
            errors=inventory.failures,
        )
    )


def _findings(look: LogInspection, policy: Policy, settings: Settings, name: str | None) -> list[SegmentState]:
    """What there is to know of all segments, or of one: then only that is read."""
    if name is None:
        look.recall()
        look.read()
        return list(look.findings.values())
    given, name = name, _without_folder(name, settings.folder)
    if name not in look.segments:
        raise ConfigurationError(f"{given}: there is no such segment in the log")
    if look.segments[name] in look.recall():
        (judged,) = look.judge([Cutoffs(policy, look.now)], {name: [0]})
        look.findings.update(judged)
    return [look.findings[name]]


def _without_folder(name: str, folder: str) -> str:
    """The name of a segment that is given by a path into the log's folder."""
    place, _, last = name.rpartition("/")
    return last if place and os.path.realpath(place) == os.path.realpath(folder) else name


def _keys(finding: SegmentState, schema: str | None) -> list[SchemaKey]:
    """The schemas to tell of: those of this key, or of this name, or all."""
    counts = finding.schemas if isinstance(finding, SegmentStats) else ()
    return [count.schema for count in counts if schema in {None, str(count.schema), count.schema.name}]


def _explained(
    look: LogInspection, finding: SegmentState, policy: Policy, settings: Settings, keys: Sequence[SchemaKey]
) -> Explained:
    action = decide(finding, Cutoffs(policy, look.now), settings.rewrite, look.conditions)
    census = finding if isinstance(finding, SegmentStats) else None
    row = explained(action, census, policy, keys)
    found = look.unreadable(action.segment) if census and census.unreadable else None
    if found is None or isinstance(found, ReadFailure):  # it has changed since it was counted
        return row
    reasons = [UnreadableReason(why, lines, _lines(examples)) for why, lines, examples in found.reasons]
    return msgspec.structs.replace(row, lines=_lines(found.first), reasons=reasons)


def _lines(lines: Sequence[Unreadable]) -> list[UnreadableLine]:
    return [UnreadableLine(each.offset, each.why, each.line) for each in lines]
