"""What of a log and its configuration needs a look: facts in, sentences out, each with what to do. All commands have
these, from here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from asynclog.formatting import escape_surrogates, pluralize
from asynclog.policy.rules import WILDCARD, Scope, all_rules, match_rule
from asynclog.records.diagnostics import NO_OFFSET
from asynclog.report.holdings import Holdings, sum_holdings
from asynclog.report.unjudged import Left, Unjudged, sum_unjudged
from asynclog.statistics import earliest
from asynclog.storage.claims import Contest, in_words
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import DAY, format_instant
from asynclog.types import Policy, Rule, SchemaKey, Segment, SegmentState, SegmentStats

_SHOWN = 3  # names in a sentence
MOST_NAMES = 20  # names in the document
_TEN_YEARS = 3652 * DAY

Registry = Literal["there", "awaited"]
R = TypeVar("R", bound=msgspec.Struct)


class Neighbours(msgspec.Struct, frozen=True):
    """Files of the log's folder that begin with its stem and are no segments: how many, and the first 20 names."""

    count: int = 0
    names: list[str] = []


class Reasons(msgspec.Struct, frozen=True):
    """Why the first `lines` unreadable lines of a log are: how many for each reason."""

    lines: int
    counts: Mapping[str, int]


class WithoutOffset(msgspec.Struct, frozen=True):
    """How many lines are no records only because their timestamp has no offset; at least so many if not `complete`."""

    lines: int = 0
    complete: bool = True


class Facts(msgspec.Struct, frozen=True):
    """What is known of a log. `policy` is None where there is none to be yet, `schemas` is its file.

    `obstacles` are the reasons why segments that can be read are never changed, by their names. `registry` is None
    where that is no registry; `rotated` are files beside it that look like earlier ones. `cut` is a segment whose
    record would stay and names one that goes; empty if there is none, or nothing goes. `hindrances` are a dry run's: in
    sentences, what would keep a run from doing what is planned.
    """

    folder: str
    base: str
    is_there: bool = True
    names: SegmentNaming | None = None
    findings: Sequence[SegmentState] = ()
    obstacles: Mapping[str, str] = {}
    neighbours: Sequence[str] = ()
    policy: Policy | None = None
    schemas: str = ""
    registry: Registry | None = None
    rotated: Sequence[str] = ()
    unread_keys: Sequence[str] = ()
    contests: Sequence[Contest] = ()
    reasons: Reasons | None = None
    without_offset: WithoutOffset = WithoutOffset()
    cut: str = ""
    hindrances: Sequence[str] = ()


class Notices(msgspec.Struct, frozen=True):
    """What every answer says beside its result."""

    warnings: list[str] = []
    neighbours: Neighbours = Neighbours()
    unjudged: Unjudged = Unjudged()


def notices(facts: Facts) -> Notices:
    """All that there is to say."""
    names = [escape_surrogates(name) for name in facts.neighbours]
    inventory = sum_holdings(facts.findings)
    return Notices(
        [escape_surrogates(each) for each in _warnings(facts, inventory)],
        Neighbours(len(names), names[:MOST_NAMES]),
        sum_unjudged(inventory.unjudged, facts.names),
    )


def noticed(result: R, found: Notices) -> R:
    """The result of a command, with what needs a look."""
    return msgspec.structs.replace(
        result, warnings=found.warnings, neighbours=found.neighbours, unjudged=found.unjudged
    )


def shadowed(path: str) -> str:
    """What to know of a configuration that is not found any more where a new one is."""
    return escape_surrogates(
        f"{path} is shadowed: wherever the asynclog.yaml that was just written is found, it comes first, and what that "
        f"names is not cleaned up; --config {path} still names it, or remove the one of the two that is not meant"
    )


def has_no_record(findings: Iterable[SegmentState]) -> bool:
    """Whether these segments have lines, and not one of them is a record."""
    censuses = [finding for finding in findings if isinstance(finding, SegmentStats)]
    return any(census.unreadable for census in censuses) and not any(census.schemas for census in censuses)


