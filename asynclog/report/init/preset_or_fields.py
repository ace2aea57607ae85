"""The keys of a first configuration that say how the lines of the log are read: a preset, or fields. Pure."""

import textwrap
from collections.abc import Iterable, Iterator

from asynclog.config.values.mapped_fields import ConstantKey
from asynclog.escaping import escape_control
from asynclog.recognition.proposal import Proposal
from asynclog.recognition.recognise import MXCP, Recognition
from asynclog.recognition.times import LOCAL
from asynclog.report.init.yaml_text import scalar
from asynclog.report.recognised import PATTERN, recognised

_WIDTH = 120  # characters of a comment
_SHOWN = 3  # times to choose from

_PRESET = """\
    preset: {preset} # see asynclog presets show {preset}
"""

_USUAL = """\
    # Other keys than schema_name, schema_version and timestamp say the same in another product's lines. Many products
    # are known: see asynclog presets, and write preset: suricata. For others:
    # fields: {timestamp: time, schema: [type, action]}
    # time: {form: [rfc3339, unix_s]}
"""


def preset_or_fields(preset: str | None, found: Recognition | None) -> str:
    """Return the lines for this preset, else for what was recognised; comments alone if nothing is certain."""
    if preset is not None:
        return _PRESET.format(preset=preset)
    if found is None or found.preset == MXCP:
        return _USUAL
    if found.preset:
        return _PRESET.format(preset=found.preset)
    lines = [*_options(found), *(_keys(found.proposal) if found.proposal else ())]
    return "".join([*_comments(recognised(found)), *lines]) if lines else _USUAL


def _options(found: Recognition) -> Iterator[str]:
    for match in found.matches:
        yield f"    # preset: {match.preset}\n"


def _keys(proposal: Proposal) -> Iterator[str]:
    """Yield the keys that are sure, else what can be chosen from, as comments."""
    if proposal.fields is not None and proposal.time is not None:
        schema = proposal.fields.schema
        shown = f"{{constant: {scalar(schema.constant)}}}" if isinstance(schema, ConstantKey) else scalar(str(schema))
        yield f"    fields: {{timestamp: {scalar(str(proposal.fields.timestamp))}, schema: {shown}}}\n"
        yield f"    time: {{form: {_form(str(proposal.time.form))}}}{_zone(proposal.times[0].form)}\n"
        return
    schema = scalar(proposal.schemas[0].path) if proposal.schemas else "{constant: NAME}"
    for time in proposal.times[:_SHOWN]:
        form = "rfc3339" if time.form == LOCAL else _form(time.form)
        yield f"    # fields: {{timestamp: {scalar(time.path)}, schema: {schema}}}\n"
        yield f"    # time: {{form: {form}}}{_zone(time.form)}\n"
    for text in (each for each in proposal.texts[:_SHOWN] if each.has_year):
        yield f"    # fields: {{timestamp: {scalar(text.path)}, schema: {schema}}}\n"
        yield f"    # time: {{form: {_form(PATTERN)}}} # this pattern, or another one\n"


def _form(form: str) -> str:
    return scalar(form) if "%" in form else form


def _zone(form: str) -> str:
    return " # add the zone of its clock, as in zone: Europe/Berlin" if form == LOCAL else ""


def _comments(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        text = escape_control(sentence) + "."
        yield from (f"    # {line}\n" for line in textwrap.wrap(text, _WIDTH - len("    # "), break_on_hyphens=False))
