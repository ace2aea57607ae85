"""Presets as text: a list, or one of them as configuration to copy."""

import json
from collections.abc import Iterator

from asynclog.report.envelope import CommandResult
from asynclog.report.presets.result import PresetRow, PresetsResult


def as_text(report: CommandResult[PresetsResult]) -> str:
    """Return the result as lines, without a newline at the end."""
    result = report.result
    if result.shown is not None:
        return "\n".join(_configuration(result.shown, result.presets[result.shown]))
    width = max(map(len, result.presets))
    return "\n".join(f"{name:<{width}}  {row.about}" for name, row in result.presets.items())


def _configuration(name: str, row: PresetRow) -> Iterator[str]:
    """Yield the lines of an asynclog.yaml with this preset, and of a policy, which deletes nothing as it stands."""
    yield f"# {row.about}. Save this as asynclog.yaml, and correct the path."
    yield from ("asynclog: 1", f"profile: {name}", "profiles:", f"  {name}:", f"    preset: {name}")
    yield from ("    audit:", f"      path: {json.dumps(row.path)}", "      schemas: audit-schemas.yaml")
    yield from _keys(row)
    yield "#"
    yield "# audit-schemas.yaml, with the periods that operators usually set. Without a rule, records are kept."
    yield "# schemas:"
    for schema, period in row.policy.items():
        yield f"#   - {{schema_name: {json.dumps(schema)}, retention: {period}}}"


def _keys(row: PresetRow) -> Iterator[str]:
    """Yield what the preset stands for, as comments: a key that is written comes before it."""
    yield "    # The preset stands for these; write only what you want otherwise:"
    if row.segments:
        yield f"    # segments beside the usual names: {json.dumps(row.segments)}"
    if row.fields is None:
        yield "    # the fields and the time of MXCP's lines"
    else:
        yield f"    # fields: {json.dumps(row.fields)}"
    if row.time is not None:
        yield f"    # time: {json.dumps(row.time)}"
    if row.format is not None:
        yield f"    # format: {row.format}"
    if row.rewrite is not None:
        yield f"    # rewrite: {row.rewrite}"
