"""The beginning and end of every page: headline, figures, where it comes from, the rules, a line to sign. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from asynclog.formatting import SUMMARIZED, format_period, pluralize
from asynclog.report.neighbours import Neighbours
from asynclog.report.page.markup import Column, code, day, items, note, number, section, sentence, table, words
from asynclog.report.provenance import PolicyRule, Told
from asynclog.report.unjudged_segments import Unjudged, unjudged_in_words

_MOST_RULES = 200


class Figure(NamedTuple):
    """One of the figures at the top: what it is, itself, and a line below it; the last two are HTML."""

    name: str
    value: str
    more: str = ""


class Alarm(NamedTuple):
    """A notice before the figures: what is wrong, in a few words, and below it sentences about that."""

    title: str
    sentences: Sequence[str] = ()


class PageResult(Told, Protocol):
    """The part that the results of all commands with a page have in common."""

    @property
    def profile(self) -> str | None: ...
    @property
    def now(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def errors(self) -> list[str]: ...
    @property
    def unjudged(self) -> Unjudged: ...
    @property
    def neighbours(self) -> Neighbours: ...


def opening(result: PageResult, what: str, headline: str, figures: Iterable[Figure], alarms: Iterable[Alarm]) -> str:
    """Return the beginning of a page: what it is, in a sentence and in figures, and what is wrong."""
    shown = "".join(
        f"<div><dt>{each.name}</dt><dd>{each.value}<small>{each.more}</small></dd></div>" for each in figures
    )
    where = f" of {code(result.log)}" if result.log else ""
    when = f', <time datetime="{words(result.now)}">{words(_readable(result.now))}</time>' if result.now else ""
    brief = "".join(f"<p>{words(line)}</p>" for line in _in_brief(result))
    wrong = "".join(map(alarm, alarms))
    listed = f'<dl class="figures">{shown}</dl>\n' if shown else ""
    return f"<header><p>{words(what)}{where}{when}</p>{brief}\n<h1>{sentence(headline)}</h1></header>\n{wrong}{listed}"


def alarm(what: Alarm) -> str:
    """Return what is wrong."""
    told = "".join(f"<p>{sentence(each)}</p>" for each in what.sentences)
    return f'<div class="alarm" role="alert"><p><strong>{words(what.title)}</strong></p>{told}</div>\n'


def error_alarms(error: str | None, exit_code: int) -> list[Alarm]:
    """Return the alarm for the error of a command that deletes nothing, if there is one."""
    return [Alarm(f"Not all went well (exit {exit_code})", [error])] if error else []


def _in_brief(result: PageResult) -> Iterator[str]:
    if result.host:
        yield f"Run by {result.user} on {result.host}"
    if result.policy:
        name, many = result.policy.path.rpartition("/")[2], len(result.policy.rules)
        yield f"Policy {name}, {pluralize(many, 'rule')}, SHA-256 {result.policy.sha256[:12]}…"


def _readable(instant: str) -> str:
    """Return `2026-11-24 00:00:00 UTC`, to the second."""
    return f"{instant[:10]} {instant[11:19]} UTC"


def about(result: PageResult, run: Sequence[tuple[str, str]] = ()) -> str:
    """Return where the page comes from; `run` is what else there is to say, as HTML."""
    facts = [("Log", code(result.log))] if result.log else []
    facts += [("Host", words(result.host)), ("Run by", words(result.user))] if result.host else []
    facts += [("Profile", words(result.profile))] if result.profile else []
    facts += [("As of", f'<time datetime="{words(result.now)}">{words(result.now)}</time>')] if result.now else []
    if result.policy:
        facts += [("Policy", code(result.policy.path)), ("its SHA-256", code(result.policy.sha256))]
    facts += [("Program", words(f"asynclog {result.version}, {result.reader} reader"))] if result.version else []
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in [*facts, *run])
    return section("about", "What this is about", f'<dl class="about">{listed}</dl>' if listed else "")


def rules(result: PageResult) -> str:
    """Return the policy's rules."""
    found = result.policy.rules if result.policy else []
    columns = [Column("rule for"), Column("keeps")]
    rows = [[code(rule.rule), words(_kept(rule))] for rule in found[:_MOST_RULES]]
    more = len(found) - _MOST_RULES
    return section(
        "rules",
        "The rules",
        table("rule-table", columns, rows),
        note(f"And {more:,} more: they are in the policy.") if more > 0 else "",
    )


def _kept(rule: PolicyRule) -> str:
    kept = "for ever" if rule.retention_s is None else format_period(rule.retention_s)
    return kept if rule.active else f"{kept}, but is switched off: its records stay"


def attention(result: PageResult, *parts: str) -> str:
    """Return what needs a look; `parts` are the command's own, as HTML."""
    files = result.neighbours
    told = [sentence(f"Warning: {warning}") for warning in result.warnings]
    told += [words(line) for line in unjudged_in_words(result.unjudged)]
    if files.count:
        names = ", ".join(map(code, files.names))
        told.append(
            f"Neighbours, never touched: {number(files.count)}: {names}{' …' if files.count > len(files.names) else ''}"
        )
    errors = result.errors if len(result.errors) > SUMMARIZED else []  # else the alarm at the top has all of them
    return section("attention", "What needs a look", items(map(sentence, errors)), *parts, items(told))


def signature(digest: str, verb: str) -> str:
    """Return the line to sign on, with the digest of the plan, if there is one."""
    plan = (
        f"<p>Plan: {code(digest)}</p>{note('The digest is the checksum at the end of the plan file.')}"
        if digest
        else ""
    )
    lines = f'<div class="sign"><span>{verb} by</span><span>Date</span><span>Signature</span></div>'
    return section("sign-off", "Sign-off", plan, lines)


def span(oldest: str | None, newest: str | None) -> str:
    """Return two dates, or one if they are the same."""
    is_one = (oldest or "")[:10] == (newest or "")[:10]
    return day(oldest) if is_one else f"<span>{day(oldest)} to {day(newest)}</span>"
