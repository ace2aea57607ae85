"""Warnings about a log and its configuration: facts in, sentences out, each with what to do. All commands use these."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from asynclog.escaping import escape_surrogates
from asynclog.formatting import list_some, pluralize
from asynclog.records.why import NO_OFFSET
from asynclog.report.holdings import Holdings, sum_holdings
from asynclog.report.neighbours import Neighbours
from asynclog.report.unjudged_segments import Left, Unjudged, sum_unjudged
from asynclog.report.warnings.configuration_warnings import configuration_warnings
from asynclog.report.warnings.policy_warnings import rule_warnings, unused_rule_warnings
from asynclog.report.warnings.warning_facts import Facts, Reasons, has_no_record, is_partly_known
from asynclog.statistics import SegmentStats, earliest
from asynclog.timestamps import DAY, format_instant

_SHOWN = 3  # reasons in a sentence
MOST_NAMES = 20  # names in the document
_TEN_YEARS = 3652 * DAY

R = TypeVar("R", bound=msgspec.Struct)


class Notices(msgspec.Struct, frozen=True):
    """Notices of what needs attention, beside the result of any command."""

    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    unjudged: Unjudged = Unjudged()


def notices(facts: Facts) -> Notices:
    """Return what needs attention, given these facts."""
    names = [escape_surrogates(name) for name in facts.neighbours]
    holdings = sum_holdings(facts.states)
    return Notices(
        [escape_surrogates(each) for each in _warnings(facts, holdings)],
        Neighbours(len(names), names[:MOST_NAMES]),
        sum_unjudged(holdings.unjudged, facts.names),
    )


def noticed(result: R, found: Notices) -> R:
    """Return the result of a command, with what needs attention."""
    return msgspec.structs.replace(
        result, warnings=found.warnings, neighbours=found.neighbours, unjudged=found.unjudged
    )


def _warnings(facts: Facts, holdings: Holdings) -> Iterator[str]:
    if not facts.is_there:
        yield f"{facts.folder} does not exist yet: if the application has started, correct the path of the log"
    elif not facts.states:
        from asynclog.config.nearest_name import did_you_mean  # noqa: PLC0415 - few logs have no segment

        yield (
            f"{facts.folder} has no segment of {facts.base}: if the application has started, correct the path of the "
            f"log, or its audit.segments{did_you_mean(facts.base, facts.logs)}"
        )
    yield from facts.hindrances
    yield from configuration_warnings(facts)
    if facts.policy is not None:
        yield from rule_warnings(facts, facts.policy)
    yield from _neighbours(facts)
    yield from _strays(facts)
    is_foreign = has_no_record(facts.states) and not is_partly_known(facts)
    # If no line of the whole log is a record, a warning below says so, with the reason.
    yield from _unjudged([each for each in holdings.unjudged if each.why != "no_record" or not is_foreign])
    yield from _skip_reasons(facts.skip_reasons)
    if facts.policy is not None and not is_partly_known(facts):
        yield from unused_rule_warnings(facts.policy, holdings.by_schema)
    if is_foreign:
        lines = sum(
            each.unreadable for each in facts.states if isinstance(each, SegmentStats) and each.fragment is None
        )
        yield _no_record(lines, facts.reasons, facts.way_on)
    yield from _without_offset(facts)
    yield from _cut_chain(facts)
    yield from _clock_never_set(facts)


def _neighbours(facts: Facts) -> Iterator[str]:
    if facts.neighbours and facts.names:
        many = len(facts.neighbours) != 1
        yield (
            f"{pluralize(len(facts.neighbours), 'file')} in {facts.folder} {'begin' if many else 'begins'} with "
            f"{facts.names.stem} but {'are not segments' if many else 'is not a segment'}, not read and never deleted: "
            f"{list_some(facts.neighbours)}: if {'they belong' if many else 'it belongs'} to this log, name "
            f"{'them' if many else 'it'} in audit.segments of an asynclog.yaml"
        )


def _strays(facts: Facts) -> Iterator[str]:
    if facts.strays:
        was, them = ("was", "it") if len(facts.strays) == 1 else ("were", "them")
        yield (
            f"{pluralize(len(facts.strays), 'hidden file')} of {pluralize(sum(facts.strays.values()), 'byte')} in "
            f"{facts.folder} {was} left by a killed job, and no job handles {them}: {list_some(list(facts.strays))}: "
            f"there may be lines that are nowhere else, so do not remove {them}: unpack what was compressed; if "
            "this log's names were changed, have audit.segments match the name between the first dot and .al- again; "
            "and run a cleanup"
        )


def _unjudged(left: Sequence[Left]) -> Iterator[str]:
    """Yield a warning about segments that could not be judged: they never count as clean."""
    names = [each.segment for each in left]
    if names:
        yield (
            f"{pluralize(len(names), 'segment')} could not be judged and stay{'s' * (len(names) == 1)}: "
            f"{list_some(names)}: "
            f"{_reasons(each.reason for each in left)}: see asynclog explain"
        )


def _skip_reasons(skip_reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning about segments that may not be changed: expired records there are counted, and stay."""
    names = list(skip_reasons)
    if names:
        yield (
            f"{pluralize(len(names), 'segment')} stay{'s' * (len(names) == 1)} whatever has expired there: "
            f"{list_some(names)}: {_reasons(skip_reasons.values())}: see asynclog explain"
        )


