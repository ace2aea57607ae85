"""Many logs on one page: a table of all, and below it what becomes of each. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from asynclog.formatting import format_size, pluralize
from asynclog.report.page.cleanup.many_logs.parts import LogPart
from asynclog.report.page.cleanup.tables import other_stays, schema_table, stays
from asynclog.report.page.cleanup.troubles import troubles
from asynclog.report.page.cleanup.wording import DRY, Wording
from asynclog.report.page.frame import alarm, span
from asynclog.report.page.markup import Column, code, items, note, number, section, sentence, size, table, words
from asynclog.report.page.staying import staying_table
from asynclog.report.provenance import rules_in_words
from asynclog.report.unjudged_segments import unjudged_in_words

_MOST_LOGS = 500  # in the table
_ROOM = 500_000  # bytes of the parts together
_OPEN = 30  # parts; if there are more, only those with troubles are open
_LONGEST_OUTCOME = 300


def by_need(parts: Iterable[LogPart]) -> list[LogPart]:
    """Return the logs with errors first, then those from which something goes, then the quiet ones."""
    return sorted(parts, key=lambda part: (not part.report.error, not part.is_loud))


def log_section(parts: Sequence[LogPart], folder: str, total: LogPart, how: Wording) -> str:
    """Return the table of logs, with the figures of the JSON's `logs`; `total` is of all."""
    columns = [Column("log"), Column("outcome")]
    columns += [Column(name, is_number=True) for name in (f"records {how.goes}", "size")]
    columns += [Column("dated")]
    columns += [Column(name, is_number=True) for name in ("records kept", "overdue", "unjudged")]
    rows = [
        [_name(part, folder), words(_outcome(part), _LONGEST_OUTCOME), *_cells(part)] for part in parts[:_MOST_LOGS]
    ]
    foot = ["all", "", *_cells(total)]
    where = note(f"Their paths are below {code(folder)}.") if folder else ""
    return section("logs", "By log", where, table("log-table", columns, rows, foot), _rest(parts[_MOST_LOGS:]))


def _rest(parts: Sequence[LogPart]) -> str:
    """Return what is to be said of logs for which the table has no room."""
    if not parts:
        return ""
    outcomes = Counter(part.report.result.status.replace("_", " ") for part in parts)
    told = ", ".join(f"{many:,} {outcome}" for outcome, many in outcomes.most_common())
    gone = sum(part.report.result.records.deleted for part in parts)
    return note(
        f"And {pluralize(len(parts), 'more log')} ({told}; {pluralize(gone, 'record')} of these), which are in the "
        "totals: the JSON and --csv have each."
    )


def _name(part: LogPart, folder: str) -> str:
    path = code(part.path.removeprefix(folder))
    if not part.profile:
        return path
    return f"<span>{words(part.profile)}{f'<small>{path}</small>' if part.path else ''}</span>"


def _outcome(part: LogPart) -> str:
    """Return in words what became of it."""
    result = part.report.result
    if part.report.refused:
        return "refused by a guard (exit 5)"
    if result.errors:
        return "; ".join(result.errors)
    if result.stopped:
        return f"stopped: {result.stopped}"
    return result.message if result.status == "skipped" or not result.segments.total else _STATUS[result.status]


_STATUS = {"success": "done", "dry_run": "dry run", "partial": "partly done", "error": "not done"}


def _cells(part: LogPart) -> Iterator[str]:
    result = part.report.result
    yield number(result.records.deleted)
    yield size(result.bytes.freed)
    yield span(result.deleted_oldest, result.deleted_newest)
    yield number(result.records.kept)
    yield number(sum(result.overdue.records.values()))
    yield number(result.unjudged.segments)


def parts_section(parts: Sequence[LogPart], folder: str, how: Wording, *, one_policy: bool) -> str:
    """Return what becomes of each log, in about `_ROOM` bytes; the rules stand there if each has its own."""
    room, shown = _ROOM, []
    loud = [part for part in parts if part.is_loud]
    for place, part in enumerate(loud):
        is_open = len(loud) <= _OPEN or bool(part.report.error)
        inside = _summary(part, folder, how) + _body(part, f"log-{place}", how, rules=not one_policy)
        text = f'<details class="part"{" open" if is_open else ""}>{inside}</details>'
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    return section("each", "Each log", *shown, _left_out(len(loud) - len(shown), len(parts) - len(loud), how))


def _left_out(left: int, quiet: int, how: Wording) -> str:
    told = [f"And {pluralize(left, 'more log')}, for which there is no room on this page"] if left else []
    nothing = "nothing would go" if how.is_dry else "nothing went"
    told += [f"{pluralize(quiet, 'log')} from which {nothing}, and in which nothing is wrong"] if quiet else []
    return note(f"{'; '.join(told)}: the JSON and --csv have each.") if told else ""


def _summary(part: LogPart, folder: str, how: Wording) -> str:
    result, how = part.shown, DRY if part.report.refused else how
    gone = f"{how.goes}: {pluralize(result.records.deleted, 'record')}, {format_size(result.bytes.freed)}"
    stay = f"{how.stays}: {pluralize(result.records.kept, 'record')}"
    told = f"{gone}; {stay}" if result.segments.total else "nothing was done"
    return f"<summary>{_name(part, folder)} <span>{told}</span></summary>"


def _body(part: LogPart, name: str, how: Wording, *, rules: bool) -> str:
    result, how = part.shown, DRY if part.report.refused else how
    shown = part.report.refused or part.report
    policy = result.policy if rules else None
    told = [
        *([f"Rules: {sentence(rules_in_words(policy.rules))} ({code(policy.path)})"] if policy else []),
        *other_stays(result),
        *map(words, unjudged_in_words(result.unjudged)),
        *(sentence(f"Warning: {warning}") for warning in result.warnings),
    ]
    return "".join(
        [
            *map(alarm, troubles(part.report, how)),
            schema_table(name, shown, part.schemas, how),
            staying_table(f"{name}-stays", list(stays(shown, part.schemas))),
            items(told),
        ]
    )