def _warnings(facts: Facts, inventory: Holdings) -> Iterator[str]:
    if not facts.is_there:
        yield f"{facts.folder} does not exist yet: if the application has started, correct the path of the log"
    elif not facts.findings:
        yield (
            f"{facts.folder} has no segment of {facts.base}: if the application has started, correct the path of the "
            "log, or its audit.segments"
        )
    yield from facts.hindrances
    yield from _configuration(facts)
    if facts.policy is not None:
        yield from _policy(facts, facts.policy)
    yield from _neighbours(facts)
    is_foreign = has_no_record(facts.findings) and not _is_partly_known(facts)
    # Where no line of the whole log is a record, that is told below, with the reason.
    yield from _unjudged([each for each in inventory.unjudged if each.why != "no_record" or not is_foreign])
    yield from _obstacles(facts.obstacles)
    if facts.policy is not None and not _is_partly_known(facts):
        yield from _unused(facts.policy, inventory)
    if is_foreign:
        lines = sum(
            each.unreadable for each in facts.findings if isinstance(each, SegmentStats) and each.fragment is None
        )
        yield _no_record(lines, facts.reasons)
    yield from _without_offset(facts)
    yield from _cut_chain(facts)
    yield from _clock_never_set(facts)


def _is_partly_known(facts: Facts) -> bool:
    """Whether there are segments that nobody has read, although they could be."""
    return any(isinstance(each, Segment) and each.is_readable for each in facts.findings)


def _configuration(facts: Facts) -> Iterator[str]:
    for contest in facts.contests:
        yield in_words(contest)
    for key in facts.unread_keys:
        yield (
            f"{key}: this key is not read, and keeps or deletes nothing: days are those of the audit schemas "
            f"({facts.schemas}); limits belong in an asynclog.yaml"
        )


def _policy(facts: Facts, policy: Policy) -> Iterator[str]:
    rules = all_rules(policy)
    if facts.is_there and facts.registry == "awaited":
        yield (
            f"nothing recorded yet: {facts.schemas} does not exist, so that there is no rule and all records are kept "
            "until MXCP writes its audit schemas there"
        )
    elif facts.is_there and not rules:
        what = "the registry is empty" if facts.registry else "it has no rule"
        yield f"{facts.schemas}: {what}, and all records are kept: see asynclog check"
    if facts.rotated:
        yield (
            f"{_some(facts.rotated)} beside {facts.schemas}: {'it' if len(facts.rotated) == 1 else 'they'} may have "
            "been the registry before a rotation, and no rule of that is read: put its lines back before those of the "
            "registry, and leave the registry out of the rotation"
        )
    for scope, rule in rules.items():
        if rule.active and rule.retention_days == 0:
            yield (
                f"{rule.where}: retention_days 0 deletes every record of {_scope(scope)} at once, whatever its age: "
                "write null to keep them for ever"
            )


def _neighbours(facts: Facts) -> Iterator[str]:
    if facts.neighbours and facts.names:
        many = len(facts.neighbours) != 1
        yield (
            f"{pluralize(len(facts.neighbours), 'file')} in {facts.folder} {'begin' if many else 'begins'} with "
            f"{facts.names.stem} and {'are no segments' if many else 'is no segment'}, not read and never deleted: "
            f"{_some(facts.neighbours)}: if {'they belong' if many else 'it belongs'} to this log, name "
            f"{'them' if many else 'it'} in audit.segments of an asynclog.yaml"
        )


def _unjudged(left: Sequence[Left]) -> Iterator[str]:
    """What is in these segments is not known: they are never called clean."""
    names = [each.segment for each in left]
    if names:
        yield (
            f"{pluralize(len(names), 'segment')} could not be judged and stay{'s' * (len(names) == 1)}: "
            f"{_some(names)}: "
            f"{_reasons(each.reason for each in left)}: see asynclog explain"
        )


def _obstacles(obstacles: Mapping[str, str]) -> Iterator[str]:
    """What has expired in these segments is counted, and stays."""
    names = list(obstacles)
    if names:
        yield (
            f"{pluralize(len(names), 'segment')} stay{'s' * (len(names) == 1)} whatever has expired there: "
            f"{_some(names)}: {_reasons(obstacles.values())}: see asynclog explain"
        )