def _reasons(reasons: Iterable[str]) -> str:
    return "; ".join(f"{reason} ({number:,})" for reason, number in Counter(reasons).most_common(_SHOWN))


def _commonest(reasons: Reasons) -> tuple[str, int]:
    return max(reasons.counts.items(), key=lambda each: each[1])


def _no_record(lines: int, reasons: Reasons | None, way_on: str) -> str:
    what = "The only line is not a record" if lines == 1 else f"None of {lines:,} lines is a record"
    if reasons and reasons.counts:
        reason, number = _commonest(reasons)
        of = "" if reasons.lines >= lines else f" of the first {reasons.lines:,}"
        what += f": {reason} in {number:,}{of}"
    return f"{what}: nothing of this log is ever deleted; {way_on or 'see asynclog explain'}"


def _without_offset(facts: Facts) -> Iterator[str]:
    """Yield a warning, unless another one names this as the commonest reason why no line is a record."""
    found, reasons = facts.without_offset, facts.reasons
    told = bool(reasons and reasons.counts and NO_OFFSET in _commonest(reasons)[0])
    if found.lines and not told:
        one = found.complete and found.lines == 1
        yield (
            f"{'' if found.complete else 'at least '}{pluralize(found.lines, 'line')} {'has' if one else 'have'} a "
            f"timestamp without an offset from UTC: which instant {'it means' if one else 'they mean'} is not known, "
            f"so {'it is' if one else 'they are'} kept for ever: have the application write one, such as Z, or name "
            f"{'its' if one else 'their'} zone in time.zone of an asynclog.yaml; see asynclog explain"
        )


def _cut_chain(facts: Facts) -> Iterator[str]:
    if facts.cut:
        yield (
            f"a chain of hashes is cut: a record of {facts.cut} that stays follows one to be deleted, and has a "
            "prev_hash: verification will find the chain broken there. If it is verified, keep a copy of what goes "
            "first, or give the schemas of this log one period, so that only the beginning of the chain goes"
        )


def _clock_never_set(facts: Facts) -> Iterator[str]:
    """Yield a warning about segments with records dated ten years before the segment's name."""
    latest = facts.now - _TEN_YEARS  # a record after that can't be ten years older than a name; parsing names is slow
    old = {
        state.segment: oldest
        for state in facts.states
        if isinstance(state, SegmentStats) and facts.names
        if (oldest := earliest(count.oldest for count in state.schemas)) is not None and oldest < latest
        if (begun := facts.names.start_time(state.segment)) is not None and oldest < begun - _TEN_YEARS
    }
    if old:
        have = f"{pluralize(len(old), 'segment')} {'has' if len(old) == 1 else 'have'}"
        yield (
            f"{have} records that are at least ten years older than the segment's name says, the oldest of "
            f"{format_instant(min(old.values()))[:10]}: {list_some(list(old))}: a clock that was not set yet may have "
            "dated them, and they expire by that date: see asynclog explain"
        )
