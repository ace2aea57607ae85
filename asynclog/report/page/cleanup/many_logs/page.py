"""The page of a cleanup of several logs: of a path that stands for many, or of all profiles. Pure."""

from collections.abc import Iterator

import msgspec

from asynclog.formatting import format_size, pluralize, summarize_errors
from asynclog.report.cleanup.result import Report
from asynclog.report.cleanup.text import headline
from asynclog.report.page.ageing import due_section, groups_section
from asynclog.report.page.cleanup.many_logs.parts import LogPart, LogParts
from asynclog.report.page.cleanup.many_logs.tables import by_need, log_section, parts_section
from asynclog.report.page.cleanup.one_log import cleanup_figures, left_over
from asynclog.report.page.cleanup.segments import segment_section
from asynclog.report.page.cleanup.tables import overdue_table, schema_section, stays_section
from asynclog.report.page.cleanup.troubles import troubles
from asynclog.report.page.cleanup.wording import DONE, DRY, Wording
from asynclog.report.page.document import document, room_beside
from asynclog.report.page.frame import Alarm, about, attention, opening, rules, signature
from asynclog.report.page.markup import note
from asynclog.report.page.schema_facts import merged
from asynclog.timestamps import parse_instant


def logs_page(report: Report, found: LogParts, *, dry_run: bool) -> bytes:
    """Return the page of this report, which is of these logs."""
    result, how = report.result, DRY if dry_run else DONE
    now, parts = parse_instant(result.now or "") or 0, by_need(found.parts)
    groups, facts = found.groups(now), merged(part.schemas for part in parts if not part.report.refused)
    one = next(iter(groups.values())) if len(groups) == 1 else None
    charts = {"": one} if one else {f"Policy {path}": each for path, each in groups.items()}
    many = "Each log has a policy of its own: for charts by age, make a page of one of them."
    above = [
        opening(
            result, how.what, headline(result), cleanup_figures(report, found.due, how), _alarms(report, parts, how)
        ),
        log_section(parts, found.folder, LogPart("", "", report, facts), how),
        groups_section(charts, now, f"How old the records are, and what {how.goes}"),
        note(many) if found.has_too_many_policies else "",
        schema_section(report, facts, how),
        due_section(found.due, now, one),
        stays_section(report, facts, how),
        attention(result, overdue_table(report, how), left_over(result)),
        parts_section(parts, found.folder, how, one_policy=bool(one)),
    ]
    policies = [part.report.result for part in parts if part.report.result.policy]
    below = [
        about(result),
        rules(policies[0]) if one and policies else "",
        signature("", how.signs) if result.status != "skipped" else "",
    ]
    each = ((part.path or part.profile, part.report.result) for part in parts)
    listed = segment_section(each, how, room_beside([*above, *below]))
    return document(f"{how.what}: {result.message}", result.version, [*above, listed, *below])


def _alarms(report: Report, parts: list[LogPart], how: Wording) -> Iterator[Alarm]:
    refused = [part.report.refused.result for part in parts if part.report.refused]
    if refused:
        gone, freed = sum(each.records.deleted for each in refused), sum(each.bytes.freed for each in refused)
        would = f"From them {pluralize(gone, 'record')} would have gone, {format_size(freed)}, which no total counts."
        title = f"{pluralize(len(refused), 'log')} refused by a guard (exit 5): nothing was touched there"
        yield Alarm(title, [would, "Each says below why, and how to go on."])
    told = {f"{part.name}: {part.report.error}" for part in parts if part.report.refused}
    others = [each for each in report.result.errors if each not in told]
    yield from troubles(msgspec.structs.replace(report, error=summarize_errors(others)), how)