def _reasons(reasons: Iterable[str]) -> str:
    return "; ".join(f"{reason} ({number:,})" for reason, number in Counter(reasons).most_common(_SHOWN))


def _unused(policy: Policy, inventory: Holdings) -> Iterator[str]:
    """Rules that match nothing while a wider one deletes: a name may be mistyped, and what it means gone."""
    used = {found[0] for key in inventory.holdings if (found := match_rule(policy, key))}
    by_wider: dict[str, list[str]] = {}
    for scope, rule in all_rules(policy).items():
        wider = _wider(policy, scope, used) if scope not in used else None
        if wider is not None:
            by_wider.setdefault(wider, []).append(f"{_scope(scope)} ({rule.where})")
    for wider, idle in by_wider.items():
        yield (
            f"{pluralize(len(idle), 'rule')} {'matches' if len(idle) == 1 else 'match'} nothing here, while {wider}: "
            f"{_some(idle)}: if a name is mistyped, correct it before the next cleanup; see asynclog check"
        )


def _wider(policy: Policy, scope: Scope, used: set[Scope]) -> str | None:
    """The wider rules that delete something of this log, in words; None without any."""
    wider: list[tuple[Scope, Rule | None]] = []
    if isinstance(scope, SchemaKey):
        wider.append((scope.name, policy.by_name.get(scope.name)))
    if scope != WILDCARD:
        wider.append((WILDCARD, policy.star))
    for each, rule in wider:
        if each in used and rule and rule.active and rule.retention_days is not None:
            return f"the rule for {each} deletes after {pluralize(rule.retention_days, 'day')}"
    return None


def _commonest(reasons: Reasons) -> tuple[str, int]:
    return max(reasons.counts.items(), key=lambda each: each[1])


def _no_record(lines: int, reasons: Reasons | None) -> str:
    what = "The only line is no record" if lines == 1 else f"None of {lines:,} lines is a record"
    if reasons and reasons.counts:
        reason, number = _commonest(reasons)
        of = "" if reasons.lines >= lines else f" of the first {reasons.lines:,}"
        what += f": {reason} in {number:,}{of}"
    return f"{what}: nothing of this log ever goes; see asynclog explain"


def _without_offset(facts: Facts) -> Iterator[str]:
    """Unless that has been told already, as the commonest reason why nothing of the log is a record."""
    found, reasons = facts.without_offset, facts.reasons
    told = bool(reasons and reasons.counts and NO_OFFSET in _commonest(reasons)[0])
    if found.lines and not told:
        one = found.complete and found.lines == 1
        yield (
            f"{'' if found.complete else 'at least '}{pluralize(found.lines, 'line')} {'has' if one else 'have'} a "
            f"timestamp without an offset from UTC: which instant {'it means' if one else 'they mean'} is not known, "
            f"so that {'it is' if one else 'they are'} kept for ever: have the application write one, such as Z; see "
            "asynclog explain"
        )


def _cut_chain(facts: Facts) -> Iterator[str]:
    if facts.cut:
        yield (
            f"a chain of hashes is cut: a record of {facts.cut} that stays follows one that goes, and has a prev_hash: "
            "whoever verifies the chain finds it broken there. If it is verified, keep a copy of what goes first, or "
            "give the schemas of this log one period, so that only the beginning of the chain goes"
        )


def _clock_never_set(facts: Facts) -> Iterator[str]:
    """Records that claim to be ten years older than the name of their segment."""
    old = {
        finding.segment: oldest
        for finding in facts.findings
        if isinstance(finding, SegmentStats) and facts.names
        if (begun := facts.names.begun(finding.segment)) is not None
        if (oldest := earliest(count.oldest for count in finding.schemas)) is not None and oldest < begun - _TEN_YEARS
    }
    if old:
        have = f"{pluralize(len(old), 'segment')} {'has' if len(old) == 1 else 'have'}"
        yield (
            f"{have} records that are ten years older than the name of their segment says, the oldest of "
            f"{format_instant(min(old.values()))[:10]}: {_some(list(old))}: a clock that was not set yet may have "
            "dated them, and they expire by that date: see asynclog explain"
        )


def _scope(scope: Scope) -> str:
    return "every schema without a rule of its own" if scope == WILDCARD else str(scope)


def _some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
