"""Sentences about what was recognised of a log: the preset that fits, or which keys look like its fields. Pure."""

import shlex
from collections.abc import Iterable, Iterator

from asynclog.config.presets import load_presets
from asynclog.config.values.mapped_fields import ConstantKey
from asynclog.formatting import list_some, pluralize
from asynclog.recognition.proposal import Proposal
from asynclog.recognition.recognise import MXCP, Match, Recognition
from asynclog.recognition.schemas import SchemaCandidate
from asynclog.recognition.times import LOCAL, TimeCandidate, TimeText

PATTERN = "%d/%b/%Y:%H:%M:%S %z"  # of a time, as an example
_SHOWN = 3  # further candidates


def recognised(found: Recognition) -> Iterator[str]:
    """Yield sentences that say what was recognised, why, and what is not certain."""
    if found.preset:
        match, *others = sorted(found.matches, key=lambda match: match.preset != found.preset)
        yield f"Recognised {described(match.preset)}: {_why(match, found)}"
        if others:
            yield f"{_options(others)} would fit, too: {_whys(others, found)}"
    elif found.matches:
        yield f"Not certain whose log it is: {_options(found.matches)} fit: {_whys(found.matches, found)}"
    elif not found.objects:
        yield from _by_name(found)
    elif found.proposal is not None:
        yield from _proposed(found, found.proposal)
    else:
        of = pluralize(found.objects, "line")
        yield f"No preset fits most of {of} looked at: they are read as MXCP's, because some of them are"
    if found.further:
        are = "is a segment" if len(found.further) == 1 else "are segments"
        preset = found.preset or found.matches[0].preset
        yield f"Under preset {preset} {list_some(found.further)} {are} of this log, too"


def way_on(found: Recognition, path: str) -> str:
    """Return what to do about this log, of which no line is a record yet; empty if that is not certain.

    `path` is the log's if `init` may propose fields for it, else empty.
    """
    if found.preset and found.preset != MXCP:
        return (
            f"the lines look like those of {described(found.preset)}: write preset: {found.preset} into the profile "
            "of an asynclog.yaml, as asynclog init does"
        )
    if path and found.proposal is not None and found.proposal.fields is not None:
        return f"asynclog init --path {shlex.quote(path)}, run in another folder, proposes fields for them"
    return ""


def written_fields(
    proposal: Proposal | None,
) -> tuple[dict[str, str | dict[str, str]] | None, dict[str, str] | None]:
    """Return the `fields` and the `time` of a configuration that are sure enough to be written; None without any."""
    if proposal is None or proposal.fields is None or proposal.time is None:
        return None, None
    schema = proposal.fields.schema
    shown = {"constant": schema.constant} if isinstance(schema, ConstantKey) else str(schema)
    return {"timestamp": str(proposal.fields.timestamp), "schema": shown}, {"form": str(proposal.time.form)}


def described(preset: str) -> str:
    """Return the preset with what it is about."""
    return f"preset {preset} ({load_presets()[preset].about})"


def _options(matches: Iterable[Match]) -> str:
    return " and ".join(f"--preset {match.preset}" for match in matches)


def _whys(matches: Iterable[Match], found: Recognition) -> str:
    return "; ".join(_why(match, found) for match in matches)


def _why(match: Match, found: Recognition) -> str:
    have = "has" if match.marked == 1 else "have"
    are = "is a record" if match.read == 1 else "are records"
    return (
        f"{match.marked:,} of {pluralize(found.objects, 'line')} looked at {have} its "
        f"{' and '.join(_marks(match.preset))}, {match.read:,} {are}{', and its usual name' if match.is_named else ''}"
    )


def _marks(preset: str) -> Iterator[str]:
    """Yield the keys that all lines of this product have; if there is none such, those of which each has one."""
    marks = [[mark.partition("=")[0] for mark in alternatives] for alternatives in load_presets()[preset].marks]
    always = [keys[0] for keys in marks if len(set(keys)) == 1]
    yield from always or (" or ".join(dict.fromkeys(keys)) for keys in marks)


def _by_name(found: Recognition) -> Iterator[str]:
    named = [name for name in found.named if name != MXCP]
    if named:
        why = f"none of {pluralize(found.lines, 'line')} looked at is JSON" if found.lines else "it has no line yet"
        options = " or ".join(f"--preset {name}" for name in named)
        yield f"Not certain whose log it is: {why}; by its name, init with {options} would be right"


def _proposed(found: Recognition, proposal: Proposal) -> Iterator[str]:
    """Yield what looks like the time and the schema, and whether it was written."""
    of = pluralize(found.objects, "line")
    if not proposal.times:
        yield f"No preset fits, and no key of {of} looked at looks like a time: write `fields` and `time` yourself"
        yield from map(_text, proposal.texts[:_SHOWN])
        return
    best, *others = proposal.times
    if proposal.fields is None:
        seem = "; ".join(_time(time, found.objects) for time in proposal.times[: _SHOWN + 1])
        yield f"No preset fits. Of {of} looked at, {seem}"
        yield "Not certain which is the time of the record, so `fields` stand there as comments only: uncomment them"
    else:
        yield f"No preset fits. Of {of} looked at, {_time(best, found.objects)}: correct it if it is another one"
        if proposal.read < found.objects and best.form != LOCAL:
            yield f"{proposal.read:,} of these lines would be records so"
        if others:
            yield f"Other times: {'; '.join(_time(time, found.objects) for time in others[:_SHOWN])}"
    if best.form == LOCAL:
        yield f"`{best.path}` has no offset from UTC: name its zone in time.zone, or its lines are kept for ever"
    yield from map(_text, proposal.texts[:_SHOWN])
    yield from _schemas(proposal)


def _time(time: TimeCandidate, objects: int) -> str:
    share = time.lines * 100 // objects
    return f"`{time.path}` looks like the time ({time.form}) in {share} %"


def _text(text: TimeText) -> str:
    if not text.has_year:
        return f"`{text.path}` is text such as '{text.example}', without a year: no form reads that"
    return (
        f"`{text.path}` is text such as '{text.example}': if that is the time, say its form, as in "
        f"time: {{form: '{PATTERN}'}}"
    )


def _schemas(proposal: Proposal) -> Iterator[str]:
    written = proposal.fields.schema if proposal.fields else None
    if isinstance(written, ConstantKey):
        yield f"No key is certain to be the schema: all records are of the schema {written.constant} until you name one"
        if proposal.schemas:
            yield f"Perhaps {_values(proposal.schemas[: _SHOWN + 1])}"
    elif proposal.schemas:
        best, *others = proposal.schemas
        also = f"; so might {_values(others[:_SHOWN])}" if others else ""
        yield f"`{best.path}` looks like the schema ({pluralize(best.values, 'value')}){also}"
    for each in proposal.numerous[:_SHOWN]:
        yield (
            f"`{each.path}` is called like a schema, but has {pluralize(each.values, 'value')} in "
            f"{pluralize(proposal.timed, 'line')}: if it is the schema, write it into `fields`, and "
            "patterns into the policy"
        )


def _values(schemas: Iterable[SchemaCandidate]) -> str:
    return ", ".join(f"`{each.path}` ({pluralize(each.values, 'value')})" for each in schemas)
